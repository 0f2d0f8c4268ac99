# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values in sentences: told where they are no secret, else only that they changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..registry.credentials import NO_KEY
from .compare_flat import NOTHING, Difference, Path, dotted

HIDDEN = "(not shown)"
NONE = "none"
_REFERENCE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
# A part of a key's name that says that its value may be a secret.
_SECRET = re.compile(
    r"(^|[-_.])(api)?(keys?|token|secrets?|pass|passwd|password|credentials?|auth|authorization|"
    r"cookie|signature|salt|headers?|webhook|environment)([-_.]|$)",
    re.IGNORECASE,
)
# Keys whose text is a name, and no more than a name.
_TELLING = frozenset(
    {"model", "model_name", "mode", "id", "api_version", "routing_strategy", "group_name"}
    | {"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"}
    | {"models", "optional_pre_call_checks", "model_group_alias", "callbacks"}
    | {"budget_duration", "tags", "tag_regex"}
)
_PRICES = frozenset(("input_cost_per_token", "output_cost_per_token"))
_ADDRESS = frozenset(("api_base", "base_url", "url"))


def is_secret(path: Path) -> bool:
    """Whether a value at this path may be one that nobody is to see."""
    words = (part for part in path if isinstance(part, str) and part not in _PRICES)
    return any(_SECRET.search(word) for word in words)


def shown(path: Path, value: Any) -> str:  # noqa: ANN401 - YAML holds anything
    """A value as it may be printed. A text under a key that is not known is never shown."""
    if value is NOTHING:
        return NONE
    if isinstance(value, str):
        found = _REFERENCE.fullmatch(value)
        if found:
            return f"the value of {found[1]}"
        if value == NO_KEY:
            return "no key"
    if is_secret(path):
        return HIDDEN
    if value is None or isinstance(value, (bool, int, float)):
        return _number(value)
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(shown(path, item) for item in value)
    if not value:
        return "empty" if value == "" else f"an empty {'list' if value == [] else 'mapping'}"
    return _text(path, str(value))


def _number(value: Any) -> str:  # noqa: ANN401
    if value is None or isinstance(value, bool):
        return {None: "null", True: "on", False: "off"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(path: Path, text: str) -> str:
    keys = [part for part in path if isinstance(part, str)]
    if keys and keys[-1] in _ADDRESS:
        return address(text)
    return text if _TELLING & set(keys) else HIDDEN


def address(text: str) -> str:
    """A URL without what may be a secret in it: user, password, query."""
    try:
        parts = urlsplit(text)
        place = parts.hostname or ""
        place = f"[{place}]" if ":" in place else place
        return f"{parts.scheme}://{place}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return HIDDEN


def changed(path: Path, before: Any, after: Any) -> str:  # noqa: ANN401
    """`3 -> 10`, or that it changes where the values cannot be told apart as they are shown."""
    old, new = shown(path, before), shown(path, after)
    if old == new:
        return "changes; the values are not shown"
    return f"{old} -> {new}"


def plain(difference: Difference) -> str:
    """What nobody has better words for: its path and the two values."""
    words = changed(difference.path, difference.before, difference.after)
    return f"{dotted(difference.path)}{' ' if words.startswith('changes') else ': '}{words}"


def listed(names: Iterable[str], most: int = 5) -> str:
    """`a, b and 3 more`."""
    known = list(dict.fromkeys(names))
    if len(known) <= most:
        return ", ".join(known)
    return f"{', '.join(known[: most - 1])} and {len(known) - most + 1} more"


def counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def chain(names: Sequence[str]) -> str:
    """`a, then b, then c`."""
    return ", then ".join(names) if names else "nobody"
