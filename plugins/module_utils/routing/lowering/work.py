# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of lowering work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...registry.credentials import environ
from ...registry.model import Registry
from ..litellm_params import Params
from ..resolve import Inventory
from ..route_table import RouteTable

Entry = dict[str, Any]
STEP = 1e-9  # one rank's weight against that of the rank before
MAX_STEPS = 30  # beyond, floats end


class Work:
    """A configuration in the making, and the rules behind its parts.

    `rules`: "id@model_name" of an entry of model_list, "name->target" of a fallback, or "name" of a
    route -> "file:line". The keys of `config` stand in the order in which they are rendered.
    """

    def __init__(self, registry: Registry, table: RouteTable, inventory: Inventory) -> None:
        self.registry = registry
        self.table = table
        self.inventory = inventory
        self.params = Params(registry, inventory)
        self.rules: dict[str, str] = {}
        self.entries: list[Entry] = []
        self.settings: dict[str, Any] = {"routing_strategy": "simple-shuffle", "num_retries": 0}
        self.config: dict[str, Any] = {
            "model_list": self.entries,
            "router_settings": self.settings,
            "general_settings": {"master_key": environ("LITELLM_MASTER_KEY")},
        }

    def litellm_settings(self, settings: Mapping[str, Any]) -> None:
        """Adds to the section that only some configurations have."""
        self.config.setdefault("litellm_settings", {}).update(settings)
