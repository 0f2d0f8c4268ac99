# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Providers: where they listen, how they are given a key, what they can be asked."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.addresses import endpoint_in
from ...registry.credentials import VARIABLE, bearer_variable, signing_parameter
from ...registry.model import Provider
from ...registry.problems import WARNING, Problem, nearest
from ...registry.yaml_tree import Mapping as Node
from ..backends import health_endpoint
from ..resolve import provider_hosts
from ..shared_state import MASTER_KEY
from .facts import Facts, listing


def missing_base_url(facts: Facts) -> Iterator[Problem]:
    """Without a base LiteLLM would go to OpenAI, or start an Ollama of its own."""
    for provider in facts.live():
        if provider.type.needs_base and not provider.base_url and not provider.deployed:
            message = f"providers.{provider.name}: nothing says where it listens"
            expected = "base_url (someone else runs it) or deploy (we run it)"
            yield Problem(provider.place, "missing-base-url", message, expected)


def bad_base_url(facts: Facts) -> Iterator[Problem]:
    """A base, not an endpoint: LiteLLM adds the endpoint's path itself."""
    for provider in facts.registry.providers.values():
        base = provider.base_url
        ending = endpoint_in(base)
        extra = next((sign for sign in "?#" if sign in base), "")
        if extra:
            message = f"providers.{provider.name}.base_url has a part behind '{extra}'"
            place = provider.at("base_url")
            yield Problem(place, "bad-base-url", message, base.split(extra)[0])
        elif ending:
            message = f"providers.{provider.name}.base_url ends in {ending}, which is an endpoint"
            expected = provider.base_url.rstrip("/").removesuffix(ending)
            yield Problem(provider.at("base_url"), "bad-base-url", message, expected)


def api_format(facts: Facts) -> Iterator[Problem]:
    """What a provider is said to speak must be what its type is spoken to in."""
    for provider in facts.registry.providers.values():
        spoken = provider.spec.get("api_format")
        formats = provider.type.api_formats
        if spoken and spoken not in formats:
            kind = provider.spec.get("type")
            message = (
                f"providers.{provider.name}.api_format is '{spoken}', which type '{kind}' is not"
            )
            near = nearest(str(spoken), formats)
            yield Problem(
                provider.at("api_format"), "wrong-api-format", message, listing(list(formats)), near
            )


def missing_key_variable(facts: Facts) -> Iterator[Problem]:
    """A key that is asked for must have a variable that holds it."""
    for provider in facts.live():
        spec, sent = provider.spec, provider.credentials
        method = provider.auth_method
        path = f"providers.{provider.name}"
        if method == "header" and not _in_headers(provider):
            message = f"{path}.custom_config: the key goes into a header, but no header has one"
            place = provider.at("custom_config", "auth_method")
            expected = f'headers with the variable, such as X-API-Key: "${{{sent.key or "KEY"}}}"'
            yield Problem(place, "missing-key-variable", message, expected)
        elif sent.key or sent.parameters:
            continue
        elif method == "bearer_token":
            message = (
                f"{path}.custom_config: bearer_token, but nothing says which variable holds it"
            )
            place = provider.at("custom_config", "auth_method")
            expected = 'env_var, or the header Authorization: "Bearer ${VARIABLE}"'
            yield Problem(place, "missing-key-variable", message, expected)
        elif spec.get("requires_api_key") is True and not sent.variables:
            message = f"{path} requires a key, but nothing says which variable holds it"
            yield Problem(
                provider.at("requires_api_key"), "missing-key-variable", message, "env_var: A_NAME"
            )


def _in_headers(provider: Provider) -> set[str]:
    return {name for value in provider.headers.values() for name in VARIABLE.findall(value)}


def gateways_own_key(facts: Facts) -> Iterator[Problem]:
    """The key that opens the gateway must not go to a provider."""
    for provider in facts.registry.providers.values():
        if MASTER_KEY in {provider.spec.get("env_var"), *provider.credentials.variables}:
            message = f"providers.{provider.name} would be sent the gateway's own key, {MASTER_KEY}"
            place = provider.place_of_variable(MASTER_KEY)
            yield Problem(place, "reserved-variable", message, "a variable of the provider's own")


def key_beside_header(facts: Facts) -> Iterator[Problem]:
    """With auth_method `header` the key is in a header, and no other one is sent as well."""
    for provider in facts.live():
        key, headers = provider.credentials.key, _in_headers(provider)
        if provider.auth_method == "header" and headers and key and key not in headers:
            path = f"providers.{provider.name}"
            message = f"{path}: auth_method is header, but {key} is in no header and would be sent"
            expected = f"${{{key}}} in a header, or no {key}"
            yield Problem(provider.place_of_variable(key), "key-conflict", message, expected)


