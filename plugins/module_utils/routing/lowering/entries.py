# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_list: an entry for each target, and one for each deployment that only fallbacks call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..canaries import SHARE
from ..route_table import Deployment, Route, RouteTable, Target, rule
from .work import Entry, Work

RETRIES = 2  # of a request that has nowhere else to go
STEP = 1e-9  # one rank's weight against that of the rank before
MAX_STEPS = 30  # beyond, floats end


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
    present = {target.id for route in table.routes.values() for target in route.targets}
    for route in table.routes.values():
        for fallback in route.every_fallback:
            for deployment in fallback.deployments:
                if deployment.called not in present:
                    present.add(deployment.called)
                    yield deployment, rule(fallback.place)


def _entry(route: Route, target: Target, found: dict[str, Any]) -> Entry:
    if route.canaries:
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
    return entry


def _retries(route: Route, target: Target) -> int | None:
    """How often it is asked again, if not never: where there is nowhere else to go."""
    lonely = not target.traffic and len(route.peers) == 1 and not route.chain
    return RETRIES if lonely else None


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
