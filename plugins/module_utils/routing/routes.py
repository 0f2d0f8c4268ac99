# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a registry to its RouteTable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..registry.model import (
    TESTING,
    ExactMatch,
    Member,
    Provider,
    RedundantModel,
    Reference,
    Registry,
)
from ..registry.problems import Place
from ..registry.provider_types import CHAT
from .canaries import canary_models
from .resolve import (
    Inventory,
    backend_model,
    fallback_model,
    kind_of,
    limit_of,
    names_hosts,
    provider_hosts,
)
from .route_table import PROVIDER, ROUTE, Deployment, Fallback, Route, RouteTable, Target


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
        ruled: dict[str, Route] = {}
        for match in self.registry.exact.values():
            ruled[match.name] = self._exact(match, own)
        for redundant in self.registry.redundant.values():
            ruled.setdefault(redundant.name, self._redundant(redundant))
        # Names with a rule of their own come first, and in place of the models of that name.
        routes = {**ruled, **{name: route for name, route in own.items() if name not in ruled}}
        for provider in self.registry.providers.values():
            if provider.traffic:
                self._canary(provider, routes)
        self.result.routes = {name: route for name, route in routes.items() if route.targets}
        for name in ruled:
            if name in self.result.routes:
                self._fallbacks(ruled[name])
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
                    f"~{provider.name}{at}/{_escaped(model)}",
                )
            yield deployment

    def _canary(self, provider: Provider, routes: Mapping[str, Route]) -> None:
        place = provider.at("traffic")
        for name, models in canary_models(self.registry, provider):
            route = routes.get(name)
            peers = route.peers if route is not None else ()
            if route is None or not peers:
                continue
            rank = peers[-1].rank + 1
            found = [t for m in models for t in self._targets(provider, m, rank, place)]
            for target in found:
                target.traffic = provider.traffic / len(found)
            route.targets += found

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
        model = fallback_model(provider, wanted_names(route), route.mode)
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
                rpm, tpm = limit_of(limit, len(routed[deployment.provider]), deployment.model)
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
                if own or not deployment.called:
                    deployment.called = target.id
        for deployment in self._reached():
            deployment.called = deployment.called or deployment.id


def _escaped(model: str) -> str:
    """A model's name for an id, where '#' begins the suffix."""
    return model.replace("%", "%25").replace("#", "%23")


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
