# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An api_base as the registry wants it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from ..registry.addresses import endpoint_in
from ..registry.provider_types import PROVIDER_TYPES, ROOT, V1
from .entries import Deployment
from .notes import Notes
from .secret_values import VARIABLE, given

_VARIABLE = re.compile(r"os\.environ/|\$\{?[A-Za-z_]")
_PART = re.compile(r"v\d+[a-z0-9]*")
_VERSION = re.compile(r"/v\d+/*$")
OLLAMA = "http://127.0.0.1:11434"


@dataclass
class Addresses:
    """`known`: variable -> the address that it holds, as far as the user said so."""

    notes: Notes
    known: Mapping[str, str] = field(default_factory=dict)
    said: set[tuple[str, str]] = field(default_factory=set)

    def of(self, one: Deployment, type_name: str) -> str:
        """The base_url of a deployment, "" where the type's own is meant."""
        place = one.at(one.base_key)
        base = one.base
        if not base:
            if type_name == "ollama":
                self.notes.found(one.at("model"), "ollama-spawned", f"{one.called} has no api_base")
                return OLLAMA
            return ""
        if _VARIABLE.search(base):
            base = self._from_variable(one, base)
        elif not _readable(base):
            word = _word(one.info.get("provider") if one.info else one.prefix)
            base = f"http://{word}.invalid"
            what = f"{one.called}.api_base, which is no address"
            self.notes.not_carried(place, what, f"{base} stands in its place")
            self.notes.by_hand(f"Write the address that {place} means in place of {base}.")
        base = self._without_secrets(one, base)
        ending = endpoint_in(base) if base.startswith(("http://", "https://")) else ""
        if ending:
            self.notes.found(place, "endpoint-in-base", f"{one.called}.api_base ends in {ending}")
            base = base.rstrip("/").removesuffix(ending)
        row = PROVIDER_TYPES.get(type_name)
        if row is not None and row.base == ROOT and _VERSION.search(base):
            self.notes.found(place, "version-in-base", f"{one.called}.api_base of {type_name}")
            base = _VERSION.sub("", base)
        version = any(_PART.fullmatch(part) for part in urlsplit(base).path.split("/"))
        if row is not None and row.base == V1 and base and not version:
            self.notes.found(place, "base-without-version", f"{one.called}.api_base: {base}")
        own = row.default_base if row is not None else ""
        return "" if own and base.rstrip("/") == own else base

    def _from_variable(self, one: Deployment, base: str) -> str:
        place = one.at(one.base_key)
        value = given(base)
        name = value.variable if value.kind == VARIABLE else ""
        literal = not name or value.unread
        code = "variable-sent-literally" if literal else "base-from-environment"
        self.notes.found(
            place, code, f"{one.called}.api_base{f' is read from {name}' if name else ''}"
        )
        if name in self.known:
            return self.known[name]
        made = f"http://{_word(name or one.prefix)}.invalid"
        self.notes.by_hand(
            f"Write the address that {name or 'the variable'} held in place of {made}, or import"
            f' once more with -e \'{{"addresses": {{"{name or "NAME"}": "http://..."}}}}\'.'
        )
        return made

    def _without_secrets(self, one: Deployment, base: str) -> str:
        """Without user, password and query."""
        try:
            scheme, host, path, query, _fragment = urlsplit(base)
        except ValueError:
            return base
        place = one.at(one.base_key)
        if "@" in host:
            self.notes.found(place, "literal-key", f"{one.called}.api_base holds credentials")
            self.notes.by_hand(
                f"{place}: the address held a user and a password; give them as a header."
            )
            host = host.rpartition("@")[2]
        if query:
            self.notes.not_carried(place, f"the query of {one.called}.api_base", "LiteLLM drops it")
        return urlunsplit((scheme, host, path, "", "")) if scheme else base


def _word(text: object) -> str:
    """For the name of a host that never is one (RFC 2606)."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:60] or "address"


def _readable(base: str) -> bool:
    try:
        parts = urlsplit(base)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
