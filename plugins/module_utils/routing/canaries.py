# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries: which names a provider on trial gets a part of, and what a judge has to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..registry.model import Provider, Registry
from .resolve import backend_model

# Of all its counters only what a judge needs: see gateway/metrics.py.
ANSWERS = ("litellm_deployment_success_responses", "litellm_llm_api_latency_metric")
FAILURES, STATUS = "litellm_deployment_failure_responses", "exception_status"
SHARE = "canary"  # the key of an entry's model_info, which roles/gateway's program/shares.py reads


def canary_models(registry: Registry, provider: Provider) -> Iterator[tuple[str, list[str]]]:
    """(name, its models for it) of each public name that may lead to this provider.

    A rule that names the provider says which model; a name without a rule, or with an exact match
    that names another, is served by its model of that name.
    """
    named: set[str] = set()
    for match in registry.exact.values():
        if match.provider.name == provider.name:
            named.add(match.name)
            explicit = match.backend_model.name if match.backend_model else ""
            yield match.name, _found(provider, match.name, explicit)
    for redundant in registry.redundant.values():
        mine = [one for one in redundant.members if one.provider.name == provider.name]
        named.add(redundant.name)
        explicits = [one.model.name if one.model else "" for one in mine]
        yield redundant.name, [m for e in explicits for m in _found(provider, redundant.name, e)]
    for model in provider.models:
        if model not in named:
            yield model, [model]


def canary_settings() -> dict[str, Any]:
    """What LiteLLM needs for a share: the one who deals it, and counters to judge it by."""
    of = ["model_group", "model_id"]
    return {
        "callbacks": ["prometheus", "program.shares.shares"],
        "prometheus_metrics_config": [
            {"group": "answers", "metrics": [*ANSWERS], "include_labels": of},
            {"group": "failures", "metrics": [FAILURES], "include_labels": [*of, STATUS]},
        ],
    }


def _found(provider: Provider, name: str, explicit: str) -> list[str]:
    model = backend_model(provider, name, explicit)
    return [model] if model else []


def canaries(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a judge compares, JSON-ready: each canary with its share, and for each name that it has
    a share of the ids of its deployments and of the others. In the order of the configuration."""
    routes: dict[str, list[tuple[str, float]]] = {}
    for entry in config["model_list"]:
        info = entry["model_info"]
        routes.setdefault(entry["model_name"], []).append((info["id"], info.get(SHARE, 0.0)))
    found: dict[str, dict[str, Any]] = {}
    for name, members in routes.items():
        peers = [id_ for id_, share in members if not share]
        for id_, share in members:
            if not share:
                continue
            provider = id_[1:].split("/", 1)[0].split("@", 1)[0]
            told = found.setdefault(provider, {"provider": provider, "share": 0.0, "routes": {}})
            route = told["routes"].setdefault(name, {"canary": [], "peers": peers, "share": 0.0})
            route["canary"].append(id_)
            route["share"] = round(route["share"] + share, 9)
            told["share"] = max(told["share"], route["share"])
    return list(found.values())
