# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A RouteTable while a provider is about to stop: what others answer does not lead to it any more.

A name that nobody else answers stays with it. For as long as it is down such a request fails as one
to any backend that is down, which clients try again; a name that is gone they take for a mistake.
"""

from __future__ import annotations

from ..registry.model import Registry
from ..registry.slots import parked
from .left_out import leave_out
from .resolve import Inventory
from .route_table import RouteTable
from .routes import build_routes


def without_leaving(
    registry: Registry, inventory: Inventory, table: RouteTable, leaving: str
) -> RouteTable:
    """The finished table without the provider `leaving`, where that takes no name away."""
    rest = build_routes(registry, inventory)
    leave_out(rest, inventory.left_out, {*parked(registry), leaving})
    rest.routes = {name: rest.routes.get(name, route) for name, route in table.routes.items()}
    rest.deployments = {**table.deployments, **rest.deployments}
    return rest
