# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Capabilities: tasks that no model is there for, or that name models which do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Model, Reference
from ...registry.model_rules import Capability
from ...registry.problems import WARNING, Problem
from ..capability_members import selects
from ..route_table import CAPABILITY, Route, Target
from ..sources.aliases import stands_for
from .facts import Facts, listing


def unknown_member(facts: Facts) -> Iterator[Problem]:
    """A preferred model is a public name, or a model that a provider lists."""
    registry = facts.registry
    for capability in registry.capabilities.values():
        for reference in capability.preferred:
            name = reference.name
            if name in registry.capabilities:
                message = f"{_path(capability)}.preferred_models names the capability '{name}'"
                yield Problem(reference.place, "unknown-model", message, "the models themselves")
            elif name not in registry.public_names:
                message = f"{_path(capability)}.preferred_models names '{name}'; no such model"
                known = [one for one in registry.public_names if one not in registry.capabilities]
                yield facts.unknown(reference, "unknown-model", message, known)


def member_left_out(facts: Facts) -> Iterator[Problem]:
    """A preferred model that nobody serves, or not the provider that is to answer."""
    for capability, reference, route in _members(facts):
        if route is None:
            message = (
                f"{_path(capability)} leads to '{reference.name}', which no live provider serves;"
                " it is left out"
            )
            expected = "a model that is served"
            yield Problem(reference.place, "member-left-out", message, expected, severity=WARNING)
        elif capability.provider and not _own(capability, route):
            name = capability.provider.name
            there = list(dict.fromkeys(one.deployment.provider for one in route.peers))
            if name in facts.registry.providers and facts.registry.providers[name].served:
                message = (
                    f"{_path(capability)}: '{reference.name}' is not at '{name}', the provider that"
                    " is to answer"
                )
                expected = f"a model of '{name}', or no provider here: it is at {listing(there)}"
                yield Problem(reference.place, "member-elsewhere", message, expected)


def member_too_small(facts: Facts) -> Iterator[Problem]:
    """A model that is named must keep what the capability promises beside it."""
    for capability, reference, route in _members(facts):
        for target in _own(capability, route) if route is not None else ():
            found = _lacks(capability, _model(facts, target))
            if found:
                message = f"{_path(capability)}: '{reference.name}' {found}"
                expected = "another model, or less asked of it"
                yield Problem(reference.place, "member-does-not-fit", message, expected)
                break


def empty_capability(facts: Facts) -> Iterator[Problem]:
    """Somebody has to answer."""
    for capability in facts.registry.capabilities.values():
        route = facts.table.routes.get(capability.name)
        if route is not None and route.kind == CAPABILITY:
            continue
        if not selects(capability):
            message = f"{_path(capability)}: nothing says which models are meant"
            expected = "preferred_models, a provider, a specialty, min_context or min_model_size"
            yield Problem(capability.place, "empty-capability", message, expected)
        elif not capability.preferred:
            why, expected = _why_empty(facts, capability)
            if why:
                yield Problem(capability.place, "empty-capability", why, expected)
        elif all(route is None for _one, _reference, route in _members(facts, capability)):
            message = f"{_path(capability)}: none of its preferred models is served"
            yield Problem(capability.place, "empty-capability", message, "one that is served")


def _why_empty(facts: Facts, capability: Capability) -> tuple[str, str]:
    """Why no model fits, and what to do; ("", "") where that is said of something else."""
    path, named = _path(capability), capability.provider
    provider = facts.registry.providers.get(named.name) if named else None
    if named and (provider is None or not provider.served):
        return "", ""
    if provider is not None and not provider.models:
        expected = f"models at '{provider.name}', or preferred_models"
        return f"{path}: provider '{provider.name}' lists no models to choose from", expected
    served = [one for one in facts.registry.providers.values() if one.served]
    pool = [provider] if provider is not None else served
    known = dict.fromkeys(s for one in pool for m in one.models.values() for s in m.specialties)
    wanted = [one for one in capability.specialties if one not in known]
    if wanted and len(wanted) == len(capability.specialties):
        return (
            f"{path}: no model has the specialty {listing(wanted)}",
            f"one of {listing([*known])}",
        )
    what = "size or context that is asked for; what does not say its own is left out"
    return f"{path}: no model has the {what}", "less asked of it, or size and context_length there"


def _members(
    facts: Facts, only: Capability | None = None
) -> Iterator[tuple[Capability, Reference, Route | None]]:
    """(capability, preferred model, its route) of those that are known names."""
    registry = facts.registry
    for capability in [only] if only is not None else registry.capabilities.values():
        for reference in capability.preferred:
            name = stands_for(registry.aliases, reference.name)
            if reference.name in registry.public_names and name not in registry.capabilities:
                yield capability, reference, facts.table.routes.get(name)


def _own(capability: Capability, route: Route) -> list[Target]:
    name = capability.provider.name if capability.provider else ""
    return [one for one in route.peers if not name or one.deployment.provider == name]


def _model(facts: Facts, target: Target) -> Model | None:
    provider = facts.registry.providers[target.deployment.provider]
    return provider.models.get(target.deployment.model)


def _lacks(capability: Capability, model: Model | None) -> str:
    """What a model is known to lack."""
    if model is None:
        return ""
    if 0 < model.context < capability.min_context:
        return f"has a context of {model.context}, and {capability.min_context} are asked for"
    if 0 < model.size < capability.min_size:
        return "is smaller than min_model_size"
    wanted = capability.specialties
    if wanted and model.specialties and not set(wanted) & set(model.specialties):
        return f"is good at {listing(model.specialties)}, and {listing(wanted)} is asked for"
    return ""


def _path(capability: Capability) -> str:
    return f"capabilities.{capability.name}"
