# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which models a capability has: those that it names, or those that fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..registry.model import Model, Provider, Registry
from ..registry.model_rules import Capability
from ..registry.provider_types import CHAT


class FittingModels:
    """The models of a registry by what capabilities ask for."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.by_specialty: dict[str, list[tuple[Provider, Model]]] = {}
        for provider, model in _all(registry):
            for specialty in dict.fromkeys(model.specialties):
                self.by_specialty.setdefault(specialty, []).append((provider, model))

    def of(self, capability: Capability) -> list[tuple[Provider, Model]]:
        """(provider, model) of those that fit; chat models only, where some of them are.

        What does not say its context or its size is not known to fit.
        """
        found = [pair for pair in self._asked(capability) if fits(capability, pair[1])]
        chat = [pair for pair in found if pair[1].mode == CHAT]
        return chat or found

    def _asked(self, capability: Capability) -> Iterable[tuple[Provider, Model]]:
        if capability.provider is not None:
            provider = self.registry.providers.get(capability.provider.name)
            if provider is None or not provider.served:
                return ()
            return [(provider, model) for model in provider.models.values()]
        if capability.specialties:
            found: dict[tuple[str, str], tuple[Provider, Model]] = {}
            for specialty in capability.specialties:
                for provider, model in self.by_specialty.get(specialty, ()):
                    found[provider.name, model.name] = (provider, model)
            return found.values()
        return _all(self.registry)


def fits(capability: Capability, model: Model) -> bool:
    """Whether a model is good at it and large enough, as far as its entry says."""
    asked = capability.specialties
    return (
        (not asked or any(one in asked for one in model.specialties))
        and model.context >= capability.min_context
        and model.size >= capability.min_size
    )


def selects(capability: Capability) -> bool:
    """Whether anything says which models are meant."""
    return bool(
        capability.preferred
        or capability.provider
        or capability.specialties
        or capability.min_context
        or capability.min_size
    )


def _all(registry: Registry) -> Iterator[tuple[Provider, Model]]:
    for provider in registry.providers.values():
        for model in provider.models.values() if provider.served else ():
            yield provider, model
