# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_size_routing: which of the providers of one model comes first."""

from __future__ import annotations

from collections.abc import Mapping

from ...registry.model import Registry
from ...registry.model_rules import SizeRange
from ..draft import Draft
from ..route_table import Route
from .exact_matches import placed, without


def model_sizes(draft: Draft, own: Mapping[str, Route]) -> None:
    """Puts the provider that is preferred for a model's size in front of the others."""
    for route in own.values() if draft.registry.sizes else ():
        preferred = range_of(draft.registry, route)
        if preferred is None:
            continue
        name = preferred.provider.name
        mine = [target for target in route.targets if target.deployment.provider == name]
        if mine and len(mine) < len(route.targets):
            route.targets = placed(without(route, name), 0, mine)
            draft.table.sized.setdefault(preferred.place, []).append(route.name)


def range_of(registry: Registry, route: Route) -> SizeRange | None:
    """The range that a name's model is in, by what the first provider says that knows its size."""
    size = size_of(registry, route)
    return next((one for one in registry.sizes if size and one.holds(size)), None)


def size_of(registry: Registry, route: Route) -> float:
    """The parameters of a name's model; 0 where nobody says how many."""
    for target in route.targets:
        provider = registry.providers[target.deployment.provider]
        model = provider.models.get(target.deployment.model)
        if model is not None and model.size:
            return model.size
    return 0.0
