# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: unknown ones, ambiguous ones, and those that are taken."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import ON_TRIAL, Model, Provider, Reference, Registry
from ...registry.problems import Place, Problem
from ..resolve import backend_model, kind_of
from ..sources.fallbacks import stand_in
from .facts import Facts, listing, path_of


def reserved_name(facts: Facts) -> Iterator[Problem]:
    """A public name must not look like a deployment's id, a wildcard or a testing model."""
    registry = facts.registry
    entries = [(entry.name, entry.place) for entry in registry.exact.values()]
    entries += [(entry.name, entry.place) for entry in registry.redundant.values()]
    entries += [(entry.name, entry.place) for entry in registry.capabilities.values()]
    entries += [(use.wildcard[:-1], use.pattern.place) for use in facts.table.patterns
                if use.wildcard not in ("", "*")]  # fmt: skip
    entries += [*registry.alias_places.items()]
    for provider in registry.providers.values():
        entries += [(model.name, model.place) for model in provider.models.values()]
    for name, place in entries:
        if name.startswith(("~", ON_TRIAL)):
            start = "~" if name[0] == "~" else ON_TRIAL
            message = f"the name '{name}' begins with '{start}', kept for the gateway's own use"
            yield Problem(place, "reserved-name", message, "another name")
        elif "*" in name or not name.isprintable() or not name or name != name.strip():
            message = f"the name {name!r} has a character that no public name may have"
            expected = "no *, no control characters, no blank ends"
            yield Problem(place, "reserved-name", message, expected)


def duplicate_model(facts: Facts) -> Iterator[Problem]:
    """LiteLLM would take a second mention for a second deployment of equal share."""
    for provider in facts.registry.providers.values():
        for model in provider.repeated:
            message = f"providers.{provider.name}.models lists '{model.name}' a second time"
            yield Problem(model.place, "duplicate-model", message, "each model once")


def duplicate_route(facts: Facts) -> Iterator[Problem]:
    """One public name has one rule."""
    registry = facts.registry
    for redundant in [*registry.redundant.values(), *registry.repeated]:
        name = redundant.name
        first = registry.exact.get(name) or registry.redundant.get(name)
        if first is not None and first is not redundant:
            where = f"{first.place.file}:{first.place.line}"
            message = f"redundant_models.{name}: '{name}' has a rule already ({where})"
            yield Problem(redundant.place, "duplicate-route", message, "one of the two rules")
    for capability in registry.capabilities.values():
        name = capability.name
        place = taken(registry, name)
        if place is not None:
            where = f"{place.file}:{place.line}"
            message = f"capabilities.{name}: '{name}' is a public name already ({where})"
            yield Problem(capability.place, "duplicate-route", message, "another name for the task")


def taken(registry: Registry, name: str) -> Place | None:
    """Where a rule, or a model that is served, has this name."""
    rule = registry.exact.get(name) or registry.redundant.get(name)
    if rule is not None:
        return rule.place
    served = (one for one in registry.providers.values() if one.served and name in one.models)
    provider = next(served, None)
    return provider.models[name].place if provider is not None else None


def unknown_provider(facts: Facts) -> Iterator[Problem]:
    """Every provider that is named must be declared."""
    names = facts.registry.provider_names
    for path, reference in facts.provider_references():
        if reference.name not in names:
            message = f"{path} names '{reference.name}'; no such provider"
            yield facts.unknown(reference, "unknown-provider", message, list(names))


def unknown_model(facts: Facts) -> Iterator[Problem]:
    """A backend model must be one that its provider lists, if it lists any."""
    registry = facts.registry
    for match in registry.exact.values():
        yield from _unlisted(
            facts, match.provider, match.backend_model, f"exact_matches.{match.name}"
        )
    for redundant in registry.redundant.values():
        for member in redundant.members:
            path = f"redundant_models.{redundant.name}"
            yield from _unlisted(facts, member.provider, member.model, path)
    for pattern in registry.patterns:
        path = path_of(pattern.text)
        yield from _unlisted(facts, pattern.provider, pattern.backend_model, path)
    for provider in registry.providers.values():
        default = provider.spec.get("default_model")
        if default and default not in provider.models:
            reference = Reference(str(default), provider.at("default_model"))
            path = f"providers.{provider.name}.default_model"
            yield _unknown_model(facts, provider, reference, path)


