# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lowering: the LiteLLM configuration that really does what the RouteTable says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..registry.model import Registry
from .lowering import entries, fallbacks, origins, settings, shared, special, strategies
from .lowering.process import environment
from .lowering.work import Work
from .resolve import Inventory
from .route_table import RouteTable

Step = Callable[[Work], None]

# In the order in which their parts are rendered.
STEPS: tuple[Step, ...] = (
    entries.targets,
    entries.hidden,
    origins.origins,
    strategies.prices,
    strategies.at_once,
    settings.failover,
    settings.limits,
    strategies.groups,
    fallbacks.fallbacks,
    special.special_fallbacks,
    settings.timeout,
    shared.shared_state,
    settings.canaries,
    settings.decisions,
)


@dataclass(slots=True)
class Lowered:
    """The configuration, and which rule each of its parts comes from.

    `rules`: "id@model_name" of an entry of model_list, "name->target" of a fallback, or "name" of a
    route -> "file:line". They stand beside the configuration, not in it: a line that moves must not
    change what is rendered. `environment`: variables of the gateway's process, no secrets.
    """

    config: dict[str, Any]
    rules: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def lower(registry: Registry, table: RouteTable, inventory: Inventory) -> Lowered:
    """What LiteLLM is given. The table must be free of errors."""
    work = Work(registry, table, inventory)
    for step in STEPS:
        step(work)
    return Lowered(work.config, work.rules, environment(registry))
