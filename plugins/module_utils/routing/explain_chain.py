# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which fallbacks LiteLLM finds for a name: also those of names that look like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .explain_match import inferred_provider
from .litellm_providers import PROVIDERS

ERROR, LONG_PROMPT, REFUSED = "error", "long_prompt", "refused"
KEYS = {
    ERROR: "fallbacks",
    LONG_PROMPT: "context_window_fallbacks",
    REFUSED: "content_policy_fallbacks",
}
MAX_FALLBACKS = 5  # LiteLLM's own
RETRIES = 2


@dataclass(slots=True)
class Chains:
    """One of router_settings' lists of fallbacks."""

    found: dict[str, list[str]] = field(default_factory=dict)
    unprefixed: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[Mapping[str, Sequence[str]]]) -> Chains:
        """From `[{name: [target, ...]}, ...]`; of two with one name the first one counts."""
        chains = cls()
        for one in listed:
            name = next(iter(one), None)
            if name is not None and name not in chains.found:
                chains.found[name] = [str(target) for target in one[name]]
                chains.unprefixed.setdefault(name.rpartition("/")[2], []).append(name)
        return chains

    def of_names(self, names: Iterable[str]) -> list[str] | None:
        """The chain of the first of these names that has one; else the one for all names."""
        for name in dict.fromkeys(names):
            chain = self.of_name(name)
            if chain is not None:
                return chain
        return self.found.get("*")

    def of_name(self, name: str) -> list[str] | None:
        """Its own, or that of the same name with or without a provider before it."""
        if name in self.found:
            return self.found[name]
        source = self.source(name)
        return self.found[source] if source else None

    def source(self, name: str) -> str:
        """The name whose chain this is: "" where it has none."""
        if name in self.found:
            return name
        first, slash, rest = name.partition("/")
        alike = ""
        if slash:
            if first in PROVIDERS and rest in self.found:
                alike = rest
        elif any("/" in one for one in self.unprefixed.get(name, ())):
            provider = inferred_provider(name)
            alike = f"{provider}/{name}" if provider else ""
        return alike if alike in self.found else ""


@dataclass(slots=True)
class Rules:
    """What router_settings say of failures."""

    chains: dict[str, Chains | None]
    retries: int
    max_fallbacks: int
    failover: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Rules:
        """From a configuration; what router_settings do not say, litellm_settings may."""
        own: Mapping[str, Any] = config.get("router_settings") or {}
        general: Mapping[str, Any] = config.get("litellm_settings") or {}

        def said(key: str) -> Any:  # noqa: ANN401 - whatever the configuration holds
            return own.get(key) if own.get(key) is not None else general.get(key)

        default = own.get("default_fallbacks") or general.get("default_fallbacks")
        chains: dict[str, Chains | None] = {}
        for kind, key in KEYS.items():
            listed = list(own.get(key) or general.get(key) or ())
            if default and kind == ERROR:
                listed.append({"*": default})
            chains[kind] = Chains.of(listed) if listed else None
        retries, most = said("num_retries"), said("max_fallbacks")
        return cls(
            chains,
            RETRIES if retries is None else int(retries),
            MAX_FALLBACKS if most is None else int(most),
            bool(own.get("enable_weighted_failover")),
        )
