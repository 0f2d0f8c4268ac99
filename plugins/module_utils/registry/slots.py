# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slots: providers that share a place on GPUs, of which one runs."""

from __future__ import annotations

from .model import ACTIVE, Provider, Registry, Slot
from .nodes import reference
from .yaml_tree import Mapping as Node


def read_slots(registry: Registry, root: Node, broken: set[tuple[str, ...]]) -> None:
    """Puts the slots into a registry whose providers are known."""
    written = root.get("slots")
    node = written if isinstance(written, Node) else None
    for provider in registry.providers.values():
        name = slot_of(provider)
        if name and provider.rendered:
            slot = registry.slots.setdefault(name, Slot(name, []))
            slot.members.append(provider.name)
    for name in node or ():
        if node is not None and ("slots", name) not in broken and isinstance(node[name], str):
            registry.slot_choices[name] = reference(node, name)
    for slot in registry.slots.values():
        slot.runs = _who_runs(registry, slot)


def slot_of(provider: Provider) -> str:
    """The slot that it shares, "" for none."""
    return str(provider.deploy.get("slot") or "") if provider.deployed else ""


def _who_runs(registry: Registry, slot: Slot) -> str:
    """What is written, else the first one that is active, else the first."""
    choice = registry.slot_choices.get(slot.name)
    if choice is not None and choice.name in slot.members:
        return choice.name
    active = (one for one in slot.members if registry.providers[one].status == ACTIVE)
    return next(active, slot.members[0])


def parked(registry: Registry) -> dict[str, Slot]:
    """The providers that wait, each with its slot."""
    return {
        name: slot for slot in registry.slots.values() for name in slot.members if name != slot.runs
    }
