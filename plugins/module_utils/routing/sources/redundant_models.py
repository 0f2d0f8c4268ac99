# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redundant_models: a name that several providers share by weight."""

from __future__ import annotations

from ...registry.model import Member, Provider, RedundantModel
from ..draft import Draft
from ..resolve import backend_model
from ..route_table import REDUNDANT_MODEL, Route, Target


def redundant_models(draft: Draft) -> dict[str, Route]:
    """A route for each entry."""
    for redundant in draft.registry.redundant.values():
        draft.declared.setdefault(redundant.name, [*redundant.fallbacks])
    return {one.name: _route(draft, one) for one in draft.registry.redundant.values()}


def _route(draft: Draft, redundant: RedundantModel) -> Route:
    route = Route(redundant.name, REDUNDANT_MODEL, redundant.place)
    for member in redundant.members:
        provider = draft.served(member.provider.name)
        if provider is not None:
            route.targets += _member(draft, provider, redundant.name, member)
    if not any(target.share for target in route.targets):
        route.targets = []
    return route


def _member(draft: Draft, provider: Provider, name: str, member: Member) -> list[Target]:
    model = backend_model(provider, name, member.model.name if member.model else "")
    targets = draft.targets(provider, model, 0, member.place) if model else []
    for target in targets:
        target.share = (1.0 if member.weight is None else member.weight) / len(targets)
    return targets
