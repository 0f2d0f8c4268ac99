# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""routing_rules.load_balancing: how one of several providers that list a model is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..draft import Draft
from ..route_table import MODEL, Route, RouteTable
from ..strategies import LITELLM, ORDERED


def balancing(draft: Draft, routes: Mapping[str, Route]) -> None:
    """Spreads the names that no rule of their own orders."""
    chosen = draft.registry.everywhere.strategy
    if chosen and chosen not in ORDERED:
        for route in spread(draft.table, routes):
            _spread(route, LITELLM[chosen])


def spread(table: RouteTable, routes: Mapping[str, Route]) -> list[Route]:
    """Those of several providers that no rule orders, not even one about sizes."""
    sized = {name for names in table.sized.values() for name in names}
    return [
        route
        for route in routes.values()
        if route.kind == MODEL
        and route.name not in sized
        and len({one.deployment.provider for one in route.targets}) > 1
    ]


def _spread(route: Route, strategy: str) -> None:
    hosts = Counter(target.deployment.provider for target in route.targets)
    route.strategy = strategy
    for target in route.targets:
        target.rank = 0
        target.share = None if strategy else 1 / hosts[target.deployment.provider]
