# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each deployment is sent as a key: names of variables, never a value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..registry.credentials import signing_parameter
from ..registry.problems import Place
from ..registry.provider_types import PROVIDER_TYPES
from ..registry.yaml_tree import Mapping
from .entries import Deployment
from .notes import Notes
from .secret_values import LITERAL, NONE, PLACEHOLDER, VARIABLE, Given, given, secret_name, shaped
from .vendors import COMPATIBLE, Vendor

_INSIDE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}")
_SIGNING = ("aws_", "vertex_")


@dataclass
class Sent:
    """`key` of api_key; `headers` with ${NAME}, "" where a literal secret stood; `signing`:
    variables by LiteLLM's parameter."""

    key: Given
    headers: dict[str, str] = field(default_factory=dict)
    signing: dict[str, str] = field(default_factory=dict)

    def identity(self) -> tuple[object, ...]:
        """The same for two deployments that are sent the same."""
        digest = hashlib.sha256(self.key.secret.encode("utf-8", "replace")).hexdigest()
        secret = digest if self.key.kind == LITERAL else ""
        kind = NONE if self.key.kind == PLACEHOLDER else self.key.kind
        headers, signing = sorted(self.headers.items()), sorted(self.signing.items())
        return kind, self.key.variable, secret, tuple(headers), tuple(signing)


def sent_by(one: Deployment, vendor: Vendor, notes: Notes) -> Sent:
    """What a deployment is sent, with what is wrong about it."""
    key = given(one.params.get("api_key"))
    place = one.at("api_key")
    if key.unread:
        what = f"{one.called}.api_key: ${{{key.variable}}}"
        notes.found(place, "key-sent-literally", what, f"`env_var: {key.variable}`")
    elif key.kind == LITERAL:
        what = f"{one.called}.api_key: a key stands in the file at line {place.line}"
        notes.found(place, "literal-key", what)
    elif vendor.type == COMPATIBLE and not vendor.key_variable and key.kind in (NONE, VARIABLE):
        what = f"{one.called}.api_key {'is missing' if key.kind == NONE else key.variable}"
        if one.prefix == "openai" and not one.id.startswith("~"):
            notes.found(place, "key-may-be-anothers", what)
    found = Sent(key, dict(_headers(one, notes)))
    row = PROVIDER_TYPES.get(vendor.type)
    if row is not None and row.parameters:
        for name in one.params:
            if name.startswith(_SIGNING):
                _sign(one, name, vendor, found, notes)
    return found


def _headers(one: Deployment, notes: Notes) -> Iterator[tuple[str, str]]:
    """Header -> its value as the registry has it."""
    headers = one.params.get("extra_headers")
    if headers is None:
        return
    if not isinstance(headers, Mapping):
        notes.found(one.at("extra_headers"), "bad-value-fails", f"{one.called}.extra_headers")
        return
    for name, value in headers.items():
        text = value if isinstance(value, str) else headers.written(name)
        place = headers.value_place(name)
        path = f"{one.called}.extra_headers.{name}"
        yield name, _header(text, name, path, place, notes)


def _header(text: str, name: str, path: str, place: Place, notes: Notes) -> str:
    """${NAME} for what is read from a variable; "" in place of a literal secret."""
    whole = given(text)
    if whole.kind == VARIABLE and not whole.unread:
        return f"${{{whole.variable}}}"
    if _INSIDE.search(text):
        notes.found(place, "header-sent-literally", path)
        return _INSIDE.sub(lambda found: f"${{{found[1] or found[2]}}}", text)
    if whole.kind == LITERAL and (secret_name(name) or name.lower() == "x-api-key" or shaped(text)):
        notes.found(place, "literal-key", f"{path}: a key stands in the file at line {place.line}")
        return "Bearer " if text.startswith("Bearer ") else ""
    return text


def _sign(one: Deployment, name: str, vendor: Vendor, found: Sent, notes: Notes) -> None:
    row = PROVIDER_TYPES[vendor.type]
    value, place = given(one.params[name]), one.at(name)
    usual = row.parameters.get(name, name.upper())
    if value.kind == VARIABLE and signing_parameter(row, value.variable) == name:
        found.signing[name] = value.variable
    elif name not in row.parameters:
        notes.not_carried(place, f"{one.called}.{name}", f"it is given as a variable, {usual}")
    elif (value.kind == LITERAL and secret_name(name)) or name.endswith(("_key", "_key_id")):
        found.signing[name] = usual
        if value.kind == LITERAL:
            what = f"{one.called}.{name}: a key stands in the file at line {place.line}"
            notes.found(place, "literal-key", what, f"the variable {usual}")
    else:
        found.signing[name] = usual
        held = f"what {value.variable} holds" if value.variable else f"the value at {place}"
        notes.by_hand(f"Give the gateway {usual}: {held}.")
