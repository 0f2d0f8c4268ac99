# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""capabilities: a name for a task, answered by copies of the targets of its models."""

from __future__ import annotations

from collections.abc import Mapping

from ...registry.model_rules import Capability
from ..capability_members import FittingModels, selects
from ..draft import Draft
from ..route_table import CAPABILITY, Deployment, Route, Target
from ..strategies import LITELLM, ORDERED
from .aliases import stands_for

Group = list[tuple[Deployment, float]]  # a provider's hosts, or a name's members with their weights


def capabilities(draft: Draft, names: Mapping[str, Route]) -> dict[str, Route]:
    """A route for each entry; `names` are the routes that its preferred models may stand for."""
    found: dict[str, Route] = {}
    fitting = FittingModels(draft.registry) if draft.registry.capabilities else None
    for capability in draft.registry.capabilities.values():
        route = Route(capability.name, CAPABILITY, capability.place)
        if capability.preferred:
            groups = _preferred(draft, capability, names)
        elif fitting is not None and selects(capability):
            groups = [
                [(one, 1.0) for one in draft.deployments(provider, model.name)]
                for provider, model in fitting.of(capability)
            ]
        else:
            groups = []
        _fill(route, _each_once(groups), capability.strategy.name)
        draft.declared.setdefault(capability.name, [*capability.fallbacks])
        found[capability.name] = route
    return found


def _preferred(draft: Draft, capability: Capability, names: Mapping[str, Route]) -> list[Group]:
    """The targets of each preferred model, rank by rank; where it has a provider, only its own."""
    groups: list[Group] = []
    for reference in capability.preferred:
        route = names.get(stands_for(draft.registry.aliases, reference.name))
        ranks: dict[int, Group] = {}
        for target in route.peers if route is not None else ():
            at = target.deployment.provider
            if capability.provider is None or at == capability.provider.name:
                share = 1.0 if target.share is None else target.share
                ranks.setdefault(target.rank, []).append((target.deployment, share))
        groups += ranks.values()
    return groups


def _each_once(groups: list[Group]) -> list[Group]:
    seen: set[int] = set()
    found: list[Group] = []
    for group in groups:
        new = [one for one in group if id(one[0]) not in seen]
        seen.update(id(one[0]) for one in new)
        if new:
            found.append(new)
    return found


def _fill(route: Route, groups: list[Group], word: str) -> None:
    """Each group has a rank of its own, an equal share, or no part that is known beforehand."""
    ordered = word in ORDERED
    route.strategy = "" if ordered else LITELLM.get(word, "")
    for rank, group in enumerate(groups):
        whole = sum(weight for _one, weight in group) or 1.0
        providers = len({one.provider for one, _weight in group})
        for deployment, weight in group:
            # A name that several providers share by weight counts for as many.
            share = None if ordered or route.strategy else weight / whole * providers
            at = rank if ordered else 0
            route.targets.append(Target(deployment, "", at, share, route.place))
    if len(route.targets) == 1:
        route.strategy, route.targets[0].share = "", None
