# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RouteTable: what is meant, before any thought of how LiteLLM is made to do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .model import TESTING, ExactMatch, Member, Provider, Reference, RedundantModel, Registry
from .problems import Place
from .provider_types import CHAT
from .resolve import (
    Inventory,
    backend_model,
    fallback_model,
    kind_of,
    limit_of,
    names_hosts,
    provider_hosts,
)

PROVIDER = "provider"
ROUTE = "route"


@dataclass(slots=True)
class Deployment:
    """One model of one provider on one host ("" where somebody else runs it)."""

    provider: str
    host: str
    model: str
    mode: str
    id: str
    rpm: int | None = None
    tpm: int | None = None

    @property
    def limited(self) -> bool:
        return self.rpm is not None or self.tpm is not None


@dataclass(slots=True)
class Target:
    """A deployment's part in a route: `rank` counts from 0, a share is relative to the others."""

    deployment: Deployment
    id: str
    rank: int
    share: float | None
    place: Place


@dataclass(slots=True)
class Fallback:
    """Where a request goes next: to a provider's deployments, or to another route."""

    name: str
    kind: str
    deployments: list[Deployment]
    place: Place


@dataclass(slots=True)
class Route:
    """A public name: its targets by rank or share, then its fallbacks, and the rule behind it."""

    name: str
    kind: str
    place: Place
    targets: list[Target] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)

    @property
    def mode(self) -> str:
        return self.targets[0].deployment.mode if self.targets else CHAT

    @property
    def shared(self) -> bool:
        return any(target.share is not None for target in self.targets)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "kind": self.kind,
            "mode": self.mode,
            "targets": [_target_dict(target) for target in self.targets],
            "fallbacks": [
                {
                    "name": fallback.name,
                    "kind": fallback.kind,
                    "ids": [deployment.id for deployment in fallback.deployments],
                    "rule": rule(fallback.place),
                }
                for fallback in self.fallbacks
            ],
            "rule": rule(self.place),
        }


@dataclass(slots=True)
class RouteTable:
    """Every public name that is served, in the order of the registry."""

    routes: dict[str, Route] = field(default_factory=dict)
    deployments: dict[tuple[str, str, str], Deployment] = field(default_factory=dict)
    routed: dict[str, dict[str, None]] = field(default_factory=dict)


def rule(place: Place) -> str:
    """A place as a reader wants it beside a route."""
    return f"{place.file}:{place.line}"


def _target_dict(target: Target) -> dict[str, Any]:
    deployment = target.deployment
    told: dict[str, Any] = {
        "provider": deployment.provider,
        "host": deployment.host,
        "model": deployment.model,
        "id": target.id,
        "rule": rule(target.place),
    }
    if target.share is None:
        told["order"] = target.rank + 1
    else:
        told["weight"] = target.share
    if deployment.limited:
        told |= {"rpm": deployment.rpm, "tpm": deployment.tpm}
    return told


def build_routes(registry: Registry, inventory: Inventory) -> RouteTable:
    """The table of a registry. What cannot be told (and is a problem) is left out."""
    return _Builder(registry, inventory).table()


