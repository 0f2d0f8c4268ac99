# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways: whether what a name leads to is served, and whether its fallbacks end."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import ACTIVE, TESTING, Provider, Reference
from ...registry.problems import ERROR, WARNING, Problem
from ..resolve import kind_of
from ..route_table import ROUTE
from .facts import Facts


def provider_not_served(facts: Facts) -> Iterator[Problem]:
    """A rule that leads to a provider which does not serve: an error if nobody else answers."""
    registry, routes = facts.registry, facts.table.routes
    for match in registry.exact.values():
        severity = WARNING if match.name in routes else ERROR
        if _on_trial(facts, match.provider.name, match.name):
            continue
        yield from _not_served(facts, match.provider, f"exact_matches.{match.name}", severity)
    for redundant in registry.redundant.values():
        severity = WARNING if redundant.name in routes else ERROR
        for member in redundant.members:
            path = f"redundant_models.{redundant.name}"
            if _on_trial(facts, member.provider.name, redundant.name):
                continue
            yield from _not_served(facts, member.provider, path, severity)


def _on_trial(facts: Facts, provider: str, name: str) -> bool:
    """Whether it gets a canary's share of this name."""
    route = facts.table.routes.get(name)
    return any(one.deployment.provider == provider for one in (route.canaries if route else ()))


def _not_served(facts: Facts, reference: Reference, path: str, severity: str) -> Iterator[Problem]:
    provider = facts.registry.providers.get(reference.name)
    if provider is None or provider.served:
        return
    left = "others answer instead" if severity == WARNING else "nobody would answer"
    message = f"{path} leads to '{provider.name}', which is {provider.status}; {left}"
    yield Problem(
        reference.place, "provider-not-served", message, _how_to_serve(provider), severity=severity
    )


def _how_to_serve(provider: Provider) -> str:
    if provider.status == TESTING:
        return f"status: {ACTIVE}, or a request for testing/<model>"
    return f"status: {ACTIVE}, or another provider"


def fallback_to_unserved(facts: Facts) -> Iterator[Problem]:
    """A fallback that cannot answer is no fallback: it is left out, and said."""
    unserved = facts.unserved_names()
    for path, entry in facts.rules_with_fallbacks():
        for reference in entry.fallbacks:
            reason, expected = _unserved(facts, reference, unserved)
            if not reason:
                continue
            message = f"{path}.fallback leads to '{reference.name}', which {reason}; it is left out"
            yield Problem(
                reference.place, "fallback-to-unserved", message, expected, severity=WARNING
            )


def _unserved(facts: Facts, reference: Reference, unserved: set[str]) -> tuple[str, str]:
    """(why, what to do) of a fallback that is known and does not serve; ("", "") of others."""
    kind = kind_of(facts.registry, reference.name)
    provider = facts.registry.providers.get(reference.name)
    if kind == "provider" and provider is not None and not provider.served:
        return f"is {provider.status}", _how_to_serve(provider)
    if kind == "route" and reference.name in unserved:
        return "no live provider serves", "a name that is served"
    return "", ""


def fallback_without_effect(facts: Facts) -> Iterator[Problem]:
    """A fallback to what has failed already is none."""
    for route in facts.table.routes.values():
        tried = {id(target.deployment) for target in route.targets}
        for fallback in route.fallbacks:
            other = facts.table.routes.get(fallback.name) if fallback.kind == ROUTE else None
            deployments = fallback.deployments
            if other is not None and not other.fallbacks:
                deployments = [target.deployment for target in other.targets]
            if deployments and tried.issuperset(id(one) for one in deployments):
                message = (
                    f"the fallback of '{route.name}' to '{fallback.name}' leads only to what has"
                    " failed already"
                )
                yield Problem(
                    fallback.place, "fallback-without-effect", message,
                    "another provider, or a name that another one serves", severity=WARNING,
                )  # fmt: skip


def fallback_cycle(facts: Facts) -> Iterator[Problem]:
    """A chain of public names that comes back to itself."""
    next_names = {
        entry.name: [ref for ref in entry.fallbacks if kind_of(facts.registry, ref.name) == "route"]
        for _section, entry in facts.rules_with_fallbacks()
    }
    done: set[str] = set()
    for start in next_names:
        yield from _cycles_from(start, next_names, done)


def _cycles_from(
    start: str, next_names: dict[str, list[Reference]], done: set[str]
) -> Iterator[Problem]:
    if start in done:
        return
    path = {start: iter(next_names[start])}  # name -> what is left to look at, in order
    while path:
        name = next(reversed(path), start)
        reference = next(path[name], None)
        if reference is None:
            del path[name]
            done.add(name)
        elif reference.name in path:
            names = list(path)
            circle = [*names[names.index(reference.name) :], reference.name]
            message = f"the fallbacks go round in a circle: {' -> '.join(circle)}"
            yield Problem(reference.place, "fallback-cycle", message, "a chain that ends")
        elif reference.name not in done:
            path[reference.name] = iter(next_names.get(reference.name, ()))


def no_fallback(facts: Facts) -> Iterator[Problem]:
    """Every name that people use should have somewhere else to go."""
    registry, unserved = facts.registry, facts.unserved_names()
    for route in facts.table.routes.values():
        if len(route.targets) != 1 or route.chain or route.kind == "model":
            continue
        entry = registry.exact.get(route.name) or registry.redundant[route.name]
        known = {fallback.place for fallback in route.fallbacks}
        # Where a declared one has an error of its own, that is what there is to say.
        if all(one.place in known or _unserved(facts, one, unserved)[0] for one in entry.fallbacks):
            message = f"'{route.name}' has one deployment and no fallback"
            yield Problem(route.place, "no-fallback", message, "a fallback", severity=WARNING)


def priority_without_effect(facts: Facts) -> Iterator[Problem]:
    """A rank behind others needs others."""
    for match in facts.registry.exact.values():
        route = facts.table.routes.get(match.name)
        if route is None or not route.targets:
            continue
        if match.rank and all(t.deployment.provider == match.provider.name for t in route.targets):
            message = f"exact_matches.{match.name}: no other provider serves it, so it comes first"
            expected = "no priority, or another provider with a model of this name"
            yield Problem(
                match.place, "priority-without-effect", message, expected, severity=WARNING
            )