def _unlisted(
    facts: Facts, owner: Reference, model: Reference | None, path: str
) -> Iterator[Problem]:
    provider = facts.registry.providers.get(owner.name)
    if model and provider and provider.models and model.name not in provider.models:
        yield _unknown_model(facts, provider, model, path)


def _unknown_model(facts: Facts, provider: Provider, model: Reference, path: str) -> Problem:
    message = (
        f"{path} names the model '{model.name}', which provider '{provider.name}' does not list"
    )
    return facts.unknown(model, "unknown-model", message, list(provider.models))


def unknown_fallback(facts: Facts) -> Iterator[Problem]:
    """A fallback is a provider or a public name; LiteLLM would ignore any other."""
    registry = facts.registry
    for path, references in facts.named_fallbacks():
        for reference in references:
            if not kind_of(registry, reference.name):
                message = f"{path} names '{reference.name}'; no such provider or public name"
                known = [*registry.provider_names, *registry.public_names]
                yield facts.unknown(reference, "unknown-fallback", message, known)


def ambiguous_name(facts: Facts) -> Iterator[Problem]:
    """A fallback that is both a provider and a public name could mean either."""
    for path, references in facts.named_fallbacks():
        for reference in references:
            if kind_of(facts.registry, reference.name) == "both":
                message = f"{path} names '{reference.name}', a provider and a public name"
                yield Problem(
                    reference.place, "ambiguous-name", message, "different names for the two"
                )


def ambiguous_model(facts: Facts) -> Iterator[Problem]:
    """Where a provider serves several models, it must be clear which one is meant."""
    registry = facts.registry
    for match in registry.exact.values():
        provider = registry.providers.get(match.provider.name)
        if provider and not match.backend_model and not backend_model(provider, match.name):
            path = f"exact_matches.{match.name}"
            yield _ambiguous(match.provider, provider.models, path, "backend_model")
    for redundant in registry.redundant.values():
        for member in redundant.members:
            provider = registry.providers.get(member.provider.name)
            if provider and not member.model and not backend_model(provider, redundant.name):
                path = f"redundant_models.{redundant.name}"
                yield _ambiguous(member.provider, provider.models, path, "model")
    for use in facts.table.patterns:
        pattern = use.pattern
        provider = registry.providers.get(pattern.provider.name)
        explicit = pattern.backend_model
        if provider and not explicit and any(not backend_model(provider, one) for one in use.fits):
            yield _ambiguous(
                pattern.provider, provider.models, path_of(pattern.text), "backend_model"
            )
    yield from _ambiguous_fallbacks(facts)


def _ambiguous_fallbacks(facts: Facts) -> Iterator[Problem]:
    for path, entry in facts.rules_with_fallbacks():
        found = (facts.table.routes.get(name) for name in facts.routes_of(entry))
        route = next(filter(None, found), None)
        for reference in entry.fallbacks:
            provider = facts.registry.providers.get(reference.name)
            if route is None or provider is None:
                continue
            if kind_of(facts.registry, reference.name) != "provider":
                continue
            if not stand_in(provider, route):
                yield _ambiguous(reference, provider.models, f"{path}.fallback", "default_model")


def _ambiguous(reference: Reference, models: dict[str, Model], path: str, key: str) -> Problem:
    name = reference.name
    if not models:
        message = f"{path}: provider '{name}' lists no models, so none can stand in"
        return Problem(reference.place, "ambiguous-model", message, f"models for '{name}'")
    message = f"{path}: which model of provider '{name}' is meant cannot be told"
    where = f"a default_model for '{name}'" if key == "default_model" else f"a {key}"
    expected = f"{where}, one of {listing(list(models))}"
    return Problem(reference.place, "ambiguous-model", message, expected)
