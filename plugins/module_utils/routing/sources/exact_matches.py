# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exact_matches: a provider's place among those that serve a name."""

from __future__ import annotations

from collections.abc import Mapping

from ...registry.model import ExactMatch
from ..draft import Draft
from ..resolve import backend_model
from ..route_table import EXACT_MATCH, Route, Target


def exact_matches(draft: Draft, own: Mapping[str, Route]) -> dict[str, Route]:
    """A route for each entry, made of those that serve its name already."""
    for match in draft.registry.exact.values():
        draft.declared[match.name] = [*match.fallbacks]
    return {match.name: _route(draft, match, own) for match in draft.registry.exact.values()}


def _route(draft: Draft, match: ExactMatch, own: Mapping[str, Route]) -> Route:
    others = without(own.get(match.name), match.provider.name)
    provider = draft.served(match.provider.name)
    if provider is not None:
        explicit = match.backend_model.name if match.backend_model else ""
        model = backend_model(provider, match.name, explicit)
        if model:
            others = placed(others, match.rank, draft.targets(provider, model, 0, match.place))
    return Route(match.name, EXACT_MATCH, match.place, others)


def without(route: Route | None, provider: str) -> list[Target]:
    """The targets of a route that are not this provider's."""
    return [t for t in route.targets if t.deployment.provider != provider] if route else []


def placed(others: list[Target], rank: int, new: list[Target]) -> list[Target]:
    """The others with `new` at the given rank (or behind them all), ranks counted afresh."""
    ranks: list[list[Target]] = []
    for target in others:
        if not ranks or ranks[-1][0].rank != target.rank:
            ranks.append([])
        ranks[-1].append(target)
    ranks.insert(rank, new)
    for number, same in enumerate(ranks):
        for target in same:
            target.rank = number
    return [target for same in ranks for target in same]
