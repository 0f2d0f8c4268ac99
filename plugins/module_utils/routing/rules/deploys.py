# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploys: what we run ourselves must have a host and a port of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.addresses import is_address
from ...registry.model import Provider, Reference
from ...registry.problems import WARNING, Place, Problem
from ...registry.slots import slot_of
from ..backends import EVERYWHERE, LOOPBACK, beside_gateway, bind, port
from ..resolve import provider_hosts
from .facts import Facts


def _deployed(facts: Facts) -> Iterator[Provider]:
    return (provider for provider in facts.live() if provider.deployed)


def unknown_host(facts: Facts) -> Iterator[Problem]:
    """deploy.hosts is a host or a group of the inventory."""
    inventory = facts.inventory
    known = [*inventory.addresses, *inventory.groups]
    for provider in _deployed(facts):
        written = provider.deploy.get("hosts")
        place = provider.at("deploy", "hosts")
        for name in written if isinstance(written, list) else [written]:
            path = f"providers.{provider.name}.deploy.hosts"
            if str(name) in inventory.groups and not inventory.groups[str(name)]:
                message = f"{path}: the group '{name}' has no hosts"
                yield Problem(place, "unknown-host", message, "a group with hosts")
            elif str(name) not in inventory.groups and str(name) not in inventory.addresses:
                message = f"{path} names '{name}'; the inventory has no such host or group"
                yield facts.unknown(Reference(str(name), place), "unknown-host", message, known)


def one_model(facts: Facts) -> Iterator[Problem]:
    """vLLM serves one model a process."""
    for provider in _deployed(facts):
        several = list(provider.models.values())[1:] if provider.type.name == "vllm" else []
        for model in several:
            message = f"providers.{provider.name}: a second model ('{model.name}') in one deploy"
            yield Problem(
                model.place,
                "not-yet-supported",
                message,
                "a provider of its own, with another port",
            )


def port_conflict(facts: Facts) -> Iterator[Problem]:
    """Two of our services cannot share a port of one host, unless they run in turn."""
    taken: dict[tuple[str, int], Provider] = {}
    for provider in _deployed(facts):
        number = port(provider)
        for host in provider_hosts(provider, facts.inventory):
            owner = taken.setdefault((host, number), provider)
            in_turn = slot_of(owner) and slot_of(owner) == slot_of(provider)
            if owner is not provider and not in_turn:
                message = (
                    f"providers.{provider.name}: port {number} of {host} is {owner.name}'s already"
                )
                place = provider.at("deploy", "port")
                yield Problem(place, "port-conflict", message, "another deploy.port")
                break


def unreachable_bind(facts: Facts) -> Iterator[Problem]:
    """A service that listens on loopback serves no gateway elsewhere."""
    for provider in _deployed(facts):
        given = str(provider.deploy.get("bind") or "")
        if not is_address(given) or not (given.startswith("127.") or given == "::1"):
            continue
        for host in provider_hosts(provider, facts.inventory):
            if not beside_gateway(host, facts.inventory) and facts.inventory.gateways:
                yield _unreachable(provider, host, provider.at("deploy", "bind"))


def _unreachable(provider: Provider, host: str, place: Place) -> Problem:
    message = (
        f"providers.{provider.name} would listen on {host} for {LOOPBACK} only, and the gateway"
        " is elsewhere"
    )
    return Problem(place, "unreachable-bind", message, "no bind: the host's own address is taken")


def listens_everywhere(facts: Facts) -> Iterator[Problem]:
    """Without a literal address there is nothing narrower to listen on."""
    for provider in _deployed(facts):
        if provider.deploy.get("bind"):
            continue
        hosts = provider_hosts(provider, facts.inventory)
        named = [host for host in hosts if bind(provider, host, facts.inventory) == EVERYWHERE]
        if named and all(host in facts.inventory.addresses for host in named):
            message = (
                f"providers.{provider.name} listens on all addresses of {', '.join(named)}: the"
                " inventory gives a name and no address"
            )
            expected = "ansible_host with an address, or deploy.bind"
            place = provider.at("deploy", "hosts")
            yield Problem(place, "listens-everywhere", message, expected, severity=WARNING)
