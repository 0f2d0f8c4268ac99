# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A RouteTable while it is made, and what all sources of routes need for it."""

from __future__ import annotations

from ..registry.model import Provider, Reference, Registry
from ..registry.problems import Place
from ..registry.provider_types import CHAT
from .resolve import Inventory, names_hosts, provider_hosts
from .route_table import Deployment, RouteTable, Target


class Draft:
    """A table in the making.

    `declared`: public name -> what its rules name as fallbacks, in order. A source or a chain adds
    to it, and `sources.fallbacks` resolves all of it once every route is known. `hosts`: provider
    -> its hosts. `alias_of`: alias -> the public name that it stands for.
    """

    def __init__(self, registry: Registry, inventory: Inventory) -> None:
        self.registry = registry
        self.inventory = inventory
        self.table = RouteTable()
        self.declared: dict[str, list[Reference]] = {}
        self.hosts: dict[str, list[str]] = {}
        self.alias_of: dict[str, str] = {}

    def served(self, name: str) -> Provider | None:
        """The provider of this name, if public names may lead to it."""
        provider = self.registry.providers.get(name)
        return provider if provider is not None and provider.served else None

    def targets(self, provider: Provider, model: str, rank: int, place: Place) -> list[Target]:
        """A target on each host of a provider, all of one rank."""
        return [
            Target(deployment, "", rank, None, place)
            for deployment in self.deployments(provider, model)
        ]

    def deployments(self, provider: Provider, model: str) -> list[Deployment]:
        """A model's deployment on each host of its provider: the same object whoever asks."""
        hosts = self.hosts.get(provider.name)
        if hosts is None:
            hosts = self.hosts[provider.name] = provider_hosts(provider, self.inventory)
        return [self._deployment(provider, host, model) for host in hosts]

    def _deployment(self, provider: Provider, host: str, model: str) -> Deployment:
        key = (provider.name, host, model)
        found = self.table.deployments.get(key)
        if found is None:
            at = f"@{host}" if names_hosts(provider, self.inventory) else ""
            found = self.table.deployments[key] = Deployment(
                provider.name,
                host,
                model,
                _mode(provider, model),
                f"~{provider.name}{at}/{_escaped(model)}",
            )
        return found


def _mode(provider: Provider, model: str) -> str:
    """What a model is for; one that is asked for by any name is what all of its provider's are."""
    known = provider.models.get(model)
    if known is not None:
        return known.mode
    modes = {one.mode for one in provider.models.values()} if "*" in model else set()
    return modes.pop() if len(modes) == 1 else CHAT


def _escaped(model: str) -> str:
    """A model's name for an id, where '#' begins the suffix."""
    return model.replace("%", "%25").replace("#", "%23")
