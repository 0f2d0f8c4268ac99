# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fallbacks of wildcards: LiteLLM looks for a fallback under the name that was asked for, and finds
none there. A further target of the wildcard itself does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..draft import Draft
from ..route_table import ROUTE, Deployment, Fallback, Route, Target


def wildcard_fallbacks(draft: Draft) -> None:
    """Makes targets of a wildcard's fallbacks, one rank each, behind those that it has."""
    for route in draft.table.routes.values():
        if not route.wildcard:
            continue
        present = {id(target.deployment) for target in route.targets}
        rank = route.targets[-1].rank
        for fallback, deployments in _ranks(draft, route.fallbacks, {route.name}):
            new = [one for one in deployments if id(one) not in present]
            present.update(id(one) for one in new)
            rank += bool(new)
            route.targets += [Target(one, "", rank, None, fallback.place) for one in new]


def _ranks(
    draft: Draft, fallbacks: Iterable[Fallback], seen: set[str]
) -> Iterator[tuple[Fallback, list[Deployment]]]:
    """What is asked in turn: a name's targets, the largest share first, and then its fallbacks."""
    for fallback in fallbacks:
        if fallback.kind != ROUTE:
            yield fallback, fallback.deployments
        elif fallback.name not in seen:
            seen.add(fallback.name)
            other = draft.table.routes[fallback.name]
            for deployments in _targets_in_turn(other):
                yield fallback, deployments
            for _inner, deployments in _ranks(draft, other.fallbacks, seen):
                yield fallback, deployments


def _targets_in_turn(route: Route) -> Iterator[list[Deployment]]:
    if route.shared:
        for target in sorted(route.peers, key=_share, reverse=True):
            yield [target.deployment]
        return
    ranks: dict[int, list[Deployment]] = {}
    for target in route.peers:
        ranks.setdefault(target.rank, []).append(target.deployment)
    yield from ranks.values()


def _share(target: Target) -> float:
    return target.share or 0.0
