# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains: whether each says who may fail and who comes next, and whether anything comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...registry.policies import ERROR, Chain
from ...registry.problems import WARNING, Place, Problem
from ..resolve import kind_of
from ..route_table import PROVIDER, ROUTE, Fallback, Route
from ..sources.aliases import stands_for
from ..sources.chains import by_primary, chains_of
from ..sources.fallbacks import stand_in
from .facts import Facts, listing

RANKS = ["primary", "secondary", "tertiary", "quaternary"]


def path_of(chain: Chain) -> str:
    return f"fallback_chains.{chain.name}"


def unknown_primary(facts: Facts) -> Iterator[Problem]:
    """Who may fail is a provider or a public name, and not both."""
    registry = facts.registry
    for chain in registry.chains:
        primary, kind = chain.primary, kind_of(registry, chain.primary.name)
        if not kind:
            message = f"{path_of(chain)} begins with '{primary.name}'; no such provider or name"
            known = [*registry.provider_names, *registry.public_names]
            yield facts.unknown(primary, "unknown-primary", message, known)
        elif kind == "both":
            message = f"{path_of(chain)} begins with '{primary.name}', a provider and a public name"
            yield Problem(primary.place, "ambiguous-name", message, "different names for the two")


def chain_conflict(facts: Facts) -> Iterator[Problem]:
    """Whoever fails has one chain for each kind of failure; LiteLLM would take the first alone."""
    seen: dict[tuple[str, str], Chain] = {}
    for chain in facts.registry.chains:
        first = seen.setdefault((chain.primary.name, chain.when), chain)
        if first is not chain:
            where = f"{first.place.file}:{first.place.line}"
            message = f"{path_of(chain)}: '{chain.primary.name}' has a chain already ({where})"
            yield Problem(chain.primary.place, "chain-conflict", message, "one of the two chains")


def chain_order(facts: Facts) -> Iterator[Problem]:
    """Ranks are written in their order, from `primary` on, or not at all."""
    for chain in facts.registry.chains:
        ranks = [(rank, place) for rank, place in chain.ranks if rank]
        if ranks and chain.ranks[0][0] != RANKS[0]:
            message = f"{path_of(chain)} does not begin with its {RANKS[0]}"
            yield Problem(chain.ranks[0][1], "chain-order", message, f"{RANKS[0]}: WHO-MAY-FAIL")
            continue
        for (before, _there), (rank, place) in pairwise(ranks):
            if RANKS.index(rank) <= RANKS.index(before):
                message = f"{path_of(chain)}: {rank} stands behind {before}"
                expected = f"the steps in the order {', '.join(RANKS)}"
                yield Problem(place, "chain-order", message, expected)


def chain_without_effect(facts: Facts) -> Iterator[Problem]:
    """A chain that no name has, or that leads nowhere else."""
    applied = names_of_chains(facts)
    taken = {id(chain) for chains in by_primary(facts.registry).values() for chain in chains}
    for chain in facts.registry.chains:
        kind = kind_of(facts.registry, chain.primary.name)
        names = applied.get(id(chain), [])
        if kind not in (PROVIDER, ROUTE) or _adds(chain, names) or id(chain) not in taken:
            continue
        if names:
            why = f"leads only to what '{names[0].name}' has asked already"
            expected = "another provider, or a name that another one serves"
        elif kind == PROVIDER:
            why = f"is never walked: '{chain.primary.name}' is the first to answer no name"
            expected = "a provider that names lead to first, or a public name"
        else:
            why = f"is never walked: no live provider serves '{chain.primary.name}'"
            expected = "a name that is served"
        message = f"{path_of(chain)} {why}"
        yield Problem(chain.place, "chain-without-effect", message, expected, severity=WARNING)


def names_of_chains(facts: Facts) -> dict[int, list[Route]]:
    """id() of a chain -> the routes that have it."""
    registry = facts.registry
    if not registry.chains:
        return {}
    known = by_primary(registry)
    alias_of = {name: stands_for(registry.aliases, name) for name in registry.aliases}
    found: dict[int, list[Route]] = {}
    for route in facts.table.routes.values():
        for chain in chains_of(route, known, alias_of):
            found.setdefault(id(chain), []).append(route)
    return found


def _adds(chain: Chain, names: list[Route]) -> bool:
    places = {step.place for step in chain.steps}
    if chain.attempts and names and chain.when == ERROR:
        return True
    return any(
        _leads(route, fallback)
        for route in names
        for fallback in route.every_fallback
        if fallback.place in places
    )


def _leads(route: Route, fallback: Fallback) -> bool:
    # LiteLLM tries a name's other members by itself, but not for these errors.
    return fallback not in route.fallbacks or bool(route.called_by(fallback))


def ambiguous_step(facts: Facts) -> Iterator[Problem]:
    """Which model of a provider stands in must be clear for every name that a step is for."""
    applied = names_of_chains(facts)
    steps = [
        (path_of(chain), step, applied.get(id(chain), []))
        for chain in facts.registry.chains
        for step in chain.steps
    ]
    every = [one for one in facts.table.routes.values() if not one.on_trial]
    for step in facts.registry.everywhere.default_fallback:
        steps.append(("routing_rules.default_fallback", step, every))
    for path, step, routes in steps:
        provider = facts.registry.providers.get(step.name)
        if provider is None or kind_of(facts.registry, step.name) != PROVIDER:
            continue
        modes = [model.mode for model in provider.models.values()]
        bad = [
            route.name
            for route in routes
            if not stand_in(provider, route) and (modes.count(route.mode) > 1 or not modes)
        ]
        if bad:
            what = f"which model of '{step.name}' answers for {listing(bad, 3)} cannot be told"
            expected = f"a default_model for '{step.name}', one of {listing([*provider.models])}"
            yield Problem(step.place, "ambiguous-model", f"{path}: {what}", expected)


def special_without_room(facts: Facts) -> Iterator[Problem]:
    """Who answers a prompt that is too long must take longer ones."""
    said: set[Place] = set()
    for route in facts.table.routes.values():
        most = _context(facts, route)
        for fallback in route.long_prompt if most else ():
            other = facts.table.routes.get(fallback.name)
            takes = _most(facts, fallback, other)
            if takes and takes <= most and fallback.place not in said:
                said.add(fallback.place)
                message = (
                    f"fallback_chains: '{fallback.name}' takes prompts of {takes} tokens, and"
                    f" '{route.name}', for which it stands in when a prompt is too long, {most}"
                )
                expected = f"a model that takes more than {most} tokens"
                yield Problem(
                    fallback.place, "no-larger-context", message, expected, severity=WARNING
                )


def _context(facts: Facts, route: Route) -> int:
    return max((_takes(facts, t.deployment.provider, t.deployment.model) for t in route.peers),
               default=0)  # fmt: skip


def _most(facts: Facts, fallback: Fallback, other: Route | None) -> int:
    if fallback.deployments:
        return max(_takes(facts, one.provider, one.model) for one in fallback.deployments)
    return _context(facts, other) if other is not None else 0


def _takes(facts: Facts, provider: str, model: str) -> int:
    found = facts.registry.providers.get(provider)
    known = found.models.get(model) if found is not None else None
    return known.context if known is not None else 0
