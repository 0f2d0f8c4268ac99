# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rpm, tpm and budgets: LiteLLM counts per deployment, the registry per provider and model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..registry.problems import Place
from ..registry.yaml_tree import Mapping
from ..routing.counted import TIMES, counted_twice
from .draft import Draft
from .entries import SHUFFLED, Deployment
from .forms import PARAM_FORMS
from .notes import Notes
from .providers import Provider
from .reader import Sources
from .values import is_good, number

_ENFORCING = ("usage-based-routing", "usage-based-routing-v2")


def write_limits(
    draft: Draft, providers: Iterable[Provider], sources: Sources, notes: Notes
) -> None:
    """The limits of all providers, each of its models by itself."""
    enforced = _enforced(sources)
    # Beside a usage-based strategy each request counts twice, and so does each token.
    times = TIMES if counted_twice({"router_settings": sources.settings("router_settings")}) else 1
    limits: dict[str, Any] = {}
    for provider in providers:
        models = {name: _limit(name, of, times, notes) for name, of in provider.models.items()}
        limited = {name: limit for name, limit in models.items() if limit}
        if not limited:
            continue
        places = [d.place for d in provider.deployments if set(SHUFFLED) & set(d.numbers)]
        if len(models) == 1 and not any(one.wildcard for one in provider.deployments):
            limits[provider.name] = next(iter(limited.values()))
        else:
            limits[provider.name] = {"models": limited}
        draft.from_places(("rate_limit_settings", "limits", provider.name), places)
        mine = all(one.id.startswith("~") for one in provider.deployments)
        if not enforced and not mine:
            notes.found(places[0], "limits-not-enforced", f"rpm and tpm of {provider.name}")
    if limits:
        settings = draft.sections.setdefault("rate_limit_settings", {})
        declared = settings.get("limits")
        settings["limits"] = {**limits, **(declared if isinstance(declared, dict) else {})}


def _enforced(sources: Sources) -> bool:
    settings = sources.settings("router_settings")
    checks = settings.get("optional_pre_call_checks")
    listed = checks if isinstance(checks, list) else []
    return bool(
        settings.get("enable_pre_call_checks") is True
        or "enforce_model_rate_limits" in listed
        or settings.get("routing_strategy") in _ENFORCING
    )


def _limit(model: str, deployments: list[Deployment], times: int, notes: Notes) -> dict[str, int]:
    """The largest of a model's limits, where several names have one each."""
    found: dict[str, int] = {}
    for unit in SHUFFLED:
        given = [one for one in deployments if unit in one.numbers]
        if not given:
            continue
        found[unit] = max(1, int(max(one.numbers[unit] for one in given)) // times)
        names = dict.fromkeys(one.name for one in deployments)
        ids = {one.id for one in deployments}
        if len(names) > 1 and (len(ids) > 1 or "" in ids):
            what = f"{unit} of {model}, which is called {', '.join(names)}"
            notes.found(given[0].at(unit), "limit-per-name", what)
    return found


def write_budgets(
    draft: Draft, providers: Iterable[Provider], sources: Sources, notes: Notes
) -> None:
    """Budgets of deployments, added up for their provider, and those of LiteLLM's providers."""
    known = list(providers)
    for provider in known:
        counted = {one.id or str(one.place): one for one in provider.deployments}
        given = [(one, found) for one in counted.values() if (found := _budget(one))]
        times = list(dict.fromkeys(duration for _one, (_most, duration) in given))
        if len(times) > 1:
            why = f"those of {provider.name} are over {', '.join(times)}, and it has one budget"
            for one, _found in given:
                notes.not_carried(one.at("max_budget"), f"{one.called}.max_budget", why)
        elif given:
            _about_names(provider, given, notes)
            spec: dict[str, Any] = {"max_budget": _whole(sum(most for _one, (most, _d) in given))}
            spec["budget_duration"] = times[0]
            if len(provider.models) > 1:
                spec["models"] = _parts(given)
            draft.put("budgets", provider.name, spec, [provider.place])
    settings = sources.settings("router_settings")
    config = settings.get("provider_budget_config")
    if isinstance(config, Mapping):
        for name, value in config.items():
            _provider_budget(draft, name, value, config.key_place(name), known, notes)


def _about_names(
    provider: Provider, given: list[tuple[Deployment, tuple[float, str]]], notes: Notes
) -> None:
    """LiteLLM counts what each name of a model costs by itself."""
    for model, deployments in provider.models.items():
        places = {one.place for one in deployments}
        mine = [one for one, _found in given if one.place in places]
        names = ", ".join(dict.fromkeys(one.name for one in deployments))
        distinct = {one.id or str(one.place) for one in deployments}
        if mine and len(distinct) > 1:
            what = f"max_budget of {model}, which is called {names}"
            notes.found(mine[0].at("max_budget"), "budget-per-name", what)


def _parts(given: list[tuple[Deployment, tuple[float, str]]]) -> dict[str, dict[str, float]]:
    """A provider's budget as its models have it."""
    parts: dict[str, float] = {}
    for one, (most, _duration) in given:
        parts[one.model] = parts.get(one.model, 0) + most
    return {model: {"max_budget": _whole(most)} for model, most in parts.items()}


def _budget(one: Deployment) -> tuple[float, str] | None:
    most, duration = one.params.get("max_budget"), one.params.get("budget_duration")
    if not is_good(PARAM_FORMS["max_budget"], most):
        return None
    timed = is_good(PARAM_FORMS["budget_duration"], duration)
    return number(most) or 0, str(duration) if timed else "30d"


def _provider_budget(
    draft: Draft, name: str, value: object, place: Place, known: list[Provider], notes: Notes
) -> None:
    its = [one for one in known if {d.prefix for d in one.deployments} == {name}]
    most = value.get("budget_limit") if isinstance(value, Mapping) else None
    period = value.get("time_period") if isinstance(value, Mapping) else None
    good = is_good(PARAM_FORMS["max_budget"], most) and is_good(
        PARAM_FORMS["budget_duration"], period
    )
    if len(its) != 1 or not good or its[0].name in draft.sections.get("budgets", {}):
        why = "it is for one provider" if len(its) != 1 else "it is not to be read"
        notes.not_carried(place, f"provider_budget_config.{name}", why)
        return
    spec = {"max_budget": most, "budget_duration": str(period)}
    draft.put("budgets", its[0].name, spec, [place])


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
