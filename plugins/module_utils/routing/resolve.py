# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which model, which hosts, which limit: the questions that rules and routes share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..registry.model import Limit, Provider, Registry
from ..registry.policies import Budget
from ..registry.problems import Place
from .shared_state import Redis


@dataclass(frozen=True, slots=True)
class Inventory:
    """The part of Ansible's inventory that the core needs, as plain data.

    `groups`: group -> hosts. `addresses`: host -> its address as seen from the gateway.
    The gateways are the hosts of the group `gateway`; LiteLLM runs in `processes` of them all.
    What runs on a host of `left_out` is checked like all else, and not served. What they count they
    count together where there is a `redis`.
    """

    groups: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    left_out: tuple[str, ...] = ()
    redis: Redis | None = None

    @property
    def gateways(self) -> list[str]:
        return self.groups.get("gateway", [])

    def hosts(self, names: object) -> list[str]:
        """The hosts that a host name, a group name or a list of them stands for, each once."""
        listed = names if isinstance(names, list) else [names]
        found: dict[str, None] = {}
        for name in listed:
            for host in self.groups.get(str(name), [str(name)] if name in self.addresses else []):
                found[host] = None
        return list(found)


def is_distributed(provider: Provider) -> bool:
    """Whether all its hosts together are one deployment."""
    return provider.deployed and provider.deploy.get("distributed") == "ray"


def run_hosts(provider: Provider, inventory: Inventory) -> list[str]:
    """The hosts that we run something of this provider on; [""] where somebody else runs it.

    A host that the inventory does not have (a problem) stands for itself, so that nothing else
    is reported because of it.
    """
    if not provider.deployed:
        return [""]
    names = provider.deploy.get("hosts")
    return inventory.hosts(names) or [str(names)]


def provider_hosts(provider: Provider, inventory: Inventory) -> list[str]:
    """Those of run_hosts that are asked: each, or the first where all are one deployment."""
    hosts = run_hosts(provider, inventory)
    return hosts[:1] if is_distributed(provider) else hosts


def names_hosts(provider: Provider, inventory: Inventory) -> bool:
    """Whether its deployment ids name the host: if it has, or may have, several."""
    names = provider.deploy.get("hosts")
    several = isinstance(names, list) or str(names) in inventory.groups
    return several and not is_distributed(provider)


def choose_model(provider: Provider, wanted: Iterable[str], mode: str = "") -> str:
    """The provider's model of one of the wanted names, else its default, else its only; or "".

    With a mode, only models of that mode count.
    """
    models = [model.name for model in provider.models.values() if mode in ("", model.mode)]
    names = [*wanted, str(provider.spec.get("default_model") or "")]
    for name in names:
        if name in provider.models and (not mode or provider.models[name].mode == mode):
            return name
    return models[0] if len(models) == 1 else ""


def backend_model(provider: Provider, public_name: str, explicit: str = "") -> str:
    """What `public_name` is called at this provider; "" if that is not to be told.

    A provider that lists no models is asked for the public name itself.
    """
    if not provider.models:
        return explicit or public_name
    if explicit:
        return explicit if explicit in provider.models else ""
    if public_name in provider.models:
        return public_name
    return choose_model(provider, ())


def fallback_model(provider: Provider, wanted: Iterable[str], mode: str) -> str:
    """The model of `provider` that stands in for the wanted one; "" if that is not to be told."""
    return choose_model(provider, wanted, mode)


def limit_of(limit: Limit, routed: int, model: str) -> tuple[int | None, int | None]:
    """(rpm, tpm) of one of the `routed` models of a provider; None where it has no such limit.

    What the model has not itself is the provider's, if this is its only model.
    """
    own = limit.models.get(model, _NO_LIMIT)
    whole = limit if routed <= 1 else _NO_LIMIT
    rpm = whole.rpm if own.rpm is None else own.rpm
    tpm = whole.tpm if own.tpm is None else own.tpm
    return rpm, tpm


def budget_of(budget: Budget, routed: int, model: str) -> float | None:
    """US dollars for one of the `routed` models of a provider; None where it has no budget."""
    part = budget.models.get(model)
    if part is not None:
        return part.most
    return budget.most if routed <= 1 else None


_NO_LIMIT = Limit("", Place("", 1, 1), None, None)


def kind_of(registry: Registry, name: str) -> str:
    """What a fallback's name stands for: "provider", "route", "both" or ""."""
    provider, route = name in registry.provider_names, name in registry.public_names
    if provider and route:
        return "both"
    return "provider" if provider else "route" if route else ""
