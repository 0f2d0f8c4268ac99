# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture: names, the providers that answer, their hosts, and where a request goes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from ..registry.model import Provider, Registry
from ..routing.backends import base_url
from ..routing.resolve import Inventory, provider_hosts
from ..routing.route_table import MODEL, ROUTE, Route, RouteTable, Target
from .escape import label
from .parts import further

# Mermaid refuses more than 500 edges and 50,000 characters; and nobody reads as many.
MOST_EDGES = 150
MOST_CHARACTERS = 30_000


class Picture:
    """A flow chart that grows name by name until it is full."""

    def __init__(self, registry: Registry, inventory: Inventory) -> None:
        self.registry, self.inventory = registry, inventory
        self.nodes: dict[tuple[str, str], str] = {}
        self.shapes: dict[str, list[str]] = {"names": [], "providers": [], "hosts": []}
        self.edges: list[str] = []
        self.left_out = 0

    def add(self, routes: Iterable[Route], table: RouteTable) -> None:
        """Names with a rule of their own first; what does not fit is counted."""
        wanted = sorted(routes, key=_plain_model)
        for route in wanted:
            if len(self.edges) >= MOST_EDGES or self.size() >= MOST_CHARACTERS:
                break
            name = self.node("names", route.name)
            for provider, said in _first(route).items():
                self.edge(name, "-->", self.provider(provider), said)
            for step, fallback in enumerate(further(route), 1):
                if fallback.kind == ROUTE and fallback.name in table.routes:
                    target = self.node("names", fallback.name)
                    self.edge(name, "-.->", target, f"then {step}")
                    continue
                for provider in dict.fromkeys(one.provider for one in fallback.deployments):
                    self.edge(name, "-.->", self.provider(provider), f"then {step}")
        self.left_out = sum(("names", route.name) not in self.nodes for route in wanted)

    def node(self, kind: str, name: str) -> str:
        """The node of this name; its shape says what it is."""
        key = (kind, name)
        if key not in self.nodes:
            self.nodes[key] = f"{kind[0]}{len(self.shapes[kind]) + 1}"
            left, right = {"names": ("([", "])"), "providers": ("[", "]"), "hosts": ("[(", ")]")}[
                kind
            ]
            self.shapes[kind].append(f"{self.nodes[key]}{left}{label(name)}{right}")
        return self.nodes[key]

    def provider(self, name: str) -> str:
        """The node of a provider, with its hosts behind it."""
        if ("providers", name) in self.nodes:
            return self.nodes["providers", name]
        node = self.node("providers", name)
        provider = self.registry.providers.get(name)
        for host in hosts_of(provider, self.inventory) if provider else ():
            self.edge(node, "-->", self.node("hosts", host))
        return node

    def edge(self, source: str, arrow: str, target: str, said: str = "") -> None:
        middle = f"|{label(said)}|" if said else ""
        self.edges.append(f"{source} {arrow}{middle} {target}")

    def size(self) -> int:
        """Characters that the chart has about now."""
        return sum(map(len, self.edges)) + sum(sum(map(len, one)) for one in self.shapes.values())

    def lines(self) -> list[str]:
        """The chart's text; [] where there is nothing to show."""
        if not self.edges:
            return []
        lines = ["flowchart LR"]
        for kind, title in (("names", "Names"), ("providers", "Providers"), ("hosts", "Hosts")):
            if self.shapes[kind]:
                inside = [f"    {shape}" for shape in self.shapes[kind]]
                lines += [f"  subgraph {kind}[{label(title)}]", *inside, "  end"]
        return [*lines, *(f"  {edge}" for edge in self.edges)]


def _plain_model(route: Route) -> bool:
    return route.kind == MODEL and not route.fallbacks and len(_first(route)) < 2


def _first(route: Route) -> dict[str, str]:
    """Each provider of a name's targets with its place among them, in words."""
    found: dict[str, str] = {}
    shares = shares_of(route)
    several = len({target.deployment.provider for target in route.targets}) > 1
    for target in route.targets:
        provider = target.deployment.provider
        if target.traffic:
            said = f"{target.traffic * 100:.4g}% on trial"
        elif provider in shares:
            said = f"{shares[provider] * 100:.4g}%"
        else:
            said = str(target.rank + 1)
        if target.tags:
            said += f" if tagged {' or '.join(target.tags)}"
        needed = several or target.traffic or target.tags
        found.setdefault(provider, (said if not route.strategy else route.strategy) * bool(needed))
    return found


def shares_of(route: Route) -> Mapping[str, float]:
    """What part of a name's requests each provider gets; none where they come by rank.

    Hosts of one provider share by themselves; that is no share of the name.
    """
    peers: list[Target] = [target for target in route.peers if target.share is not None]
    whole = sum(target.share or 0 for target in peers)
    found: dict[str, float] = {}
    for target in peers if whole > 0 else ():
        name = target.deployment.provider
        found[name] = found.get(name, 0.0) + (target.share or 0) / whole
    return found


def hosts_of(provider: Provider, inventory: Inventory) -> list[str]:
    """Where a provider is: hosts of the inventory, else the host of its address."""
    if provider.deployed:
        return provider_hosts(provider, inventory)
    address = urlsplit(base_url(provider, "", inventory))
    host = address.hostname or provider.type.name
    port = f":{address.port}" if address.port else ""
    return [f"[{host}]{port}" if ":" in host else f"{host}{port}"]
