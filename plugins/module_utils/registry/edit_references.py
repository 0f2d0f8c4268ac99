# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in a registry leads to a provider: places that must be decided before it can go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .problems import Place, Problem
from .yaml_tree import Mapping, Sequence

# Sections in which nothing is routed.
_ELSEWHERE = ("providers", "rate_limit_settings", "health_checks", "budgets", "metadata")
# Keys whose value, or list of values, names a provider; and what can be done about it.
_INSTEAD = {
    "provider": "another provider here, or this entry taken out",
    "default_provider": "another provider here, or none",
    "default_fallback": "another fallback here, or none",
    "fallback": "another fallback here, or none",
    "chain": "another step here, or one less",
}
_STEPS = ("primary", "secondary", "tertiary", "quaternary")
_MEMBER = "another provider here, or this member taken out of the list"


def references(root: Mapping, providers: Iterable[str]) -> Iterator[Problem]:
    """A problem for every place that leads to one of these providers; `root` as loaded."""
    wanted = frozenset(providers)
    for section, content in root.items():
        if section not in _ELSEWHERE and not section.startswith("x-"):
            yield from _in(content, section, "", wanted)


def _in(node: object, path: str, expected: str, wanted: frozenset[str]) -> Iterator[Problem]:
    """`expected` is what to do about a name right here, "" where text is no name."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            here = f"{path}.{key}"
            if key.startswith("x-"):
                continue
            advice = expected if key in _STEPS else _INSTEAD.get(key, "")
            if key == "provider" and path.endswith(".providers"):
                advice = _MEMBER
            if advice and isinstance(value, str) and value in wanted:
                yield _problem(node.value_place(key), here, value, advice)
            else:
                yield from _in(value, here, _MEMBER if key == "providers" else advice, wanted)
    elif isinstance(node, Sequence):
        # A chain may be no more than a list of names under the name that it is for.
        advice = expected or (_INSTEAD["chain"] if path.startswith("fallback_chains.") else "")
        for index, item in enumerate(node):
            if advice and isinstance(item, str) and item in wanted:
                yield _problem(node.item_place(index), path, item, advice)
            else:
                yield from _in(item, path, advice, wanted)


def _problem(place: Place, path: str, provider: str, expected: str) -> Problem:
    return Problem(place, "still-referred", f"{path} leads to '{provider}'", expected)
