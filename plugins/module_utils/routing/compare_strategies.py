# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that choose by load, speed or cost: their groups and chains, as people think of them.

What lowering makes of a strategy is folded into the name: a group of its own, and its members' ids
in front of its fallbacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

GROUPS = "routing_groups"
_OURS = {"group_name", "models", "routing_strategy"}
_WHO = {
    "latency-based-routing": "whoever is fastest",
    "least-busy": "whoever has least to do",
    "usage-based-routing-v2": "whoever was used least",
    "cost-based-routing": "whoever is cheapest",
}


def strategies(config: Mapping[str, Any]) -> dict[str, str] | None:
    """Name -> its strategy; None where some group is not made as ours are."""
    settings = config.get("router_settings")
    groups = settings.get(GROUPS, []) if isinstance(settings, Mapping) else []
    if groups == [] and isinstance(settings, Mapping) and GROUPS in settings:
        return None
    found: dict[str, str] = {}
    for group in groups if isinstance(groups, list) else [None]:
        if not isinstance(group, Mapping) or set(group) != _OURS:
            return None
        name, strategy = group["group_name"], group["routing_strategy"]
        if group["models"] != [name] or strategy not in _WHO or name in found:
            return None
        found[name] = strategy
    return found


def chosen(labels: Iterable[str], strategy: str) -> str:
    """Who answers to a name with a strategy: `a, b or c, whoever is fastest`."""
    names = list(labels)
    several = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)
    return f"{several}, {_WHO[strategy]}"


def begins_with(chain: list[str] | None, ids: list[str]) -> bool:
    """Whether a chain asks a name's own members before its fallbacks."""
    return chain is not None and chain[: len(ids)] == ids
