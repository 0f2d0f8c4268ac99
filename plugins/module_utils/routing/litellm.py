# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lowering: the LiteLLM configuration that really does what the RouteTable says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..registry.credentials import environ
from ..registry.model import Registry
from .canaries import SHARE, canary_settings
from .litellm_params import Params
from .resolve import Inventory
from .route_table import Deployment, Route, RouteTable, Target, rule

RETRIES = 2  # of a request that has nowhere else to go
STEP = 1e-9  # one rank's weight against that of the rank before
MAX_STEPS = 30  # beyond, floats end
LITELLM_MAX_FALLBACKS = 5  # its default

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
    params = Params(registry, inventory)
    for route in table.routes.values():
        for target in route.targets:
            entries.append(_entry(route, target, params))
            rules[f"{target.id}@{route.name}"] = rule(target.place)
    for deployment, where in _unrouted(table):
        entries.append(_hidden_entry(deployment, params))
        rules[f"{deployment.id}@{deployment.id}"] = where
    config: dict[str, Any] = {
        "model_list": entries,
        "router_settings": _router_settings(table),
        "general_settings": {"master_key": environ("LITELLM_MASTER_KEY")},
    }
    if any(route.canaries for route in table.routes.values()):
        config["litellm_settings"] = canary_settings()
    return Lowered(config, rules)


def _unrouted(table: RouteTable) -> list[tuple[Deployment, str]]:
    """Deployments that only a fallback leads to: they need an entry of their own."""
    present = {target.id for route in table.routes.values() for target in route.targets}
    found = []
    for route in table.routes.values():
        for fallback in route.fallbacks:
            for deployment in fallback.deployments:
                if deployment.called not in present:
                    present.add(deployment.called)
                    found.append((deployment, rule(fallback.place)))
    return found


def _entry(route: Route, target: Target, params: Params) -> Entry:
    found = params.of(target.deployment)
    if route.canaries:
        found["weight"] = _beside_canaries(target)
    elif target.share is not None:
        found["weight"] = target.share
    elif _stepped(route):
        found["weight"] = STEP**target.rank
    elif route.targets[-1].rank > 0:
        found["order"] = target.rank + 1
    if not target.traffic and len(route.peers) == 1 and not route.chain:
        found["num_retries"] = RETRIES
    entry = _listed(route.name, found, target.id, target.deployment)
    if target.traffic:
        entry["model_info"][SHARE] = target.traffic
    return entry


def _beside_canaries(target: Target) -> float:
    """The weight of a target of a name with canaries: its own, and none for a canary.

    A canary's share is none of LiteLLM's weights: with these, whoever is left takes over what the
    others had, and a dead first provider would send all of it to the canary. Asked by weight it
    is the last one.
    """
    if target.traffic:
        return 0
    if target.share is None:
        return STEP ** min(target.rank, MAX_STEPS)
    return target.share or STEP


def _stepped(route: Route) -> bool:
    """Whether ranks are lowered to weights: where several hosts share one of the ranks.

    With `order`, a failure on one host of a rank jumps to the next rank and never to the other
    host. With weights each a billion times the next, the failover takes them in the same order
    and tries every one.
    """
    last = route.targets[-1].rank
    return 0 < last <= MAX_STEPS and last + 1 < len(route.targets)


def _hidden_entry(deployment: Deployment, params: Params) -> Entry:
    return _listed(deployment.id, params.of(deployment), deployment.id, deployment)


def _listed(name: str, params: Mapping[str, Any], id_: str, deployment: Deployment) -> Entry:
    info = {"id": id_, "mode": deployment.mode}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def _router_settings(table: RouteTable) -> dict[str, Any]:
    routes = table.routes.values()
    settings: dict[str, Any] = {"routing_strategy": "simple-shuffle", "num_retries": 0}
    if any(len(route.targets) > 1 for route in routes):
        settings["enable_weighted_failover"] = True
    if table.limited:
        # Unlike enable_pre_call_checks it counts tokens too, and what is called by its id.
        settings["optional_pre_call_checks"] = ["enforce_model_rate_limits"]
    chains = {route.name: route.chain for route in routes}
    hops = _longest(table, chains)
    if hops > LITELLM_MAX_FALLBACKS:
        settings["max_fallbacks"] = hops
    fallbacks = [{name: chain} for name, chain in chains.items() if chain]
    fallbacks += [{name: []} for name in _inheriting(chains)]
    if fallbacks:
        settings["fallbacks"] = fallbacks
    return settings


def _longest(table: RouteTable, chains: Mapping[str, list[str]]) -> int:
    """The most hops that one request may take: LiteLLM stops after `max_fallbacks`.

    It asks nobody twice for one request, so there are never more than there are deployments.
    """
    most = len(table.deployments) + len(chains)
    known: dict[str, int] = {}
    stack = [*chains][::-1]
    opened: set[str] = set()
    while stack:
        name = stack[-1]
        unknown = [to for to in chains[name] if to in chains and to not in opened]
        if name not in opened and unknown:
            stack += unknown
        else:
            stack.pop()
            hops = sum(1 + known.get(to, 0) for to in chains[name])
            known[name] = min(most, len(table.routes[name].targets) - 1 + hops)
        opened.add(name)
    return max(known.values(), default=0)


def _inheriting(chains: Mapping[str, list[str]]) -> list[str]:
    """Names that LiteLLM would give another name's fallbacks.

    It takes `openai/x` and `x` for the same there, whichever of them has fallbacks; an empty
    list stops that.
    """
    sources = {name for name, chain in chains.items() if chain}
    ends = {name.split("/", 1)[1] for name in sources if "/" in name}
    return [
        name
        for name, chain in chains.items()
        if not chain and (name in ends or ("/" in name and name.split("/", 1)[1] in sources))
    ]
