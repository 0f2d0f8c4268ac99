# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gateway is given while a provider is about to stop: nothing new is asked of it.

What others answer does not lead to it any more. A name that nobody else answers stays, and leads
nowhere: such a request fails as one to any backend that is down, which clients try again; a name
that is gone they take for a mistake. So what the gateway has begun with it before is all there is
to wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..registry.credentials import NO_KEY
from ..registry.model import Registry
from ..registry.slots import parked
from .explain_entries import entries_of
from .left_out import leave_out
from .probes import HEALTH
from .resolve import Inventory
from .route_table import RouteTable
from .routes import build_routes

NOWHERE = "http://127.0.0.1:1"  # where nobody listens: a request fails at once


def without_leaving(
    registry: Registry, inventory: Inventory, table: RouteTable, leaving: str
) -> RouteTable:
    """The finished table without the provider `leaving`, where that takes no name away."""
    rest = build_routes(registry, inventory)
    leave_out(rest, inventory.left_out, {*parked(registry), leaving})
    rest.routes = {name: rest.routes.get(name, route) for name, route in table.routes.items()}
    rest.deployments = {**table.deployments, **rest.deployments}
    return rest


def nobody_asks(config: Mapping[str, Any], leaving: str) -> None:
    """Has a lowered configuration ask nothing of the provider `leaving`, nor send its keys."""
    for entry, listed in zip(entries_of(config), config["model_list"], strict=True):
        if entry.provider == leaving:
            params = listed["litellm_params"]
            params.pop("extra_headers", None)
            params |= {"api_base": NOWHERE, "api_key": NO_KEY}


def nobody_minds(probes: dict[str, Any], leaving: str) -> None:
    """Has the schedule ask the provider `leaving` for no answer: it would have the generation
    before come back, which asks it. A way back to this one asks, and finds that nobody answers."""
    probes["providers"][leaving] |= {"watch": HEALTH}
