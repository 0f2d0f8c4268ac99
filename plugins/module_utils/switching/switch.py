# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry in which another provider of a slot runs: whether that is sound, and each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..compile import Compiled, Inventory, compile_registry
from ..registry.edit import EditError, with_value
from ..registry.edit_sections import with_section
from ..registry.load import shown
from ..registry.model import Slot
from ..registry.problems import Place, Problem, has_errors, nearest
from ..registry.slots import slot_of

SECTION = "slots"
# What the gateway is given of a compiled registry.
_GATEWAYS = ("gateway_config_text", "files", "variables", "composed", "environment", "probes")

Services = dict[str, list[dict[str, Any]]]


@dataclasses.dataclass(slots=True)
class Switch:
    """A switch, thought through.

    `compiled` is the registry in which `provider` runs in `slot`, with all `problems`: an error
    among them says why it cannot be. `old` runs there now, "" if that is `provider` itself.
    `edits`: file name -> new text; `restore`: name -> old one. The gateway is given `leaving`
    first, and `before` if it fails. `services`, host -> specs of all in the slot, are how they are
    to run in the end, `before_services` how they did. `names`: those `lost` and `new`.
    """

    compiled: Compiled
    problems: list[Problem]
    provider: str
    slot: str = ""
    old: str = ""
    edits: dict[str, str | None] = dataclasses.field(default_factory=dict)
    restore: dict[str, str] = dataclasses.field(default_factory=dict)
    leaving: dict[str, Any] = dataclasses.field(default_factory=dict)
    before: dict[str, Any] = dataclasses.field(default_factory=dict)
    services: Services = dataclasses.field(default_factory=dict)
    before_services: Services = dataclasses.field(default_factory=dict)
    names: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, without what the registry action says itself."""
        left = ("compiled", "problems", "edits")
        names = [one.name for one in dataclasses.fields(self) if one.name not in left]
        return {name: getattr(self, name) for name in names}


def switch(directory: str, inventory: Inventory, provider: str) -> Switch:
    """What it means to let this provider run in its slot. Never raises for what is in the files."""
    before = compile_registry(directory, inventory)
    if has_errors(before.problems):
        return Switch(before, before.problems, provider)
    slot = next((s for s in before.registry.slots.values() if provider in s.members), None)
    if slot is None:
        return Switch(before, [_no_member(before, directory, provider)], provider)
    found = Switch(before, before.problems, provider, slot.name)
    found.before_services = found.services = _members(before, slot)
    if slot.runs == provider:
        found.leaving = found.before = _gateways(before)
        return found
    found.old = slot.runs
    try:
        edits = _edits(before, slot, provider)
    except EditError as error:
        file = shown(Path(directory) / error.problem.place.file)
        place = error.problem.place._replace(file=file)
        found.problems = [dataclasses.replace(error.problem, place=place)]
        return found
    _think_through(found, directory, inventory, edits)
    return found


def _think_through(
    found: Switch, directory: str, inventory: Inventory, edits: Mapping[str, str]
) -> None:
    before = found.compiled
    after = compile_registry(directory, inventory, edits=edits)
    found.compiled, found.problems, found.edits = after, after.problems, dict(edits)
    found.restore = {name: before.files[name] for name in edits}
    if has_errors(after.problems):
        return
    found.before = _gateways(before)
    found.leaving = _gateways(compile_registry(directory, inventory, leaving=found.old))
    found.services = _members(after, after.registry.slots[found.slot])
    then, now = before.routes.routes, after.routes.routes
    found.names = {
        "lost": [name for name in then if name not in now],
        "new": [name for name in now if name not in then],
    }


def _edits(before: Compiled, slot: Slot, provider: str) -> dict[str, str]:
    """The file that says it already, else a new section behind those of the slot's first member."""
    path = (SECTION, slot.name)
    try:
        return with_value(before.files, path, provider)
    except KeyError:
        first = before.registry.providers[slot.members[0]]
        return with_section(before.files, Path(first.place.file).name, path, provider)


def _gateways(compiled: Compiled) -> dict[str, Any]:
    told = compiled.as_dict()
    return {key: told[key] for key in _GATEWAYS}


def _members(compiled: Compiled, slot: Slot) -> Services:
    found = {
        host: [spec for spec in specs if spec["provider"] in slot.members]
        for host, specs in compiled.services.items()
    }
    return {host: specs for host, specs in found.items() if specs}


def _no_member(before: Compiled, directory: str, name: str) -> Problem:
    registry = before.registry
    members = [one for slot in registry.slots.values() for one in slot.members]
    known = registry.providers.get(name)
    if known is None:
        near = nearest(name, members) or nearest(name, list(registry.providers))
        message = f"no provider is called '{name}': nothing was switched"
        expected = "" if near else f"one of {', '.join(members) or 'those with a deploy.slot'}"
        here = Place(shown(Path(directory)), 1, 1)
        return Problem(here, "unknown-provider", message, expected, near)
    why = f"is {known.status}" if slot_of(known) else "shares no slot with others"
    expected = f"one of {', '.join(members)}" if members else "deploy.slot at those that take turns"
    return Problem(known.place, "not-in-slot", f"'{name}' {why}: nothing was switched", expected)
