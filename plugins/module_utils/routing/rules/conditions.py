# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions: what LiteLLM can look at, and whether anybody answers differently for it."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Reference
from ...registry.policies import Condition
from ...registry.problems import WARNING, Problem
from ..conditions import is_possible, refusal
from ..resolve import kind_of
from ..route_table import ROUTE
from .facts import Facts, listing


def path_of(condition: Condition) -> str:
    return f"routing_rules.{condition.name}"


def impossible_condition(facts: Facts) -> Iterator[Problem]:
    """LiteLLM chooses by a tag or by the User-Agent, and by nothing else that a request carries."""
    for condition in facts.registry.conditions:
        why, expected = refusal(condition)
        if why:
            message = f"{path_of(condition)} {why}"
            yield Problem(condition.place, "impossible-condition", message, expected)


def condition_without_answer(facts: Facts) -> Iterator[Problem]:
    """A condition says who answers then."""
    for condition in facts.registry.conditions:
        if condition.provider is None and condition.model is None:
            message = f"{path_of(condition)} does not say who answers then"
            yield Problem(condition.place, "condition-without-answer", message, "provider or model")


def unknown_answer(facts: Facts) -> Iterator[Problem]:
    """The model that answers is one of the provider's, or without a provider a public name."""
    registry = facts.registry
    for condition in registry.conditions:
        model, owner = condition.model, condition.provider
        if model is None:
            continue
        if owner is None and kind_of(registry, model.name) != ROUTE:
            message = f"{path_of(condition)}.model names '{model.name}'; no such public name"
            yield facts.unknown(model, "unknown-model", message, list(registry.public_names))
        provider = registry.providers.get(owner.name) if owner is not None else None
        if provider is not None and provider.models and model.name not in provider.models:
            yield _unlisted(facts, condition, model, provider.name, [*provider.models])


def _unlisted(
    facts: Facts, condition: Condition, model: Reference, provider: str, known: list[str]
) -> Problem:
    message = (
        f"{path_of(condition)}.model names '{model.name}', which provider '{provider}' does not"
        " list"
    )
    return facts.unknown(model, "unknown-model", message, known)


def repeated_condition(facts: Facts) -> Iterator[Problem]:
    """The first condition that holds counts, so the same one again never does."""
    seen: dict[tuple[str, str], Condition] = {}
    for condition in facts.registry.conditions:
        if is_possible(condition):
            first = seen.setdefault(condition.terms[0], condition)
            if first is not condition:
                where = f"{first.place.file}:{first.place.line}"
                message = f"{path_of(condition)} is the same condition again ({where})"
                yield Problem(condition.place, "repeated-condition", message, "one of the two")


def condition_without_effect(facts: Facts) -> Iterator[Problem]:
    """A condition under which everybody answers as always."""
    taken = {
        target.place
        for route in facts.table.routes.values()
        for target in route.targets
        if target.conditional
    }
    for condition in facts.registry.conditions:
        answer = condition.provider or condition.model
        if answer is None or condition.place in taken or not is_possible(condition):
            continue
        if not kind_of(facts.registry, answer.name):
            continue
        message = (
            f"{path_of(condition)} changes nothing: '{answer.name}' can answer for no name that it"
            " does not answer already"
        )
        expected = "a provider with a model for some name, or with a default_model"
        place = condition.place
        yield Problem(place, "condition-without-effect", message, expected, severity=WARNING)


def condition_left_out(facts: Facts) -> Iterator[Problem]:
    """Names with a strategy of their own, and wildcards, cannot be answered by condition."""
    routes = facts.table.routes.values()
    names = [one.name for one in routes if one.strategy or one.wildcard]
    conditions = [one for one in facts.registry.conditions if is_possible(one)]
    if names and conditions:
        message = (
            f"routing_rules.request_metadata_routing does not hold for {listing(names, 3)}: LiteLLM"
            " looks for tags neither behind a wildcard nor beside a strategy"
        )
        expected = "names of their own for such requests, or load_balance"
        place = conditions[0].place
        yield Problem(place, "condition-left-out", message, expected, severity=WARNING)
