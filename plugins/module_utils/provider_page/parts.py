# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part each provider has in the names that are served, found once for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..routing.route_table import ROUTE, Fallback, Route, RouteTable

Names = dict[str, Route]


class Parts:
    """By provider: the names that it answers `first`, those that it `helps` with when others have
    failed, those that it would answer were it not waiting, and the ids of its deployments."""

    def __init__(self, table: RouteTable, waiting: Sequence[Mapping[str, Any]] = ()) -> None:
        self.table = table
        self.waiting = {one["provider"]: list(one["names"]) for one in waiting}
        self.first: dict[str, Names] = {}
        self.helps: dict[str, Names] = {}
        self.ids: dict[str, dict[str, None]] = {}
        for deployment in table.deployments.values():
            known = self.ids.setdefault(deployment.provider, {})
            known.update(dict.fromkeys(filter(None, (deployment.called, deployment.id))))
        for route in table.routes.values():
            for target in route.targets:
                self.ids.setdefault(target.deployment.provider, {})[target.id] = None
            for provider in first(route):
                self.first.setdefault(provider, {})[route.name] = route
        for route in table.routes.values():
            mine = set(first(route))
            for provider in self._behind(route):
                if provider not in mine:
                    self.helps.setdefault(provider, {})[route.name] = route

    def _behind(self, route: Route) -> Iterator[str]:
        """Who may answer for a name after the first."""
        yield from (target.deployment.provider for target in route.targets)
        for fallback in route.every_fallback:
            yield from (one.provider for one in fallback.deployments)
            leads = self.table.routes.get(fallback.name) if fallback.kind == ROUTE else None
            yield from first(leads) if leads else ()


def first(route: Route) -> list[str]:
    """The providers that a request for a name can begin with."""
    begins = [one for one in route.targets if one.rank == 0 or one.traffic or route.strategy]
    return list(dict.fromkeys(one.deployment.provider for one in begins))


def further(route: Route) -> list[Fallback]:
    """The fallbacks that lead to anybody else than its own targets."""
    return [] if route.wildcard else [one for one in route.fallbacks if route.called_by(one)]