def key_conflict(facts: Facts) -> Iterator[Problem]:
    """Two ways to give one key: LiteLLM would take one of them and not say which."""
    for provider in facts.registry.providers.values():
        variable = str(provider.spec.get("env_var") or "")
        bearer = bearer_variable(provider.headers)
        path = f"providers.{provider.name}"
        if variable and bearer and variable != bearer:
            message = f"{path}.env_var is {variable}, but its Authorization header sends {bearer}"
            yield Problem(provider.at("env_var"), "key-conflict", message, "one of the two")
        for header in provider.credentials.headers:
            if header.lower() != "authorization":
                continue
            place = provider.at("custom_config", "headers", header)
            if provider.credentials.key:
                message = f"{path}: its Authorization header and its key would both be sent"
                expected = f"only one of the header and {provider.credentials.key}"
                yield Problem(place, "key-conflict", message, expected)
            elif provider.type.own_header is None:
                kind = provider.type.name
                message = f"{path}: for type '{kind}' LiteLLM puts a key into Authorization"
                yield Problem(place, "key-conflict", message, "env_var, or another header")
        refused = provider.auth_method == "none" or provider.spec.get("requires_api_key") is False
        if refused and (variable or bearer):
            message = f"{path} says that it takes no key, and names one ({variable or bearer})"
            place = provider.at("env_var") if variable else provider.at("custom_config", "headers")
            yield Problem(place, "key-conflict", message, "no key, or a provider that takes one")


def variable_without_use(facts: Facts) -> Iterator[Problem]:
    """Each of `env_vars` must be for something."""
    for provider in facts.registry.providers.values():
        for index, name in enumerate(provider.spec.get("env_vars") or ()):
            row = provider.type
            if signing_parameter(row, name) or name in provider.credentials.variables:
                continue
            message = f"providers.{provider.name}.env_vars: nothing would read {name}"
            expected = listing(list(row.parameters.values())) if row.parameters else "env_var"
            place = provider.spec["env_vars"].item_place(index)
            yield Problem(place, "variable-without-use", message, expected)


def unsupported_mode(facts: Facts) -> Iterator[Problem]:
    """Not every type can be asked for embeddings or plain completions."""
    for provider in facts.registry.providers.values():
        for model in provider.models.values():
            if model.mode not in provider.type.prefixes:
                path = f"providers.{provider.name}.models.{model.name}"
                message = f"{path}: type '{provider.spec['type']}' has no mode '{model.mode}'"
                spec = model.spec
                place = spec.value_place("mode") if isinstance(spec, Node) else model.place
                expected = listing(list(provider.type.prefixes))
                yield Problem(place, "unsupported-mode", message, expected)


def missing_api_version(facts: Facts) -> Iterator[Problem]:
    """Azure's API has none by default."""
    for provider in facts.live():
        if provider.type.name == "azure" and not provider.spec.get("api_version"):
            message = f"providers.{provider.name}: Azure needs its api_version"
            yield Problem(provider.place, "missing-api-version", message, 'such as "2024-10-21"')


def health_without_effect(facts: Facts) -> Iterator[Problem]:
    """Where LiteLLM alone knows the address, or no path is usual, there is nothing to ask."""
    registry = facts.registry
    for provider in facts.live():
        place = registry.health_places.get(provider.name)
        if place is None and "health_endpoint" in provider.spec:
            place = provider.at("health_endpoint")
        host = provider_hosts(provider, facts.inventory)[0]
        if place and not health_endpoint(registry, provider, host, facts.inventory):
            if provider.type.needs_base and not provider.base_url:
                continue  # said as missing-base-url
            message = f"providers.{provider.name}: its health is not asked, nothing says where"
            expected = "a whole address as the endpoint, http://... or https://..."
            yield Problem(place, "health-without-effect", message, expected, severity=WARNING)


def unused_provider(facts: Facts) -> Iterator[Problem]:
    """An active provider that no name leads to is probably a mistake."""
    for provider in facts.live():
        if not facts.table.routed.get(provider.name):
            message = f"no name leads to providers.{provider.name}"
            expected = "models, or an exact_matches entry that names it"
            yield Problem(provider.place, "unused-provider", message, expected, severity=WARNING)


def unused_model(facts: Facts) -> Iterator[Problem]:
    """A rule for a model's name takes it over; a model that the rule forgets is lost."""
    served = facts.served_models()
    for provider in facts.live():
        if not facts.table.routed.get(provider.name):
            continue  # said of the whole provider
        for model in provider.models.values():
            if (provider.name, model.name) not in served:
                message = (
                    f"no name leads to the model '{model.name}' of providers.{provider.name}: the"
                    f" rule for that name leads elsewhere"
                )
                expected = f"'{provider.name}' in that rule, or a name of its own in exact_matches"
                yield Problem(model.place, "unused-model", message, expected, severity=WARNING)
