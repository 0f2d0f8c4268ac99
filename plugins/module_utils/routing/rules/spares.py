# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spares: whether who stands in can do the same, and does not fail for the same reason."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...registry.model import Provider
from ...registry.problems import WARNING, Place, Problem
from ..backends import base_url
from ..resolve import provider_hosts
from ..route_table import MODEL, ROUTE, Deployment, Fallback, Route
from .facts import Facts, listing

MANY = 20
EMBEDDING = "embedding"  # vectors of different models cannot be compared


def smaller_context(facts: Facts) -> Iterator[Problem]:
    """A prompt that the first model takes may be too long for the one that stands in."""
    found: dict[Place, list[tuple[int, str]]] = {}
    for route in facts.table.routes.values():
        first = [_context(facts, one.deployment) for one in route.peers if one.rank == 0]
        need = min(filter(None, first), default=0)
        for fallback in route.fallbacks if need else ():
            least, model = _least(facts, fallback)
            if least and least < need:
                message = (
                    f"'{route.name}' takes prompts of {need} tokens, and its fallback"
                    f" '{fallback.name}' ({model}) of {least}"
                )
                found.setdefault(fallback.place, []).append((need, message))
    for place, several in found.items():
        need, message = max(several, key=_need)
        expected = f"a fallback that takes {need} tokens"
        message += also(len(several) - 1)
        yield Problem(place, "smaller-context", message, expected, severity=WARNING)


def _need(one: tuple[int, str]) -> int:
    return one[0]


def also(more: int) -> str:
    """What is added to a sentence that holds for other names, too."""
    return f"; the same holds for {more} name{'s' if more > 1 else ''} more" if more else ""


def _least(facts: Facts, fallback: Fallback) -> tuple[int, str]:
    deployments = _led_to(facts, fallback)
    known = [(_context(facts, one), one.model) for one in deployments]
    return min((one for one in known if one[0]), default=(0, ""))


def _led_to(facts: Facts, fallback: Fallback) -> list[Deployment]:
    other = facts.table.routes.get(fallback.name)
    if fallback.kind == ROUTE and other is not None:
        return [one.deployment for one in other.peers]
    return fallback.deployments


def _context(facts: Facts, deployment: Deployment) -> int:
    provider = facts.registry.providers.get(deployment.provider)
    model = provider.models.get(deployment.model) if provider is not None else None
    return model.context if model is not None else 0


def same_machine(facts: Facts) -> Iterator[Problem]:
    """What stands in on the same host, or on the same GPU, fails together with the first."""
    machines = {p.name: _machines(facts, p) for p in facts.registry.providers.values()}
    if len({one for several in machines.values() for one in several}) < 2:
        return  # there is nowhere else to go
    found: dict[Place, list[str]] = {}
    for route in facts.table.routes.values():
        own = {one for target in route.peers for one in _on(machines, target.deployment)}
        for fallback in route.fallbacks if len(own) == 1 and "" not in own else ():
            led = _led_to(facts, fallback)
            there = {one for deployment in led for one in _on(machines, deployment)}
            tried = all(any(one is t.deployment for t in route.targets) for one in led)
            if there == own and not tried and not _elsewhere(facts, machines, route, own):
                gpus = _shared_gpus(facts, route, fallback)
                what = f"GPU {gpus} of the host" if gpus else "the host"
                message = (
                    f"'{route.name}' and its fallback '{fallback.name}' run on {what}"
                    f" '{min(own)}' alone, and would fail together"
                )
                found.setdefault(fallback.place, []).append(message)
    for place, said in found.items():
        message, expected = said[0] + also(len(said) - 1), "a fallback on another host"
        yield Problem(place, "same-machine", message, expected, severity=WARNING)


def _machines(facts: Facts, provider: Provider) -> set[str]:
    """Where it runs; {""} where that is a vendor's own affair."""
    if facts.is_vendors(provider):
        return {""}
    hosts = provider_hosts(provider, facts.inventory)
    if provider.deployed:
        return set(hosts)
    return {urlsplit(base_url(provider, "", facts.inventory)).hostname or ""}


def _on(machines: dict[str, set[str]], deployment: Deployment) -> set[str]:
    return {deployment.host} if deployment.host else machines[deployment.provider]


def _elsewhere(facts: Facts, machines: dict[str, set[str]], route: Route, own: set[str]) -> bool:
    """Whether one of its fallbacks, or of theirs, runs somewhere else."""
    left, seen = [route], {route.name}
    while left:
        if len(seen) > MANY:
            return True  # who names so many has thought of it
        for fallback in left.pop().fallbacks:
            if any(not _on(machines, one) <= own for one in _led_to(facts, fallback)):
                return True
            other = facts.table.routes.get(fallback.name) if fallback.kind == ROUTE else None
            if other is not None and other.name not in seen:
                seen.add(other.name)
                left.append(other)
    return False


def _shared_gpus(facts: Facts, route: Route, fallback: Fallback) -> str:
    own = _gpus(facts, [one.deployment for one in route.peers])
    shared = [gpu for gpu in own if gpu in _gpus(facts, _led_to(facts, fallback))]
    return listing(shared) if shared else ""


def _gpus(facts: Facts, deployments: list[Deployment]) -> list[str]:
    names = dict.fromkeys(one.provider for one in deployments)
    several = [facts.registry.providers[name].deploy.get("gpus") or () for name in names]
    return [*dict.fromkeys(str(gpu) for gpus in several for gpu in gpus)]


def model_without_fallback(facts: Facts) -> Iterator[Problem]:
    """Where some models have somebody who stands in, the others should have, too.

    Under one of its names is enough; whoever stands in is the last one for somebody. Vectors of
    another model are no stand-in for an embedding.
    """
    covered: set[tuple[str, str]] = set()
    for route in facts.table.routes.values():
        if route.on_trial:
            continue
        if len(route.peers) > 1 or route.chain:
            stands_in = [one for fallback in route.fallbacks for one in _led_to(facts, fallback)]
            several = [*stands_in, *(target.deployment for target in route.peers)]
            covered.update((one.provider, one.model) for one in several)
    for provider in facts.live() if covered else ():
        alone = [
            model.name
            for model in provider.models.values()
            if model.mode != EMBEDDING
            and (provider.name, model.name) not in covered
            and _has_its_own_name(facts, provider, model.name)
        ]
        if alone:
            message = f"providers.{provider.name}: nobody stands in for {listing(alone)}"
            expected = "a fallback, a fallback chain, or routing_rules.default_fallback"
            place = provider.at("models")
            yield Problem(place, "model-without-fallback", message, expected, severity=WARNING)


def _has_its_own_name(facts: Facts, provider: Provider, model: str) -> bool:
    """Whether it is asked for by its own name; a rule's name is told by itself."""
    route = facts.table.routes.get(model)
    return provider.served and route is not None and route.kind == MODEL
