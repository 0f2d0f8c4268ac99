# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Providers on trial: a part of each name that others serve too."""

from __future__ import annotations

from collections.abc import Mapping

from ...registry.model import Provider
from ..canaries import canary_models
from ..draft import Draft
from ..route_table import Route


def canary_shares(draft: Draft, routes: Mapping[str, Route]) -> None:
    """Adds the canaries to the routes that have somebody else."""
    for provider in draft.registry.providers.values():
        if provider.traffic:
            _canary(draft, provider, routes)


def _canary(draft: Draft, provider: Provider, routes: Mapping[str, Route]) -> None:
    place = provider.at("traffic")
    for name, models in canary_models(draft.registry, provider):
        route = routes.get(name)
        peers = route.peers if route is not None else ()
        if route is None or not peers:
            continue
        rank = peers[-1].rank + 1
        found = [t for m in models for t in draft.targets(provider, m, rank, place)]
        for target in found:
            target.traffic = provider.traffic / len(found)
        route.targets += found
