# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rate limits: LiteLLM counts per deployment, the registry speaks of providers."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Reference
from ...registry.problems import WARNING, Problem
from .facts import Facts, listing

PATH = "rate_limit_settings.limits"
UNITS = ("rpm", "tpm")


def unknown_limit(facts: Facts) -> Iterator[Problem]:
    """A limit is on a provider that is declared, and on models that it serves."""
    registry = facts.registry
    for limit in registry.limits.values():
        reference = Reference(limit.name, limit.place)
        if limit.name not in registry.provider_names:
            message = f"{PATH} names '{limit.name}'; no such provider"
            yield facts.unknown(
                reference, "unknown-provider", message, list(registry.provider_names)
            )
            continue
        known = {*facts.routed_models(limit.name)}
        provider = registry.providers.get(limit.name)
        known.update(provider.models if provider else ())
        for model in limit.models.values():
            if provider and model.name not in known:
                message = (
                    f"{PATH}.{limit.name}.models names '{model.name}', which it does not serve"
                )
                reference = Reference(model.name, model.place)
                yield facts.unknown(reference, "unknown-model", message, sorted(known))


def unrouted_limit(facts: Facts) -> Iterator[Problem]:
    """A limit on what no request reaches has no effect."""
    for limit in facts.registry.limits.values():
        provider = facts.registry.providers.get(limit.name)
        if provider is not None and not facts.routed_models(limit.name):
            message = f"{PATH}.{limit.name} has no effect: no request reaches this provider"
            yield Problem(
                limit.place, "limit-without-effect", message, "a provider that is routed",
                severity=WARNING,
            )  # fmt: skip


def limit_needs_split(facts: Facts) -> Iterator[Problem]:
    """Several models would each get the whole limit, and the provider their sum."""
    for limit in facts.registry.limits.values():
        routed = facts.routed_models(limit.name)
        for unit in UNITS if len(routed) > 1 else ():
            parts = {model.name for model in limit.models.values() if getattr(model, unit)}
            missing = [model for model in routed if model not in parts]
            if getattr(limit, unit) is not None and missing:
                message = (
                    f"{PATH}.{limit.name}: its {unit} is one limit for {len(routed)} models;"
                    " LiteLLM counts each model by itself"
                )
                expected = f"models: with {unit}, a part of it, for each of {listing(missing)}"
                yield Problem(limit.place, "limit-needs-split", message, expected)


def split_exceeds_total(facts: Facts) -> Iterator[Problem]:
    """The parts must fit into the whole."""
    for limit in facts.registry.limits.values():
        for unit in UNITS:
            total = getattr(limit, unit)
            parts = [getattr(model, unit) for model in limit.models.values()]
            spent = sum(part for part in parts if part is not None)
            if total is not None and spent > total:
                message = f"{PATH}.{limit.name}: its models' {unit} add up to {spent}"
                yield Problem(limit.place, "split-exceeds-total", message, f"at most {total}")


def limit_below_hosts(facts: Facts) -> Iterator[Problem]:
    """Each host gets an even part, and less than one request a minute is none."""
    for limit in facts.registry.limits.values():
        hosts = facts.host_count(limit.name)
        for one in [limit, *limit.models.values()]:
            for unit in UNITS:
                value = getattr(one, unit)
                if value is not None and value < hosts:
                    message = (
                        f"{PATH}.{limit.name}: {unit} {value} is to be shared by {hosts} hosts"
                    )
                    yield Problem(one.place, "limit-below-hosts", message, f"at least {hosts}")


def limit_of_any_name(facts: Facts) -> Iterator[Problem]:
    """Behind a wildcard that asks for any name, LiteLLM counts each name by itself."""
    for route in facts.table.routes.values():
        for target in route.targets if route.wildcard else ():
            deployment = target.deployment
            if "*" in deployment.model and deployment.rated:
                limit = facts.registry.limits[deployment.provider]
                message = (
                    f"{PATH}.{deployment.provider}: '{route.name}' asks it for any name, and"
                    " LiteLLM counts each name by itself"
                )
                expected = "a backend_model for these names, or no limit"
                yield Problem(limit.place, "limit-of-any-name", message, expected)
                break
