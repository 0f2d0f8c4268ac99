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
    for route in routes.values() if chosen and chosen not in ORDERED else ():
        if is_spread(draft.table, route):
            _spread(route, LITELLM[chosen])


def is_spread(table: RouteTable, route: Route) -> bool:
    """Whether several providers serve a name, and no rule, not of its size either, orders them."""
    sized = any(route.name in names for names in table.sized.values())
    several = len({one.deployment.provider for one in route.targets}) > 1
    return route.kind == MODEL and several and not sized


def _spread(route: Route, strategy: str) -> None:
    hosts = Counter(target.deployment.provider for target in route.targets)
    route.strategy = strategy
    for target in route.targets:
        target.rank = 0
        target.share = None if strategy else 1 / hosts[target.deployment.provider]
