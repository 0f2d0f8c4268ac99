# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a registry to its RouteTable."""

from __future__ import annotations

from collections.abc import Mapping

from ..registry.model import Registry
from .draft import Draft
from .resolve import Inventory
from .route_table import Route, RouteTable
from .sources.canary_shares import canary_shares
from .sources.exact_matches import exact_matches
from .sources.fallbacks import fallbacks
from .sources.limits import ids, limits
from .sources.own_models import own_models
from .sources.redundant_models import redundant_models


def build_routes(registry: Registry, inventory: Inventory) -> RouteTable:
    """The table of a registry. What cannot be told (and is a problem) is left out.

    Names with a rule of their own come first, and in place of the models of that name.
    """
    draft = Draft(registry, inventory)
    own = own_models(draft)
    routes = _first_of(exact_matches(draft, own), redundant_models(draft), own)
    canary_shares(draft, routes)
    draft.table.routes = {name: route for name, route in routes.items() if route.targets}
    fallbacks(draft)
    limits(draft)
    ids(draft)
    return draft.table


def _first_of(*sources: Mapping[str, Route]) -> dict[str, Route]:
    """One route a name: the first source that has it."""
    found: dict[str, Route] = {}
    for source in sources:
        for name, route in source.items():
            found.setdefault(name, route)
    return found
