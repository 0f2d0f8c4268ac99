# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What LiteLLM is told of one deployment: its litellm_params."""

from __future__ import annotations

from typing import Any

from ..registry.addresses import api_base
from ..registry.credentials import NO_KEY, environ
from ..registry.model import Provider, Registry
from ..registry.provider_types import CHAT
from .backends import base_url
from .resolve import Inventory
from .route_table import Deployment


class Params:
    """litellm_params of deployments; what belongs to the provider is worked out once."""

    def __init__(self, registry: Registry, inventory: Inventory) -> None:
        self.registry = registry
        self.inventory = inventory
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def of(self, deployment: Deployment) -> dict[str, Any]:
        provider = self.registry.providers[deployment.provider]
        params: dict[str, Any] = {"model": _prefix(provider, deployment.mode) + deployment.model}
        key = (deployment.provider, deployment.host)
        shared = self.known.get(key)
        if shared is None:
            shared = self.known[key] = self._shared(provider, deployment.host)
        params.update(shared)
        if deployment.rpm is not None:
            params["rpm"] = deployment.rpm
        if deployment.tpm is not None:
            params["tpm"] = deployment.tpm
        if deployment.budget is not None:
            params["max_budget"] = deployment.budget
            params["budget_duration"] = deployment.budget_duration
        params.update(self._price(deployment))
        return params

    def _price(self, deployment: Deployment) -> dict[str, float]:
        model = self.registry.providers[deployment.provider].models.get(deployment.model)
        prices = model.prices if model else ()
        return dict(zip(("input_cost_per_token", "output_cost_per_token"), prices, strict=False))

    def _shared(self, provider: Provider, host: str) -> dict[str, Any]:
        spec, sent = provider.spec, provider.credentials
        params: dict[str, Any] = {}
        base = base_url(provider, host, self.inventory)
        if base:
            params["api_base"] = api_base(base, provider.type.base)
        if sent.key or not sent.parameters:
            params["api_key"] = environ(sent.key) if sent.key else NO_KEY
        params.update({name: environ(variable) for name, variable in sent.parameters.items()})
        if spec.get("api_version"):
            params["api_version"] = str(spec["api_version"])
        if sent.headers:
            params["extra_headers"] = dict(sent.headers)
        for key, parameter in _PASSED_ON.items():
            if spec.get(key) is not None:
                params[parameter] = spec[key]
        return params


def _prefix(provider: Provider, mode: str) -> str:
    row = provider.type
    if row.own_header and any(
        name.lower() == "authorization" for name in provider.credentials.headers
    ):
        return row.own_header
    return row.prefixes.get(mode) or row.prefixes[CHAT]


_PASSED_ON = {
    "timeout_seconds": "timeout",
    "stream_timeout_seconds": "stream_timeout",
    "max_parallel_requests": "max_parallel_requests",
}
