# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The models that providers list: a name each, ordered by listing."""

from __future__ import annotations

from ..draft import Draft
from ..route_table import MODEL, Route


def own_models(draft: Draft) -> dict[str, Route]:
    """A route for each model's own name; one at a provider on trial is testing/<model>."""
    routes: dict[str, Route] = {}
    for provider in draft.registry.providers.values():
        if not provider.rendered:
            continue
        for model in provider.models.values():
            name = provider.prefix + model.name
            route = routes.get(name)
            if route is None:
                route = routes[name] = Route(name, MODEL, model.place)
            rank = route.targets[-1].rank + 1 if route.targets else 0
            route.targets += draft.targets(provider, model.name, rank, model.place)
    return routes
