# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Providers that are one deployment on several hosts: the first is asked, the others help."""

from __future__ import annotations

from typing import Any

from ..engines.vllm_ray import ENGINE_PORTS, WORKER_PORTS
from ..host.units import unit_name
from ..registry.model import Provider
from .resolve import Inventory, is_distributed, provider_hosts, run_hosts


def node(provider: Provider, host: str, inventory: Inventory) -> dict[str, Any] | None:
    """{is_head, head, address, nodes, unit} of one of its hosts, addresses all; None where it is on
    one host only, or on each for itself."""
    if not is_distributed(provider):
        return None
    (head,) = provider_hosts(provider, inventory)
    addresses = {one: inventory.addresses.get(one, one) for one in run_hosts(provider, inventory)}
    part = "head" if host == head else "worker"
    return {
        "is_head": host == head,
        "head": addresses[head],
        "address": addresses[host],
        "nodes": list(addresses.values()),
        "unit": unit_name(f"{provider.type.unit_stem}ray-{part}-", provider.name),
    }


def ports(first: int) -> set[int]:
    """What a cluster takes behind its deploy.port, on each of its hosts."""
    low, high = WORKER_PORTS
    return {*range(first + 1, first + ENGINE_PORTS + 20), *range(first + low, first + high + 1)}


def workers_first(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The hosts such that those which wait for others come last."""

    def waits(host: str) -> bool:
        return any((spec.get("ray") or {}).get("is_head") for spec in found[host])

    return {host: found[host] for host in sorted(found, key=waits)}
