# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_list: an entry for each target, and one for each deployment that only fallbacks call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...registry.problems import Place
from ..canaries import SHARE
from ..route_table import Deployment, Route, RouteTable, Target, rule
from . import conditions
from .work import MAX_STEPS, STEP, Entry, Work

RETRIES = 2  # of a request that has nowhere else to go


def targets(work: Work) -> None:
    """An entry for each target of each route, under the route's name."""
    for route in work.table.routes.values():
        for target in route.targets:
            work.entries.append(_entry(route, target, work.params.of(target.deployment)))
            work.rules[f"{target.id}@{route.name}"] = rule(target.place)


def hidden(work: Work) -> None:
    """An entry under its own id for each deployment that only fallbacks lead to."""
    for deployment, where in _unrouted(work.table):
        id_ = deployment.id
        work.entries.append(_listed(id_, work.params.of(deployment), id_, deployment))
        work.rules[f"{id_}@{id_}"] = where


def _unrouted(table: RouteTable) -> Iterator[tuple[Deployment, str]]:
    # What is called by an id that is no name goes past LiteLLM's budgets.
    present = {
        target.id
        for route in table.routes.values()
        for target in route.targets
        if target.deployment.budget is None
    }
    for deployment, place in _called(table):
        if deployment.called not in present:
            present.add(deployment.called)
            yield deployment, rule(place)


def _called(table: RouteTable) -> Iterator[tuple[Deployment, Place]]:
    """What is called by its id, and by which rule."""
    for route in table.routes.values():
        for target in route.targets if route.calls_members else ():
            if target.deployment.budget is not None:
                yield target.deployment, target.place
        for fallback in route.every_fallback:
            for deployment in fallback.deployments:
                yield deployment, fallback.place


def _entry(route: Route, target: Target, found: dict[str, Any]) -> Entry:
    if conditions.has_some(route):
        found["weight"] = conditions.weight(route, target, _beside_canaries(target))
    elif route.canaries:
        found["weight"] = _beside_canaries(target)
    elif target.share is not None:
        found["weight"] = target.share
    elif _stepped(route):
        found["weight"] = STEP**target.rank
    elif route.targets[-1].rank > 0:
        found["order"] = target.rank + 1
    retries = _retries(route, target)
    if retries is not None:
        found["num_retries"] = retries
    entry = _listed(route.name, found, target.id, target.deployment)
    if target.traffic:
        entry["model_info"][SHARE] = target.traffic
    if conditions.has_some(route):
        conditions.mark(entry, route, target)
    return entry


def _retries(route: Route, target: Target) -> int | None:
    """How often it is asked again, if not never: as declared, or where there is nowhere else."""
    if target.traffic or target.conditional:
        return None
    if route.retries is not None:
        return route.retries or None if target.rank == route.peers[0].rank else None
    return RETRIES if len(route.peers) == 1 and not route.chain else None


def _beside_canaries(target: Target) -> float:
    """The weight of a target of a name with canaries: its own, and none for a canary.

    A canary's share is none of LiteLLM's weights: with these, whoever is left takes over what the
    others had, and a dead first provider would send all of it to the canary. Asked by weight it
    is the last one.
    """
    if target.traffic:
        return 0
    if target.share is None:
        return STEP ** min(target.rank, MAX_STEPS)
    return target.share or STEP


def _stepped(route: Route) -> bool:
    """Whether ranks are lowered to weights: where several hosts share one of the ranks.

    With `order`, a failure on one host of a rank jumps to the next rank and never to the other
    host. With weights each a billion times the next, the failover takes them in the same order
    and tries every one.
    """
    last = route.targets[-1].rank
    return 0 < last <= MAX_STEPS and last + 1 < len(route.targets)


def _listed(name: str, params: Mapping[str, Any], id_: str, deployment: Deployment) -> Entry:
    info = {"id": id_, "mode": deployment.mode}
    return {"model_name": name, "litellm_params": params, "model_info": info}
