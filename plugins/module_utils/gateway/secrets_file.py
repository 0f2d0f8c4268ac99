# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one file of secrets on the gateway host: read, made up, and recognised without its values.

It is an EnvironmentFile of systemd, 0600. Nothing else on the host holds a value: generations
hold names, and a keyed hash that tells whether a value changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..host.atomic import write
from ..host.units import environment_file

MASTER_KEY = "LITELLM_MASTER_KEY"
_LINE = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="(.*)"')
_ESCAPED = re.compile(r'\\(["\\$`])')
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MissingVariablesError(Exception):
    """Variables that the configuration names and nobody gave a value for: `names`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        super().__init__(
            f"no value for {', '.join(self.names)}. LiteLLM would send another provider's key or "
            "fail at the first request. Set it in the environment of ansible-playbook, or in "
            "gateway_secrets (in a vault)"
        )


def parse(text: str) -> dict[str, str]:
    """{name: value} of a text that units.environment_file made."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {m[1]: _ESCAPED.sub(r"\1", m[2]) for m in found if m}


def read(path: Path) -> dict[str, str]:
    """{name: value} of the file; empty if there is none yet."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def compose(template: str, values: Mapping[str, str]) -> str:
    """A header's text with the value of each ${VARIABLE}."""
    return _VARIABLE.sub(lambda m: values[m[1]], template)


def needed(variables: Iterable[str], composed: Mapping[str, str]) -> set[str]:
    """Names that somebody must give a value for."""
    return {*variables, *(name for text in composed.values() for name in _VARIABLE.findall(text))}


def merged(
    existing: Mapping[str, str],
    given: Mapping[str, str],
    variables: Iterable[str],
    composed: Mapping[str, str],
    keep: Iterable[str] = (),
) -> dict[str, str]:
    """What the file shall hold.

    A value given now beats the one on the host. What is neither needed now nor by a generation
    that one can go back to (`keep`) is dropped. The gateway's own key is made once. Raises
    MissingVariablesError.
    """
    values = {**existing, **{name: value for name, value in given.items() if value}}
    names = needed(variables, composed)
    missing = {name for name in names if not values.get(name)}
    if missing:
        raise MissingVariablesError(missing)
    values[MASTER_KEY] = values.get(MASTER_KEY) or "sk-" + secrets.token_urlsafe(36)
    values.update({name: compose(text, values) for name, text in composed.items()})
    wanted = {MASTER_KEY, *names, *composed, *keep}
    return {name: values[name] for name in sorted(wanted & values.keys())}


def fingerprint(values: Mapping[str, str], names: Iterable[str], key: bytes) -> str:
    """A keyed hash of these variables: equal if and only if their values are.

    The key stays on the host, outside of every generation, so that a copy of a manifest does not
    let anybody try out short passwords.
    """
    chosen = {name: values.get(name, "") for name in sorted({MASTER_KEY, *names})}
    return hmac.new(key, json.dumps(chosen).encode(), hashlib.sha256).hexdigest()[:32]


def fingerprint_key(path: Path, create: bool) -> bytes:
    """The host's own random key; made once if `create`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(32)
        if create:
            write(path, key, 0o600)
        return key


def scrub(said: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A result without the value of any secret in its texts."""
    secret = sorted((v for v in values.values() if len(v) >= 6), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, secret)) or r"(?!)")
    return {k: pattern.sub("***", v) if isinstance(v, str) else v for k, v in said.items()}


def store(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step, readable by its owner alone."""
    write(path, environment_file(values).encode(), 0o600)
