# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters: a model on several GPUs, or several hosts, must find as many as it is cut into."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ...registry.addresses import is_address
from ...registry.model import Provider
from ...registry.problems import Problem
from ..backends import port
from ..clusters import ports
from ..resolve import is_distributed, run_hosts
from .facts import Facts

SIZES = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


def _vllm(facts: Facts) -> Iterator[Provider]:
    return (one for one in facts.live() if one.deployed and one.type.name == "vllm")


def cluster_of_others(facts: Facts) -> Iterator[Problem]:
    """No other engine knows Ray."""
    for provider in facts.live():
        if is_distributed(provider) and provider.type.name != "vllm":
            message = (
                f"providers.{provider.name}: {provider.type.name} does not run on Ray, each of its"
                " hosts serves for itself"
            )
            place = provider.at("deploy", "distributed")
            yield Problem(place, "unfit-cluster", message, "no distributed, or type: vllm")


def cluster_unfit(facts: Facts) -> Iterator[Problem]:
    """A cluster has two hosts at least, which know one another by their addresses."""
    for provider in filter(is_distributed, _vllm(facts)):
        hosts, inventory = run_hosts(provider, facts.inventory), facts.inventory
        known = [host for host in hosts if host in inventory.addresses]
        named = [host for host in known if not is_address(inventory.addresses[host])]
        if len(hosts) < 2:
            message = f"providers.{provider.name}: a cluster of one host, {hosts[0]}"
            expected = "several hosts, or no distributed"
        elif named:
            message = (
                f"providers.{provider.name}: Ray's nodes know one another by address, and the"
                f" inventory gives a name for {', '.join(named)}"
            )
            expected = "ansible_host with an address"
        else:
            continue
        yield Problem(provider.at("deploy", "hosts"), "unfit-cluster", message, expected)


def cluster_ports(facts: Facts) -> Iterator[Problem]:
    """The ports behind that of a cluster are its own."""
    deployed = [provider for provider in facts.live() if provider.deployed]
    for one, other in combinations(deployed, 2):
        both = set(run_hosts(one, facts.inventory)) & set(run_hosts(other, facts.inventory))
        taken = _ports(one) & _ports(other)
        if both and taken and port(one) != port(other):
            owner, provider = (one, other) if is_distributed(one) else (other, one)
            message = (
                f"providers.{provider.name}: port {min(taken)} of {min(both)} is one of those that"
                f" the cluster of {owner.name} has, {port(owner)} and the 199 behind it"
            )
            place = provider.at("deploy", "port")
            yield Problem(place, "port-conflict", message, "another deploy.port")


def _ports(provider: Provider) -> set[int]:
    return {port(provider)} | (ports(port(provider)) if is_distributed(provider) else set())


def parallel_sizes(facts: Facts) -> Iterator[Problem]:
    """What a model is cut into are as many GPUs as it is given."""
    for provider in _vllm(facts):
        options, gpus = provider.deploy.get("options") or {}, provider.deploy.get("gpus")
        sizes = {key: options[key] for key in SIZES if isinstance(options.get(key), int)}
        if not gpus or not sizes:  # all of them, or the CPU alone: nothing to count
            continue
        wanted = 1
        for size in sizes.values():
            wanted *= size
        hosts = len(run_hosts(provider, facts.inventory)) if is_distributed(provider) else 1
        if wanted > len(gpus) * hosts:
            product = " x ".join(f"{key} {size}" for key, size in sizes.items())
            where = f"{hosts} hosts with {len(gpus)} each" if hosts > 1 else f"{len(gpus)}"
            message = (
                f"providers.{provider.name}: {product} needs {wanted} GPUs, deploy.gpus gives"
                f" {where}"
            )
            place = provider.at("deploy", "options", next(iter(sizes), ""))
            yield Problem(place, "too-few-gpus", message, "as many GPUs, or smaller sizes")
