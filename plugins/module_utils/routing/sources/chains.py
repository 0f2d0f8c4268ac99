# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fallback_chains and routing_rules: who comes after a name's own fallbacks, and how often it is
tried before.

A chain belongs to a name, or to a provider: then to every name that the provider answers first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...registry.model import Reference, Registry
from ...registry.policies import CONTENT_POLICY, CONTEXT_WINDOW, ERROR, Chain
from ..draft import Draft
from ..resolve import kind_of
from ..route_table import PROVIDER, ROUTE, Route
from .fallbacks import resolved


def chains(draft: Draft, routes: Mapping[str, Route]) -> None:
    """Adds to what is declared for each name, and tells how often its first target is tried."""
    everywhere, known = draft.registry.everywhere, by_primary(draft.registry)
    for route in routes.values():
        mine = list(chains_of(route, known, draft.alias_of))
        declared = draft.declared.setdefault(route.name, [])
        for chain in mine:
            if chain.when == ERROR:
                _extend(declared, route, chain.steps, routes, chain.primary.name)
        tries = [chain.attempts for chain in mine if chain.attempts is not None]
        if not route.on_trial:
            _extend(declared, route, everywhere.default_fallback, routes)
            tries += [] if everywhere.attempts is None else [everywhere.attempts]
        route.retries = tries[0] if tries else None


def special_chains(draft: Draft) -> None:
    """Who answers a prompt that is too long, and one whose content is refused."""
    known = by_primary(draft.registry)
    if all(chain.when == ERROR for chain in draft.registry.chains):
        return
    for route in draft.table.routes.values():
        for chain in chains_of(route, known, draft.alias_of):
            found = resolved(draft, route, _fitting(route, chain.steps, draft.table.routes))
            if chain.when == CONTEXT_WINDOW:
                route.long_prompt += found
            elif chain.when == CONTENT_POLICY:
                route.refused += found


Known = dict[tuple[str, str], list[Chain]]


def by_primary(registry: Registry) -> Known:
    """(kind, name) of a primary -> its chains; a second one of a kind (a problem) is left out."""
    found: Known = {}
    for chain in registry.chains:
        kind = kind_of(registry, chain.primary.name)
        same = found.setdefault((kind, chain.primary.name), [])
        if all(one.when != chain.when for one in same):
            same.append(chain)
    return found


def chains_of(route: Route, known: Known, alias_of: Mapping[str, str]) -> Iterator[Chain]:
    """The chains that a name has: its own, then those of the providers that answer it first."""
    yield from known.get((ROUTE, route.name), ())
    if route.name in alias_of:
        yield from known.get((ROUTE, alias_of[route.name]), ())
    if not route.on_trial:
        first = [one.deployment.provider for one in route.peers if one.rank == route.peers[0].rank]
        for provider in dict.fromkeys(first):
            yield from known.get((PROVIDER, provider), ())


def _extend(
    declared: list[Reference],
    route: Route,
    steps: list[Reference],
    routes: Mapping[str, Route],
    primary: str = "",
) -> None:
    there = {reference.name for reference in declared} | {route.name, primary}
    for step in _fitting(route, steps, routes):
        if step.name not in there:
            there.add(step.name)
            declared.append(step)


def _fitting(
    route: Route, steps: list[Reference], routes: Mapping[str, Route]
) -> Iterator[Reference]:
    """The steps that answer the same kind of request: a chain is for many names."""
    for step in steps:
        other = routes.get(step.name)
        if other is None or (other.mode == route.mode and other is not route):
            yield step
