# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof asks of a gateway, told by the lowered configuration and not by intentions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..registry.addresses import origin
from ..registry.model import Provider, Registry
from ..registry.slots import parked
from .backends import base_url, health_endpoint, is_vendors, unit
from .canaries import canaries
from .probe_names import asked_names, is_open
from .resolve import Inventory, provider_hosts

TIMEOUT_SECONDS = 10
RETRIES = 1  # asked again where nothing says how often
FULL, HEALTH, NONE = "full", "health", "none"
# Where a request goes within its name; the same deployment answers or fails, whatever they say.
_NOT_ITS_OWN = frozenset({"weight", "order", "num_retries", "tags", "tag_regex"})


def probes(registry: Registry, inventory: Inventory, config: Mapping[str, Any]) -> dict[str, Any]:
    """The questions, JSON-ready.

    `models`: names that /v1/models must list. `wildcards` are never listed; names that LiteLLM has
    heard of may be, in place of them. `health`: one endpoint a provider and host. `completions`:
    one small request a name; for a wildcard, a name that it stands for, if one is known.
    `fallbacks`: names whose first hop can be forced, with all `targets` that are asked then,
    in order (`target_ids` and `target_names` by kind). `deployments`: {id, name, mode, configured}
    of every entry, `configured` being a hash that is the same as long as its configuration is; with
    `by_name` where it can only be asked by a name. `providers`: what each may be asked, see
    `_provider`.
    """
    modes: dict[str, str] = {}
    for entry in config["model_list"]:
        modes.setdefault(entry["model_name"], entry["model_info"]["mode"])
    rendered = [one for one in registry.providers.values() if one.rendered]
    asked = asked_names(registry, config)
    return {
        "models": [name for name in modes if "*" not in name],
        "wildcards": [name for name in modes if "*" in name],
        "health": _health(registry, inventory),
        "completions": [
            {"route": name, "model": asked.get(name, name), "mode": mode}
            for name, mode in modes.items()
            if asked.get(name, name)
        ],
        "fallbacks": _fallbacks(config, modes, asked),
        "canaries": canaries(config),
        "deployments": [_deployment(entry, asked) for entry in config["model_list"]],
        "providers": {one.name: _provider(one, registry, inventory) for one in rendered},
    }


def _fallbacks(
    config: Mapping[str, Any], modes: Mapping[str, str], asked: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Of shares the first hop cannot be forced: LiteLLM then goes on behind the whole group."""
    ways: dict[str, list[str]] = {name: [] for name in modes}
    for entry in config["model_list"]:
        if entry["litellm_params"].get("order", 1) > 1 and not is_open(entry):
            ways[entry["model_name"]].append(entry["model_info"]["id"])
    for chain in config["router_settings"].get("fallbacks", ()):
        for name, targets in chain.items():
            ways[name] += targets
    return [
        {
            "route": name,
            "model": asked.get(name, name),
            "mode": modes[name],
            "targets": targets,
            "target_ids": [target for target in targets if target not in modes],
            "target_names": [target for target in targets if target in modes],
        }
        for name, targets in ways.items()
        if targets and asked.get(name, name)
    ]


def _deployment(entry: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    own = {k: v for k, v in entry["litellm_params"].items() if k not in _NOT_ITS_OWN}
    digest = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]
    info, name = entry["model_info"], entry["model_name"]
    found = {"id": info["id"], "name": asked.get(name) or name, "mode": info["mode"]}
    by_name = {"by_name": True} if is_open(entry) else {}
    return {**found, "configured": digest, **by_name}


def _provider(provider: Provider, registry: Registry, inventory: Inventory) -> dict[str, Any]:
    """How much a provider is asked: `probe` when something changes, `watch` by the schedule.

    A vendor's own API costs money: the schedule asks it for completions only where the registry
    says so in words. `interval_seconds` is 0 where nothing says how often. `variables` are those
    that its requests need. `unit` is there where we run it, `performance` where bounds are.
    """
    check: Mapping[str, Any] = registry.health.get(provider.name) or {}
    said = str(provider.spec.get("probe") or "")
    bounds = provider.performance
    cloud = is_vendors(
        provider, base_url(provider, provider_hosts(provider, inventory)[0], inventory)
    )
    return {
        "probe": said or FULL,
        "watch": said or (HEALTH if cloud else FULL),
        "cloud": cloud,
        "interval_seconds": check.get("interval_seconds", 0),
        "variables": sorted(provider.credentials.variables),
        **({"unit": unit(provider)} if provider.deployed else {}),
        **({"performance": bounds} if bounds else {}),
    }


def _health(registry: Registry, inventory: Inventory) -> list[dict[str, Any]]:
    found, waiting = [], parked(registry)
    for provider in registry.providers.values():
        if not provider.rendered or provider.name in waiting or provider.spec.get("probe") == NONE:
            continue
        check: Mapping[str, Any] = registry.health.get(provider.name) or {}
        for host in provider_hosts(provider, inventory):
            url = health_endpoint(registry, provider, host, inventory)
            if not url or host in inventory.left_out:
                continue
            # A key goes to the provider's own address and nowhere else.
            own = origin(url) == origin(base_url(provider, host, inventory))
            found.append(
                {
                    "provider": provider.name,
                    "host": host,
                    "url": url,
                    "interval_seconds": check.get("interval_seconds", 0),
                    "timeout_seconds": check.get("timeout_seconds", TIMEOUT_SECONDS),
                    "attempts": 1 + int(check.get("retry_attempts", RETRIES)),
                    "key_variable": (provider.credentials.key if own else "") or None,
                }
            )
    return found
