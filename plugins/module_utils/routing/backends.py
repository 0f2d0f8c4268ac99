# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service specs: what we run ourselves, host by host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..host.units import unit_name
from ..registry.addresses import health_url, host_url, is_address
from ..registry.model import Model, Provider, Registry
from ..registry.slots import slot_of
from .clusters import node, workers_first
from .resolve import Inventory, run_hosts

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the last resort of `bind`
LOOPBACK = "127.0.0.1"


def port(provider: Provider) -> int:
    """The port that we run it on."""
    return int(provider.deploy.get("port") or provider.type.port)


def unit(provider: Provider) -> str:
    """The systemd unit that runs it on each of its hosts."""
    return unit_name(provider.type.unit_stem, provider.name)


def beside_gateway(host: str, inventory: Inventory) -> bool:
    """Whether this host is the only gateway: then loopback is near enough."""
    return inventory.gateways == [host]


def address(provider: Provider, host: str, inventory: Inventory) -> str:
    """Where the gateway reaches it."""
    if beside_gateway(host, inventory) and bind(provider, host, inventory) in (
        LOOPBACK,
        EVERYWHERE,
    ):
        return LOOPBACK
    return inventory.addresses.get(host, host)


def bind(provider: Provider, host: str, inventory: Inventory) -> str:
    """What it listens on: no more than the gateway needs."""
    given = provider.deploy.get("bind")
    if given:
        return str(given)
    if beside_gateway(host, inventory):
        return LOOPBACK
    known = inventory.addresses.get(host, host)
    return known if is_address(known) else EVERYWHERE


def base_url(provider: Provider, host: str, inventory: Inventory) -> str:
    """The base that requests go to, "" if LiteLLM knows it; `host` as in a deployment."""
    if host:
        return host_url(address(provider, host, inventory), port(provider), "/v1")
    return provider.base_url or provider.type.default_base


def is_vendors(provider: Provider, base: str) -> bool:
    """Whether it is a vendor's own API. A type's name alone does not say so: many engines are
    declared as `openai` with an address in the lab."""
    row = provider.type
    if row.name == "azure" or (row.own_base and not base):
        return True
    vendors = urlsplit(row.default_base).hostname
    return bool(vendors) and urlsplit(base or row.default_base).hostname == vendors


def health_endpoint(registry: Registry, provider: Provider, host: str, inventory: Inventory) -> str:
    """Where its health is asked, "" if nothing is known that could be asked."""
    check = registry.health.get(provider.name)
    endpoint = (
        (check and check.get("endpoint"))
        or provider.spec.get("health_endpoint")
        or provider.type.health_path
    )
    base = base_url(provider, host, inventory)
    whole = str(endpoint).startswith(("http://", "https://"))
    return health_url(base, str(endpoint)) if endpoint and (base or whole) else ""


def services(registry: Registry, inventory: Inventory) -> dict[str, list[dict[str, Any]]]:
    """Host -> what runs there, or waits in a slot, in the order of the registry."""
    found: dict[str, list[dict[str, Any]]] = {}
    for provider in registry.providers.values():
        if provider.deployed and provider.rendered and provider.models:
            for host in run_hosts(provider, inventory):
                found.setdefault(host, []).append(_spec(registry, provider, host, inventory))
    return workers_first(found)


def _spec(
    registry: Registry, provider: Provider, host: str, inventory: Inventory
) -> dict[str, Any]:
    deploy = provider.deploy
    return {
        "provider": provider.name,
        "engine": provider.type.name,
        "unit": unit(provider),
        "host": host,
        "address": address(provider, host, inventory),
        "bind": bind(provider, host, inventory),
        "port": port(provider),
        "version": deploy.get("version"),
        "models": [_model(one) for one in provider.models.values()],
        "options": _plain(deploy.get("options") or {}),
        "environment": {k: str(v) for k, v in (deploy.get("environment") or {}).items()},
        "limits": dict(deploy.get("limits") or {}),
        # An empty list is the CPU alone, nothing written all GPUs.
        "gpus": None if deploy.get("gpus") is None else list(deploy["gpus"]),
        "overcommit": deploy.get("overcommit") is True,
        "key_variable": provider.credentials.key or None,
        "health_url": health_endpoint(registry, provider, host, inventory),
        **_of_slot(registry, provider),
        **_of_cluster(provider, host, inventory),
    }


def _of_cluster(provider: Provider, host: str, inventory: Inventory) -> dict[str, Any]:
    """{ray}: its part on this host; a host that is not asked has no unit but that."""
    found = node(provider, host, inventory)
    if found is None:
        return {}
    return {"ray": found, **({} if found["is_head"] else {"unit": found["unit"]})}


def _of_slot(registry: Registry, provider: Provider) -> dict[str, Any]:
    """{slot, runs, conflicts}: whether it runs, or waits for its turn in a slot, and the units that
    systemd stops before it is started. Each names those before it: that holds both ways, and who
    comes in behind changes no unit that runs."""
    slot = registry.slots.get(slot_of(provider))
    if slot is None or provider.name not in slot.members:
        return {"slot": None, "runs": True, "conflicts": []}
    before = slot.members[: slot.members.index(provider.name)]
    conflicts = [unit(registry.providers[name]) for name in before]
    return {"slot": slot.name, "runs": provider.name == slot.runs, "conflicts": conflicts}


def _model(model: Model) -> dict[str, Any]:
    written = model.spec
    return {
        "name": model.name,
        "mode": model.mode,
        "size": written.get("size"),
        "context_length": written.get("context_length"),
        "source": _plain(written.get("source") or {}),
        "options": _plain(written.get("options") or {}),
    }


def _plain(written: Mapping[str, Any]) -> dict[str, Any]:
    """Without the places that a registry's own mappings and lists know."""
    return {key: _bare(one) for key, one in written.items()}


def _bare(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    if isinstance(value, dict):
        return _plain(value)
    return [_bare(one) for one in value] if isinstance(value, list) else value
