# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lowering: the LiteLLM configuration that really does what the RouteTable says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import yaml
except ImportError:  # reported by load, which every run goes through first
    yaml = None  # type: ignore[assignment]

from .addresses import api_base
from .backends import base_url
from .credentials import NO_KEY, environ
from .model import Provider, Registry
from .provider_types import CHAT
from .resolve import Inventory
from .routes import PROVIDER, Deployment, Route, RouteTable, Target, rule

RETRIES = 2  # of a request that has nowhere else to go

Entry = dict[str, Any]


@dataclass(slots=True)
class Lowered:
    """The configuration, and which rule each of its entries comes from.

    `rules`: "id@model_name" of an entry of model_list -> "file:line". They stand beside the
    configuration, not in it: a line that moves must not change what is rendered.
    """

    config: dict[str, Any]
    rules: dict[str, str] = field(default_factory=dict)


def lower(registry: Registry, table: RouteTable, inventory: Inventory) -> Lowered:
    """What LiteLLM is given. The table must be free of errors."""
    entries: list[Entry] = []
    rules: dict[str, str] = {}
    params = _Params(registry, inventory)
    for route in table.routes.values():
        for target in route.targets:
            entries.append(_entry(route, target, params))
            rules[f"{target.id}@{route.name}"] = rule(target.place)
    for route, deployment, place_rule in _unrouted(table):
        entries.append(_hidden_entry(deployment, params))
        rules[f"{deployment.id}@{deployment.id}"] = place_rule
    config = {
        "model_list": entries,
        "router_settings": _router_settings(table),
        "general_settings": {"master_key": environ("LITELLM_MASTER_KEY")},
    }
    return Lowered(config, rules)


def _unrouted(table: RouteTable) -> list[tuple[Route, Deployment, str]]:
    """Deployments that only a fallback leads to: they need an entry of their own."""
    present = {target.id for route in table.routes.values() for target in route.targets}
    found = []
    for route in table.routes.values():
        for fallback in route.fallbacks:
            for deployment in fallback.deployments:
                if deployment.id not in present:
                    present.add(deployment.id)
                    found.append((route, deployment, rule(fallback.place)))
    return found


class _Params:
    """litellm_params of deployments; what belongs to the provider is worked out once."""

    def __init__(self, registry: Registry, inventory: Inventory) -> None:
        self.registry = registry
        self.inventory = inventory
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def of(self, deployment: Deployment) -> dict[str, Any]:
        provider = self.registry.providers[deployment.provider]
        prefix = provider.type.prefixes.get(deployment.mode) or provider.type.prefixes[CHAT]
        params = {"model": prefix + deployment.model}
        key = (deployment.provider, deployment.host)
        shared = self.known.get(key)
        if shared is None:
            shared = self.known[key] = self._shared(provider, deployment.host)
        params.update(shared)
        if deployment.rpm is not None:
            params["rpm"] = deployment.rpm
        if deployment.tpm is not None:
            params["tpm"] = deployment.tpm
        return params

    def _shared(self, provider: Provider, host: str) -> dict[str, Any]:
        spec, sent = provider.spec, provider.credentials
        params: dict[str, Any] = {}
        base = base_url(provider, host, self.inventory)
        if base:
            params["api_base"] = api_base(base, provider.type.base)
        if sent.key:
            params["api_key"] = environ(sent.key)
        elif sent.parameters:
            params.update({name: environ(variable) for name, variable in sent.parameters.items()})
        else:
            params["api_key"] = NO_KEY
        if spec.get("api_version"):
            params["api_version"] = str(spec["api_version"])
        if sent.headers:
            params["extra_headers"] = dict(sent.headers)
        for key, parameter in _PASSED_ON.items():
            if spec.get(key) is not None:
                params[parameter] = spec[key]
        return params


_PASSED_ON = {
    "timeout_seconds": "timeout",
    "stream_timeout_seconds": "stream_timeout",
    "max_parallel_requests": "max_parallel_requests",
}


def _entry(route: Route, target: Target, params: _Params) -> Entry:
    found = params.of(target.deployment)
    if target.share is not None:
        found["weight"] = target.share
    elif route.targets[-1].rank > 0:
        found["order"] = target.rank + 1
    if len(route.targets) == 1 and not route.fallbacks:
        found["num_retries"] = RETRIES
    return _listed(route.name, found, target.id, target.deployment)


def _hidden_entry(deployment: Deployment, params: _Params) -> Entry:
    return _listed(deployment.id, params.of(deployment), deployment.id, deployment)


def _listed(name: str, params: Mapping[str, Any], id_: str, deployment: Deployment) -> Entry:
    info = {"id": id_, "mode": deployment.mode}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def _router_settings(table: RouteTable) -> dict[str, Any]:
    settings: dict[str, Any] = {"routing_strategy": "simple-shuffle", "num_retries": 0}
    if any(route.shared for route in table.routes.values()):
        settings["enable_weighted_failover"] = True
    if any(deployment.limited for deployment in table.deployments.values()):
        settings["enable_pre_call_checks"] = True
    fallbacks = [{route.name: _fallbacks(route)} for route in table.routes.values() if route.fallbacks]
    if fallbacks:
        settings["fallbacks"] = fallbacks
    return settings


def _fallbacks(route: Route) -> list[str]:
    names: dict[str, None] = {}
    for fallback in route.fallbacks:
        if fallback.kind == PROVIDER:
            names.update((deployment.id, None) for deployment in fallback.deployments)
        else:
            names[fallback.name] = None
    return list(names)


def render(config: Mapping[str, Any]) -> str:
    """The configuration as YAML: the same configuration gives the same text, byte for byte."""
    dumper = _plain_dumper()
    text = yaml.dump(
        config, Dumper=dumper, sort_keys=False, allow_unicode=True, width=4096, default_flow_style=False
    )
    return str(text)


def _plain_dumper() -> Any:
    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    # Without anchors: entries share values, and a reader wants to see them.
    return type("PlainDumper", (base,), {"ignore_aliases": lambda self, data: True})
