# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Budgets: LiteLLM adds up prices by deployment, the registry speaks of providers."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Provider, Reference
from ...registry.problems import WARNING, Problem
from ..litellm_known import MODELS
from .facts import Facts, listing

PATH = "budgets"
LISTED = ("openai", "anthropic")  # whose priced models LiteLLM's own list of names has, all of them


def unknown_budget(facts: Facts) -> Iterator[Problem]:
    """A budget is a declared provider's, and its parts are of models that it serves."""
    registry = facts.registry
    for budget in registry.budgets.values():
        provider = registry.providers.get(budget.name)
        if budget.name not in registry.provider_names:
            message = f"{PATH} names '{budget.name}'; no such provider"
            reference = Reference(budget.name, budget.place)
            known = list(registry.provider_names)
            yield facts.unknown(reference, "unknown-provider", message, known)
        known = [*facts.routed_models(budget.name), *(provider.models if provider else ())]
        for part in budget.models.values() if provider else ():
            if part.name not in known:
                message = (
                    f"{PATH}.{budget.name}.models names '{part.name}', which it does not serve"
                )
                reference = Reference(part.name, part.place)
                yield facts.unknown(reference, "unknown-model", message, sorted({*known}))


def budget_without_effect(facts: Facts) -> Iterator[Problem]:
    """A budget of what no request reaches."""
    for budget in facts.registry.budgets.values():
        provider = facts.registry.providers.get(budget.name)
        if provider is not None and not facts.routed_models(budget.name):
            message = f"{PATH}.{budget.name} has no effect: no request reaches this provider"
            expected = "a provider that is routed"
            yield Problem(
                budget.place, "budget-without-effect", message, expected, severity=WARNING
            )


def budget_needs_split(facts: Facts) -> Iterator[Problem]:
    """Several models would each get the whole budget, and the provider their sum."""
    for budget in facts.registry.budgets.values():
        routed = facts.routed_models(budget.name)
        missing = [model for model in routed if model not in budget.models]
        if len(routed) > 1 and missing:
            message = (
                f"{PATH}.{budget.name} is one budget for {len(routed)} models; LiteLLM adds up each"
                " model's costs by itself"
            )
            expected = f"models: with max_budget, a part of it, for each of {listing(missing)}"
            yield Problem(budget.place, "budget-needs-split", message, expected)


def budget_exceeded_by_parts(facts: Facts) -> Iterator[Problem]:
    """The parts must fit into the whole."""
    for budget in facts.registry.budgets.values():
        spent = sum(part.most for part in budget.models.values())
        if spent > budget.most * (1 + 1e-9):
            message = f"{PATH}.{budget.name}: its models' max_budget add up to {spent:g}"
            yield Problem(budget.place, "split-exceeds-total", message, f"at most {budget.most:g}")


def budget_without_price(facts: Facts) -> Iterator[Problem]:
    """What costs nothing never reaches a budget. LiteLLM knows prices of vendors' models only."""
    for budget in facts.registry.budgets.values():
        provider = facts.registry.providers.get(budget.name)
        if provider is None:
            continue
        free = [
            name
            for name in facts.routed_models(budget.name)
            if not _price(provider, name) and not _may_be_known(facts, provider, name)
        ]
        if free:
            message = (
                f"{PATH}.{budget.name} can never be reached: nothing says what {listing(free)}"
                f" cost{'s' if len(free) == 1 else ''}"
            )
            expected = "input_cost_per_million_tokens and output_cost_per_million_tokens of them"
            yield Problem(budget.place, "budget-without-price", message, expected)


def _may_be_known(facts: Facts, provider: Provider, model: str) -> bool:
    """Whether LiteLLM may know what a vendor asks for a model: of some it knows all models."""
    listed = MODELS.get(provider.type.name) if provider.type.name in LISTED else None
    return facts.is_vendors(provider) and (listed is None or model in listed)


def _price(provider: Provider, model: str) -> float:
    known = provider.models.get(model)
    return sum(known.prices) if known is not None else 0.0
