# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slots: who shares GPUs in turn, who runs now, and what that leaves without an answer."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Provider, Reference, Slot
from ...registry.problems import WARNING, Problem
from ...registry.slots import parked, slot_of
from ..left_out import leave_out
from ..resolve import kind_of, provider_hosts
from ..route_table import PROVIDER
from ..routes import build_routes
from ..waiting import unanswered
from .facts import Facts, listing


def unknown_slot(facts: Facts) -> Iterator[Problem]:
    """slots.<name> is the slot of some provider."""
    known = list(dict.fromkeys(filter(None, map(slot_of, facts.registry.providers.values()))))
    for name, choice in facts.registry.slot_choices.items():
        if name not in known:
            message = f"slots.{name}: no provider has deploy.slot: {name}"
            reference = Reference(name, choice.place)
            yield facts.unknown(reference, "unknown-slot", message, known)


def not_in_slot(facts: Facts) -> Iterator[Problem]:
    """Who runs in a slot is one of those that share it."""
    registry = facts.registry
    for name, choice in registry.slot_choices.items():
        slot = registry.slots.get(name)
        path = f"slots.{name} names '{choice.name}'"
        if choice.name not in registry.provider_names:
            known = slot.members if slot else list(registry.provider_names)
            message = f"{path}; no such provider"
            yield facts.unknown(choice, "unknown-provider", message, known)
        elif slot is not None and choice.name not in slot.members:
            provider = registry.providers.get(choice.name)
            if provider is None:
                continue  # an error of its own
            mine = slot_of(provider) == name
            why = f"which is {provider.status}" if mine else f"which has no deploy.slot: {name}"
            expected = f"one of {listing(slot.members)}"
            yield Problem(choice.place, "not-in-slot", f"{path}, {why}", expected)


def lonely_slot(facts: Facts) -> Iterator[Problem]:
    """A slot is for several."""
    for slot in facts.registry.slots.values():
        if len(slot.members) == 1:
            provider = facts.registry.providers[slot.members[0]]
            message = f"providers.{provider.name} is the only one in slot {slot.name}"
            expected = f"another provider with deploy.slot: {slot.name}, or no slot"
            place = provider.at("deploy", "slot")
            yield Problem(place, "lonely-slot", message, expected, severity=WARNING)


def slot_without_choice(facts: Facts) -> Iterator[Problem]:
    """Who is first may be another one once a file comes in before it."""
    for slot in facts.registry.slots.values():
        if len(slot.members) > 1 and slot.name not in facts.registry.slot_choices:
            message = (
                f"nothing says who runs in slot {slot.name}; {slot.runs}, being the first, does"
            )
            provider = facts.registry.providers[slot.runs]
            place = provider.at("deploy", "slot")
            expected = f"slots: {{{slot.name}: {slot.runs}}}"
            yield Problem(place, "slot-without-choice", message, expected, severity=WARNING)


def slot_on_other_hosts(facts: Facts) -> Iterator[Problem]:
    """Who takes turns does so on the same hosts."""
    for slot, first, other in _pairs(facts):
        here, there = (provider_hosts(one, facts.inventory) for one in (first, other))
        if set(here) != set(there):
            message = (
                f"providers.{other.name} is in slot {slot.name} on {listing(there)}, and"
                f" {first.name} on {listing(here)}"
            )
            expected = "the same deploy.hosts, or a slot of another name"
            yield Problem(other.at("deploy", "hosts"), "slot-on-other-hosts", message, expected)


def slot_without_shared_gpu(facts: Facts) -> Iterator[Problem]:
    """Who shares no GPU need not wait for the other."""
    for slot, first, other in _pairs(facts):
        mine, theirs = first.deploy.get("gpus"), other.deploy.get("gpus")
        if mine and theirs and not set(mine) & set(theirs):
            message = (
                f"providers.{other.name} and {first.name} are in slot {slot.name} and have no GPU"
                " in common: they could both run"
            )
            expected = "slots of two names, or none"
            place = other.at("deploy", "gpus")
            yield Problem(place, "slot-without-shared-gpu", message, expected, severity=WARNING)


def _pairs(facts: Facts) -> Iterator[tuple[Slot, Provider, Provider]]:
    """(slot, its first member, another one)."""
    for slot in facts.registry.slots.values():
        first, *others = (facts.registry.providers[name] for name in slot.members)
        for other in others:
            yield slot, first, other


def nobody_runs(facts: Facts) -> Iterator[Problem]:
    """Names that nobody answers while their provider waits for its turn."""
    waiting = parked(facts.registry)
    if not waiting:
        return
    rest = build_routes(facts.registry, facts.inventory)
    leave_out(rest, (), waiting)
    for name, slot in waiting.items():
        lost = [
            route.name
            for route in facts.table.routes.values()
            if any(target.deployment.provider == name for target in route.targets)
        ]
        if lost := unanswered(lost, rest.routes):
            message = f"while {slot.runs} runs in slot {slot.name}, nobody answers {listing(lost)}"
            yield Problem(
                facts.registry.providers[name].at("deploy", "slot"),
                "nobody-runs",
                message,
                f"a fallback; or `switch_model.yml -e provider={name}` when it is wanted",
                severity=WARNING,
            )


def parked_fallback(facts: Facts) -> Iterator[Problem]:
    """A fallback that waits for its turn is left out meanwhile."""
    waiting = parked(facts.registry)
    for path, references in facts.named_fallbacks():
        for reference in references:
            slot = waiting.get(reference.name)
            if slot is not None and kind_of(facts.registry, reference.name) == PROVIDER:
                message = (
                    f"{path} leads to '{reference.name}', which waits while {slot.runs} runs in"
                    f" slot {slot.name}; it is left out until then"
                )
                yield Problem(
                    reference.place,
                    "parked-fallback",
                    message,
                    "another fallback beside it",
                    severity=WARNING,
                )
