# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A RouteTable without some of the hosts, for as long as nobody can do anything about them.

What is left keeps its ids, its shares and its part of each limit, so that a host that comes back
changes nothing but itself. A name that has lost all its targets is answered by its fallbacks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from .route_table import ROUTE, Deployment, Fallback, Route, RouteTable, Target


def leave_out(table: RouteTable, hosts: Collection[str], providers: Collection[str] = ()) -> None:
    """Takes every deployment on these hosts, and of these providers, out of a finished table, and
    what leads nowhere then."""
    if not hosts and not providers:
        return

    def stays(one: Deployment) -> bool:
        return one.host not in hosts and one.provider not in providers

    routes = table.routes
    for route in routes.values():
        route.targets = [one for one in route.targets if stays(one.deployment)]
        for fallback in route.every_fallback:
            fallback.deployments = [one for one in fallback.deployments if stays(one)]
    left = {name: _left(route, routes, {name}) for name, route in routes.items()}
    table.routes = {name: route for name, route in routes.items() if left[name][0]}
    for route in table.routes.values():
        route.targets, route.fallbacks = left[route.name]
        for kind in ("fallbacks", "long_prompt", "refused"):
            kept = [one for one in getattr(route, kind) if _leads(one, table)]
            setattr(route, kind, kept)
        _settle(route)
    known = table.deployments.items()
    table.deployments = {key: one for key, one in known if stays(one)}


def _left(
    route: Route, routes: dict[str, Route], seen: set[str]
) -> tuple[list[Target], list[Fallback]]:
    """What answers a name now, its own targets or those of a fallback, and what comes then."""
    if route.peers or route.wildcard:
        return route.targets, route.fallbacks
    for number, fallback in enumerate(route.fallbacks):
        found = [Target(one, "", 0, None, fallback.place) for one in fallback.deployments]
        if fallback.kind == ROUTE and fallback.name in routes and fallback.name not in seen:
            other, _then = _left(routes[fallback.name], routes, seen | {fallback.name})
            found = [one for one in other if not one.traffic and not one.conditional]
        if found:
            mine = [replace(one, id=_id(route, one)) for one in found]
            return mine, route.fallbacks[number + 1 :]
    return [], []


def _id(route: Route, target: Target) -> str:
    deployment = target.deployment
    own = route.name == deployment.model or deployment.limited
    return deployment.id if own else f"{deployment.id}#{route.name}"


def _leads(fallback: Fallback, table: RouteTable) -> bool:
    return fallback.name in table.routes if fallback.kind == ROUTE else bool(fallback.deployments)


def _settle(route: Route) -> None:
    """Ranks without a gap, and no way to choose where nothing is to be chosen."""
    asked = [one for one in route.targets if not one.conditional]
    ranks = {rank: number for number, rank in enumerate(sorted({one.rank for one in asked}))}
    for target in asked:
        target.rank = ranks[target.rank]
    if len(route.targets) == 1:
        route.strategy, route.targets[0].share = "", None
    elif route.shared and not any(one.share for one in asked):
        for target in route.peers:
            target.share = 1.0
