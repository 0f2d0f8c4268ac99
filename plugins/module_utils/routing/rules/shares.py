# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shares: the weights of redundant models, and what may stand in one group."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.problems import Problem
from ..resolve import backend_model
from .facts import Facts


def partial_weights(facts: Facts) -> Iterator[Problem]:
    """LiteLLM gives members without a weight no traffic beside members with one."""
    for redundant in facts.registry.redundant.values():
        without = [member for member in redundant.members if member.weight is None]
        if without and len(without) < len(redundant.members):
            for member in without:
                message = (
                    f"redundant_models.{redundant.name}: '{member.provider.name}' has no weight"
                    " where others have one, so it would get nothing"
                )
                expected = "a weight on every member, or on none (equal shares)"
                yield Problem(member.place, "partial-weights", message, expected)


def zero_weights(facts: Facts) -> Iterator[Problem]:
    """Somebody has to answer."""
    for redundant in facts.registry.redundant.values():
        weights = [member.weight for member in redundant.members]
        if weights and all(weight == 0 for weight in weights):
            message = f"redundant_models.{redundant.name}: all weights are 0, so nobody answers"
            yield Problem(redundant.place, "zero-weights", message, "at least one weight above 0")


def duplicate_member(facts: Facts) -> Iterator[Problem]:
    """The same deployment twice in one group has one id, and LiteLLM knows only the last."""
    for redundant in facts.registry.redundant.values():
        seen: set[tuple[str, str]] = set()
        for member in redundant.members:
            model = member.model.name if member.model else ""
            provider = facts.registry.providers.get(member.provider.name)
            if provider is not None:
                model = backend_model(provider, redundant.name, model) or model
            key = (member.provider.name, model)
            if key in seen:
                what = f", both times for '{model}'" if model else ""
                message = f"redundant_models.{redundant.name} names '{key[0]}' twice{what}"
                yield Problem(member.place, "duplicate-member", message, "one entry, one weight")
            seen.add(key)


def mixed_modes(facts: Facts) -> Iterator[Problem]:
    """One name answers one kind of request, and so do its fallbacks."""
    routes = facts.table.routes
    for route in routes.values():
        modes = {target.deployment.mode for target in route.targets}
        for fallback in route.fallbacks:
            modes.update(one.mode for one in fallback.deployments)
            if fallback.name in routes and not fallback.deployments:
                modes.add(routes[fallback.name].mode)
        if len(modes) > 1:
            listed = ", ".join(sorted(modes))
            message = f"'{route.name}' would lead to models of different modes: {listed}"
            yield Problem(route.place, "mixed-modes", message, "models of one mode")
