# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof asks of a gateway, told by the lowered configuration and not by intentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..registry.addresses import origin
from ..registry.model import Registry
from .backends import base_url, health_endpoint
from .resolve import Inventory, provider_hosts

TIMEOUT_SECONDS = 10
RETRIES = 1  # asked again where nothing says how often


def probes(registry: Registry, inventory: Inventory, config: Mapping[str, Any]) -> dict[str, Any]:
    """The questions, JSON-ready.

    `models`: names that /v1/models must list. `health`: one endpoint a provider and host.
    `completions`: one small request a name. `fallbacks`: names whose first hop can be forced, with
    all `targets` that are asked then, in order (`target_ids` and `target_names` by kind).
    """
    modes: dict[str, str] = {}
    for entry in config["model_list"]:
        modes.setdefault(entry["model_name"], entry["model_info"]["mode"])
    return {
        "models": list(modes),
        "health": _health(registry, inventory),
        "completions": [
            {"route": name, "model": name, "mode": mode} for name, mode in modes.items()
        ],
        "fallbacks": _fallbacks(config, modes),
    }


def _fallbacks(config: Mapping[str, Any], modes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Of shares the first hop cannot be forced: LiteLLM then goes on behind the whole group."""
    ways: dict[str, list[str]] = {name: [] for name in modes}
    for entry in config["model_list"]:
        if entry["litellm_params"].get("order", 1) > 1:
            ways[entry["model_name"]].append(entry["model_info"]["id"])
    for chain in config["router_settings"].get("fallbacks", ()):
        for name, targets in chain.items():
            ways[name] += targets
    return [
        {
            "route": name,
            "model": name,
            "mode": modes[name],
            "targets": targets,
            "target_ids": [target for target in targets if target not in modes],
            "target_names": [target for target in targets if target in modes],
        }
        for name, targets in ways.items()
        if targets
    ]


def _health(registry: Registry, inventory: Inventory) -> list[dict[str, Any]]:
    found = []
    for provider in registry.providers.values():
        if not provider.rendered:
            continue
        check: Mapping[str, Any] = registry.health.get(provider.name) or {}
        for host in provider_hosts(provider, inventory):
            url = health_endpoint(registry, provider, host, inventory)
            if not url:
                continue
            # A key goes to the provider's own address and nowhere else.
            own = origin(url) == origin(base_url(provider, host, inventory))
            found.append(
                {
                    "provider": provider.name,
                    "host": host,
                    "url": url,
                    "timeout_seconds": check.get("timeout_seconds", TIMEOUT_SECONDS),
                    "attempts": 1 + int(check.get("retry_attempts", RETRIES)),
                    "key_variable": (provider.credentials.key if own else "") or None,
                }
            )
    return found
