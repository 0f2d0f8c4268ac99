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
from .sources.aliases import aliases
from .sources.balancing import balancing
from .sources.budgets import budgets
from .sources.canary_shares import canary_shares
from .sources.capabilities import capabilities
from .sources.chains import chains, special_chains
from .sources.conditions import conditions
from .sources.default_provider import default_provider
from .sources.exact_matches import exact_matches
from .sources.fallbacks import fallbacks
from .sources.limits import ids, limits
from .sources.model_sizes import model_sizes
from .sources.own_models import own_models
from .sources.patterns import patterns
from .sources.redundant_models import redundant_models
from .sources.wildcard_fallbacks import wildcard_fallbacks


def build_routes(registry: Registry, inventory: Inventory) -> RouteTable:
    """The table of a registry. What cannot be told (and is a problem) is left out.

    Names with a rule of their own come first, and in place of the models of that name.
    """
    draft = Draft(registry, inventory)
    own = own_models(draft)
    model_sizes(draft, own)
    ruled = _first_of(exact_matches(draft, own), redundant_models(draft))
    taken = {**ruled, **registry.capabilities, **registry.aliases}
    matched, wildcards = patterns(draft, own, taken)
    tasks = capabilities(draft, _first_of(ruled, matched, own))
    routes = _first_of(ruled, tasks, matched, own)
    balancing(draft, routes)
    canary_shares(draft, routes)
    routes |= aliases(draft, routes)
    routes = _first_of(routes, wildcards, default_provider(draft))
    chains(draft, routes)
    conditions(draft, routes)
    draft.table.declared = draft.declared
    draft.table.routes = {name: route for name, route in routes.items() if route.targets}
    fallbacks(draft)
    special_chains(draft)
    wildcard_fallbacks(draft)
    limits(draft)
    budgets(draft)
    ids(draft)
    return draft.table


def _first_of(*sources: Mapping[str, Route]) -> dict[str, Route]:
    """One route a name: the first source that has it."""
    found: dict[str, Route] = {}
    for source in sources:
        for name, route in source.items():
            found.setdefault(name, route)
    return found
