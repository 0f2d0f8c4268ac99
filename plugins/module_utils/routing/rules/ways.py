# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways: whether what a name leads to is served, and whether its fallbacks end."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import ACTIVE, TESTING, Provider, Reference
from ...registry.problems import ERROR, WARNING, Place, Problem
from ..resolve import kind_of
from ..route_table import ALIAS, MODEL, ROUTE
from ..sources.default_provider import EVERYTHING
from .cycles import places_for_many
from .facts import Facts, path_of


def provider_not_served(facts: Facts) -> Iterator[Problem]:
    """A rule that leads to a provider which does not serve: an error if nobody else answers."""
    routes = facts.table.routes
    for path, reference, names in _leading(facts):
        severity = WARNING if names is None or any(name in routes for name in names) else ERROR
        if not any(_on_trial(facts, reference.name, name) for name in names or ()):
            yield from _not_served(facts, reference, path, severity)


def _leading(facts: Facts) -> Iterator[tuple[str, Reference, list[str] | None]]:
    """(path, provider, the names that it is to answer) of each rule; None: it only prefers one."""
    registry = facts.registry
    for match in registry.exact.values():
        yield f"exact_matches.{match.name}", match.provider, [match.name]
    for redundant in registry.redundant.values():
        for member in redundant.members:
            yield f"redundant_models.{redundant.name}", member.provider, [redundant.name]
    for use in facts.table.patterns:
        names = [use.wildcard] if use.wildcard else use.fits
        yield path_of(use.pattern.text), use.pattern.provider, names
    for capability in registry.capabilities.values():
        if capability.provider is not None:
            yield f"capabilities.{capability.name}", capability.provider, [capability.name]
    for one in registry.sizes:
        yield f"model_size_routing.[size={one.text}]", one.provider, None
    if registry.default_provider is not None:
        yield "routing_rules.default_provider", registry.default_provider, [EVERYTHING]


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
    for path, references in facts.named_fallbacks():
        for reference in references:
            reason, expected = _unserved(facts, reference, unserved)
            if not reason:
                continue
            message = f"{path} leads to '{reference.name}', which {reason}; it is left out"
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
    """A fallback to what has failed already is none; one for many names may be so for some."""
    for_many = places_for_many(facts.registry)
    for route in facts.table.routes.values():
        # Behind a wildcard the fallbacks are targets as well, of later ranks.
        own = [one for one in route.targets if not route.wildcard or one.rank == 0]
        tried = {id(target.deployment) for target in own}
        for fallback in route.fallbacks:
            if fallback.place in for_many:
                continue
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


def no_fallback(facts: Facts) -> Iterator[Problem]:
    """Every name that people use should have somewhere else to go."""
    unserved = facts.unserved_names()
    said: set[Place] = set()
    for route in facts.table.routes.values():
        if len(route.targets) != 1 or route.chain or route.kind in (MODEL, ALIAS):
            continue
        known = {fallback.place for fallback in route.fallbacks}
        declared = facts.table.declared.get(route.name, ())
        # Where a declared one has an error of its own, that is what there is to say.
        whole = all(one.place in known or _unserved(facts, one, unserved)[0] for one in declared)
        if whole and route.place not in said:
            said.add(route.place)
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
