# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""request_metadata_routing: who answers a name's requests that carry a tag or a User-Agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...registry.model import Reference
from ...registry.policies import Condition
from ..conditions import agent_expression, is_possible
from ..draft import Draft
from ..resolve import choose_model, kind_of
from ..route_table import PROVIDER, ROUTE, Route, Target
from .fallbacks import wanted_names


def conditions(draft: Draft, routes: Mapping[str, Route]) -> None:
    """Puts those who answer under a condition before the targets of each name that they serve."""
    possible = [one for one in draft.registry.conditions if is_possible(one)]
    added = {name: list(_added(draft, possible, one, routes)) for name, one in routes.items()}
    for name, targets in added.items():
        if targets:
            routes[name].targets[:0] = targets


def _added(
    draft: Draft, possible: list[Condition], route: Route, routes: Mapping[str, Route]
) -> Iterator[Target]:
    if not route.targets or route.wildcard or route.strategy or route.on_trial:
        return
    rank = 0
    for condition in possible:
        found = list(_meant(draft, condition, route, routes))
        if found and [one.deployment for one in found] != _first(route):
            steps = [found]
            for reference in condition.fallbacks:
                steps.append(list(_named(draft, reference, None, route, routes)))
            asked: set[int] = set()
            for step in steps:
                new = [target for target in step if id(target.deployment) not in asked]
                asked.update(id(target.deployment) for target in new)
                yield from (_under(condition, target, rank) for target in new)
                rank += bool(new)


def _first(route: Route) -> list[object]:
    return [one.deployment for one in route.peers if one.rank == 0 and one.share is None]


def _meant(
    draft: Draft, condition: Condition, route: Route, routes: Mapping[str, Route]
) -> Iterator[Target]:
    if condition.provider is not None:
        yield from _named(draft, condition.provider, condition.model, route, routes)
    elif condition.model is not None and condition.model.name != route.name:
        yield from _named(draft, condition.model, None, route, routes)


def _named(
    draft: Draft,
    reference: Reference,
    model: Reference | None,
    route: Route,
    routes: Mapping[str, Route],
) -> Iterator[Target]:
    """The targets that a provider or a public name adds to a route."""
    kind, provider = kind_of(draft.registry, reference.name), draft.served(reference.name)
    other = routes.get(reference.name)
    if kind == ROUTE and other is not None and other.mode == route.mode and not other.wildcard:
        yield from (one for one in other.peers if not one.tags and not one.agents)
    elif kind == PROVIDER and provider is not None:
        wanted = [model.name] if model else [*wanted_names(route)]
        chosen = choose_model(provider, wanted, route.mode)
        if chosen and (model is None or chosen == model.name):
            yield from draft.targets(provider, chosen, 0, reference.place)


def _under(condition: Condition, target: Target, rank: int) -> Target:
    what, value = condition.terms[0]
    tags = [value] if what == "tag" else []
    agents = [agent_expression(value)] if what == "user_agent" else []
    return replace(target, rank=rank, share=None, tags=tags, agents=agents, place=condition.place)