class _Builder:
    def __init__(self, registry: Registry, inventory: Inventory) -> None:
        self.registry = registry
        self.inventory = inventory
        self.result = RouteTable()
        self.hosts: dict[str, list[str]] = {}

    def table(self) -> RouteTable:
        own: dict[str, Route] = {}
        for provider in self.registry.providers.values():
            if provider.rendered:
                self._own_models(provider, own)
        ruled = [self._exact(match, own) for match in self.registry.exact.values()]
        ruled += [self._redundant(redundant) for redundant in self.registry.redundant.values()]
        # Names with a rule of their own come first, and in place of the models of that name.
        for route in [*ruled, *own.values()]:
            self.result.routes.setdefault(route.name, route)
        for route in ruled:
            if not route.targets:
                del self.result.routes[route.name]
        for route in ruled:
            self._fallbacks(route)
        self._limits()
        self._ids()
        return self.result

    # Targets

    def _own_models(self, provider: Provider, routes: dict[str, Route]) -> None:
        prefix = "testing/" if provider.status == TESTING else ""
        for model in provider.models.values():
            name = prefix + model.name
            route = routes.get(name)
            if route is None:
                route = routes[name] = Route(name, "model", model.place)
            rank = route.targets[-1].rank + 1 if route.targets else 0
            route.targets += self._targets(provider, model.name, rank, model.place)

    def _exact(self, match: ExactMatch, own: dict[str, Route]) -> Route:
        old = own.get(match.name)
        others = _without(old, match.provider.name)
        provider = self.registry.providers.get(match.provider.name)
        if provider is not None and provider.served:
            explicit = match.backend_model.name if match.backend_model else ""
            model = backend_model(provider, match.name, explicit)
            if model:
                others = _insert(others, match.rank, self._targets(provider, model, 0, match.place))
        return Route(match.name, "exact_match", match.place, others)

    def _redundant(self, redundant: RedundantModel) -> Route:
        route = Route(redundant.name, "redundant_model", redundant.place)
        for member in redundant.members:
            provider = self.registry.providers.get(member.provider.name)
            if provider is not None and provider.served:
                route.targets += self._member(provider, redundant.name, member)
        if not any(target.share for target in route.targets):
            route.targets = []
        return route

    def _member(self, provider: Provider, name: str, member: Member) -> list[Target]:
        model = backend_model(provider, name, member.model.name if member.model else "")
        targets = self._targets(provider, model, 0, member.place) if model else []
        for target in targets:
            target.share = (1.0 if member.weight is None else member.weight) / len(targets)
        return targets

    def _targets(self, provider: Provider, model: str, rank: int, place: Place) -> list[Target]:
        return [
            Target(deployment, "", rank, None, place)
            for deployment in self._deployments(provider, model)
        ]

    def _deployments(self, provider: Provider, model: str) -> Iterator[Deployment]:
        hosts = self.hosts.get(provider.name)
        if hosts is None:
            hosts = self.hosts[provider.name] = provider_hosts(provider, self.inventory)
        for host in hosts:
            key = (provider.name, host, model)
            deployment = self.result.deployments.get(key)
            if deployment is None:
                at = f"@{host}" if names_hosts(provider, self.inventory) else ""
                known = provider.models.get(model)
                deployment = self.result.deployments[key] = Deployment(
                    provider.name,
                    host,
                    model,
                    known.mode if known else CHAT,
                    f"~{provider.name}{at}/{model}",
                )
            yield deployment

    # Fallbacks

    def _fallbacks(self, route: Route) -> None:
        rules: Mapping[str, ExactMatch | RedundantModel] = self.registry.exact
        entry = rules.get(route.name) or self.registry.redundant[route.name]
        for reference in entry.fallbacks:
            fallback = self._fallback(route, reference)
            if fallback is not None:
                route.fallbacks.append(fallback)

    def _fallback(self, route: Route, reference: Reference) -> Fallback | None:
        kind = kind_of(self.registry, reference.name)
        if kind == ROUTE and reference.name in self.result.routes:
            return Fallback(reference.name, ROUTE, [], reference.place)
        provider = self.registry.providers.get(reference.name)
        if kind != PROVIDER or provider is None or not provider.served:
            return None
        model = fallback_model(provider, wanted_names(route))
        if not model:
            return None
        deployments = list(self._deployments(provider, model))
        return Fallback(reference.name, PROVIDER, deployments, reference.place)

    # Limits and ids

    def _limits(self) -> None:
        routed = self.result.routed
        reached = list(self._reached())
        for deployment in reached:
            routed.setdefault(deployment.provider, {})[deployment.model] = None
        for deployment in reached if self.registry.limits else ():
            limit = self.registry.limits.get(deployment.provider)
            if limit is not None:
                hosts = len(self.hosts[deployment.provider])
                rpm, tpm = limit_of(limit, routed[deployment.provider], deployment.model)
                deployment.rpm = None if rpm is None else max(1, rpm // hosts)
                deployment.tpm = None if tpm is None else max(1, tpm // hosts)

    def _reached(self) -> Iterator[Deployment]:
        for route in self.result.routes.values():
            for target in route.targets:
                yield target.deployment
            for fallback in route.fallbacks:
                yield from fallback.deployments

    def _ids(self) -> None:
        for route in self.result.routes.values():
            for target in route.targets:
                deployment = target.deployment
                own = route.name == deployment.model or deployment.limited
                target.id = deployment.id if own else f"{deployment.id}#{route.name}"


def wanted_names(route: Route) -> Iterable[str]:
    """What the "same model" at another provider may be called."""
    yield route.name
    for target in route.targets:
        yield target.deployment.model


def _without(route: Route | None, provider: str) -> list[Target]:
    return [t for t in route.targets if t.deployment.provider != provider] if route else []


def _insert(others: list[Target], rank: int, new: list[Target]) -> list[Target]:
    """The others with `new` at the given rank (or behind them all), ranks counted afresh."""
    ranks: list[list[Target]] = []
    for target in others:
        if not ranks or ranks[-1][0].rank != target.rank:
            ranks.append([])
        ranks[-1].append(target)
    ranks.insert(rank, new)
    for number, same in enumerate(ranks):
        for target in same:
            target.rank = number
    return [target for same in ranks for target in same]
