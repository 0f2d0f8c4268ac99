# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules look at, and the walks that several of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ...registry.model import Provider, Reference, Registry
from ...registry.problems import Problem, nearest
from ...registry.schema_spots import short
from ..backends import base_url, is_vendors
from ..pattern_use import PatternUse
from ..resolve import Inventory, provider_hosts
from ..route_table import RouteTable

LOOK_UPS = 50


class WithFallbacks(Protocol):
    """An entry of the registry that may name fallbacks."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def fallbacks(self) -> list[Reference]:
        """What it names."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A registry and what was made of it."""

    registry: Registry
    table: RouteTable
    inventory: Inventory
    looked_up: dict[tuple[str, int], str] = field(default_factory=dict)
    uses: dict[int, PatternUse] = field(default_factory=dict)

    def provider_references(self) -> Iterator[tuple[str, Reference]]:
        """(path, reference) of everything that names a provider, fallbacks apart."""
        for match in self.registry.exact.values():
            yield f"exact_matches.{match.name}.provider", match.provider
        for redundant in self.registry.redundant.values():
            for member in redundant.members:
                yield f"redundant_models.{redundant.name}.providers", member.provider
        for pattern in self.registry.patterns:
            yield f"{path_of(pattern.text)}.provider", pattern.provider
        for capability in self.registry.capabilities.values():
            if capability.provider is not None:
                yield f"capabilities.{capability.name}.provider", capability.provider
        for one in self.registry.sizes:
            yield f"model_size_routing.[size={one.text}].provider", one.provider
        if self.registry.default_provider is not None:
            yield "routing_rules.default_provider", self.registry.default_provider
        for condition in self.registry.conditions:
            if condition.provider is not None:
                yield f"routing_rules.{condition.name}.provider", condition.provider
        for name, place in self.registry.health_places.items():
            yield "health_checks", Reference(name, place)

    def rules_with_fallbacks(self) -> Iterator[tuple[str, WithFallbacks]]:
        """(path, entry) of the entries that may name fallbacks."""
        for match in self.registry.exact.values():
            yield f"exact_matches.{match.name}", match
        for redundant in self.registry.redundant.values():
            yield f"redundant_models.{redundant.name}", redundant
        for pattern in self.registry.patterns:
            yield path_of(pattern.text), pattern
        for capability in self.registry.capabilities.values():
            yield f"capabilities.{capability.name}", capability

    def named_fallbacks(self) -> Iterator[tuple[str, list[Reference]]]:
        """(path, what it names) of everything that says who answers next."""
        for path, entry in self.rules_with_fallbacks():
            yield f"{path}.fallback", entry.fallbacks
        for chain in self.registry.chains:
            yield f"fallback_chains.{chain.name}", chain.steps
        for condition in self.registry.conditions:
            yield f"routing_rules.{condition.name}.fallback", condition.fallbacks
        yield "routing_rules.default_fallback", self.registry.everywhere.default_fallback

    def routes_of(self, entry: WithFallbacks) -> list[str]:
        """The names that an entry leads to: its own, or those of a pattern."""
        if not self.uses:
            self.uses.update((id(use.pattern), use) for use in self.table.patterns)
        use = self.uses.get(id(entry))
        if use is None:
            return [entry.name]
        return [use.wildcard] if use.wildcard else use.names

    def unserved_names(self) -> set[str]:
        """Public names that are declared and could be read, but that no live provider serves."""
        registry = self.registry
        read = [*registry.exact, *registry.redundant, *registry.capabilities]
        for provider in registry.providers.values():
            read += provider.models
        return {name for name in read if name not in self.table.routes}

    def served_models(self) -> set[tuple[str, str]]:
        """(provider, model) of all that public names lead to, fallbacks apart."""
        return {
            (target.deployment.provider, target.deployment.model)
            for route in self.table.routes.values()
            for target in route.targets
        }

    def routed_models(self, provider: str) -> list[str]:
        """The models of a provider that requests reach, in the order of the routes."""
        return list(self.table.routed.get(provider, ()))

    def host_count(self, provider: str) -> int:
        """On how many hosts a provider is; 1 where somebody else runs it."""
        found = self.registry.providers.get(provider)
        return max(1, len(provider_hosts(found, self.inventory))) if found else 1

    def is_vendors(self, provider: Provider) -> bool:
        """Whether it is a vendor's own API, and none in the lab."""
        host = provider_hosts(provider, self.inventory)[0]
        return is_vendors(provider, base_url(provider, host, self.inventory))

    def live(self) -> Iterator[Provider]:
        """The providers that are rendered."""
        return (p for p in self.registry.providers.values() if p.rendered)

    def unknown(self, reference: Reference, code: str, message: str, known: list[str]) -> Problem:
        """A problem about a name that nothing has, with the nearest that something has."""
        near = self._nearest(reference.name, known)
        expected = "" if near else f"one of {listing(known)}"
        return Problem(reference.place, code, message, expected, near)

    def _nearest(self, name: str, known: list[str]) -> str:
        # Comparing is slow: once a name, and in a registry that is wrong all over not for each.
        key = (name, len(known))
        if key not in self.looked_up:
            self.looked_up[key] = nearest(name, known) if len(self.looked_up) < LOOK_UPS else ""
        return self.looked_up[key]


def path_of(pattern: str) -> str:
    """Where a pattern stands, as reports name the items of a list."""
    return f"patterns.[pattern={short(pattern)}]"


def listing(names: list[str], most: int = 8) -> str:
    """Names for a sentence; not a page of them."""
    shown = ", ".join(names[:most]) or "(none is declared)"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
