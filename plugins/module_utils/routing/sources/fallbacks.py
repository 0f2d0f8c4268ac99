# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fallbacks: what the rules name, resolved to deployments and to other routes."""

from __future__ import annotations

from collections.abc import Iterable

from ...registry.model import Provider, Reference
from ..draft import Draft
from ..resolve import fallback_model, kind_of
from ..route_table import PROVIDER, ROUTE, Fallback, Route


def fallbacks(draft: Draft) -> None:
    """Gives each route the fallbacks that are declared for its name and that serve."""
    for name, references in draft.declared.items():
        route = draft.table.routes.get(name)
        if route is not None:
            route.fallbacks = resolved(draft, route, references)


def resolved(draft: Draft, route: Route, references: Iterable[Reference]) -> list[Fallback]:
    """The fallbacks of a route; what serves nobody (and is a problem) is left out."""
    found = (_fallback(draft, route, reference) for reference in references)
    return [fallback for fallback in found if fallback is not None]


def wanted_names(route: Route) -> Iterable[str]:
    """What the "same model" at another provider may be called."""
    yield route.name
    for target in route.targets:
        yield target.deployment.model


def stand_in(provider: Provider, route: Route) -> str:
    """The model with which a provider stands in for a route; "" if that is not to be told.

    Behind a wildcard one that lists none is asked for what the first one was asked for.
    """
    if route.wildcard and not provider.models:
        asked = route.targets[0].deployment.model
        return asked if "*" in asked else route.name
    return fallback_model(provider, wanted_names(route), route.mode)


def _fallback(draft: Draft, route: Route, reference: Reference) -> Fallback | None:
    kind = kind_of(draft.registry, reference.name)
    if kind == ROUTE and reference.name in draft.table.routes:
        return Fallback(reference.name, ROUTE, [], reference.place)
    provider = draft.served(reference.name)
    if kind != PROVIDER or provider is None:
        return None
    model = stand_in(provider, route)
    if not model:
        return None
    return Fallback(reference.name, PROVIDER, draft.deployments(provider, model), reference.place)
