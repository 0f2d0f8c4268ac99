# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names for providers: what they are called already, else their type, else their host."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .vendors import COMPATIBLE

if TYPE_CHECKING:
    from .providers import Provider

_OURS = re.compile(r"~(?P<provider>[^@/]+)(?:@(?P<host>[^/]+))?/(?P<model>[^#]+)(?:#.*)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_ADDRESS = re.compile(r"[0-9.]+|.*:.*|localhost")
_COMMON = ("www", "api", "llm", "ai", "v1", "openai", "inference")


def ours(id_: str) -> tuple[str, str] | None:
    """(provider, host) of an id that this collection has given, else None."""
    found = _OURS.fullmatch(id_)
    return (found["provider"], found["host"] or "") if found else None


class Naming:
    """Names that are taken in turn, the same for the same file."""

    def __init__(self, providers: Sequence[Provider], declared: Iterable[str]) -> None:
        self.providers = providers
        self.declared = set(declared)
        self.taken: set[str] = set()
        self.hosts = Counter(ours(one.deployments[0].id) for one in providers)
        self.first = Counter(self._first(one) for one in providers)

    def give(self) -> None:
        """Sets `name` of all."""
        for one in sorted(self.providers, key=lambda one: not self._own(one)):
            taken = self.taken | (self.declared - {one.declared})
            one.name = next(name for name in self._ways(one) if name not in taken)
            self.taken.add(one.name)

    def _ways(self, one: Provider) -> Sequence[str]:
        """Names from the shortest on; the last of them are numbered and never end."""
        first, host, port = self._first(one), *_host(one.base)
        alone = self.first[first] == 1 or self._own(one)
        with_host = host if host.startswith(first) else _fit(f"{first}-{host}")
        key = one.sent.key.variable.lower().removesuffix("_api_key").removesuffix("_key")
        ways = [first] if alone else []
        ways += [with_host] if host else []
        ways += [_fit(f"{with_host}-{port}")] if port else []
        ways += [_fit(f"{first}-{key.replace('_', '-')}")] if key and key != first else []
        ways += [first]
        most = len(self.providers) + len(self.declared) + 3
        return [*ways, *(f"{ways[0]}-{number}" for number in range(2, most))]

    def _own(self, one: Provider) -> str:
        """The name that it has in an id of ours, or that a wildcard needs."""
        found = ours(one.deployments[0].id)
        if one.declared:
            return one.declared
        if found:
            provider, host = found
            many = sum(name is not None and name[0] == provider for name in self.hosts) > 1
            return _fit(f"{provider}-{host}") if host and many else provider
        return next((name for name in map(_captured, one.deployments) if name), "")

    def _first(self, one: Provider) -> str:
        own = self._own(one)
        if own:
            return own
        told = [str(d.told("provider") or "") for d in one.deployments]
        same = set(told)
        if len(same) == 1 and _NAME.fullmatch(told[0]):
            return told[0]
        if one.vendor.type != COMPATIBLE:
            return one.vendor.type
        prefixes = {d.prefix for d in one.deployments}
        if one.vendor.key_variable and len(prefixes) == 1:
            return _fit(prefixes.pop())
        host, port = _host(one.base)
        if not host or _ADDRESS.fullmatch(host):
            return f"local-{port}" if host in ("localhost", "127.0.0.1") and port else "server"
        return host


def _captured(one: object) -> str:
    """The prefix of a wildcard that is not sent on: `groq` of groq/* for the model groq/*."""
    name, model = getattr(one, "name", ""), getattr(one, "model", "")
    prefix = name.removesuffix("/*")
    return prefix if model == "*" and name.endswith("/*") and _NAME.fullmatch(prefix) else ""


def _host(base: str) -> tuple[str, str]:
    """(the part of a host's name that tells it apart, the port)."""
    try:
        parts = urlsplit(base)
        host, port = parts.hostname or "", str(parts.port or "")
    except ValueError:
        return "", ""
    if _ADDRESS.fullmatch(host):
        return _fit(host), port
    labels = [label for label in host.split(".") if label not in _COMMON]
    return _fit(labels[0] if labels else host), port


def _fit(text: str) -> str:
    """Of letters that a provider's name may have."""
    return _UNFIT.sub("-", text).strip("-_.") or "provider"
