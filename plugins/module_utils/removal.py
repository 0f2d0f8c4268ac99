# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry without one of its providers: whether that is sound, and what follows from it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .compile import Compiled, Inventory, compile_registry
from .registry.edit import EditError, Texts, without_entry, without_provider
from .registry.edit_references import references
from .registry.load import load_registry, shown
from .registry.model import ACTIVE, Registry
from .registry.problems import Place, Problem, has_errors, in_order, nearest
from .routing import backends


@dataclasses.dataclass(slots=True)
class Removal:
    """A removal, thought through.

    `compiled` is the registry without the `providers`, with all `problems`: an error among them
    says why it cannot be. `edits`: file name -> text, None for a file that goes. `services`: host
    -> specs that run for them now; `kept`: host -> specs of all that is still declared there, of
    whatever status. `names`: public names that nobody will answer any more.
    """

    compiled: Compiled
    problems: list[Problem]
    providers: list[str]
    edits: dict[str, str | None] = dataclasses.field(default_factory=dict)
    services: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    kept: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    names: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "providers": self.providers,
            "services": self.services,
            "kept": self.kept,
            "names": self.names,
        }


def remove(directory: str, inventory: Inventory, provider: str = "", file: str = "") -> Removal:
    """What it means to take a provider out, or a file with all that it declares.

    Never raises for what is in the files: that is `problems`, with the places as they are now.
    """
    before = compile_registry(directory, inventory)
    if has_errors(before.problems):
        return Removal(before, before.problems, [])
    here = Place(shown(Path(directory)), 1, 1)
    files = before.files
    if file and file not in files:
        message = f"no file of the registry is called '{file}'"
        return _refused(before, here, "unknown-file", message, file, files)
    if not file and provider not in before.registry.providers:
        message = f"no provider is called '{provider}': there is nothing to remove"
        return _refused(
            before, here, "unknown-provider", message, provider, before.registry.providers
        )
    providers = _declared_in(before.registry, file) if file else [provider]
    try:
        edits = {file: None} if file else _without(before, provider)
    except EditError as error:
        place = error.problem.place._replace(file=shown(Path(directory) / error.problem.place.file))
        return Removal(before, [dataclasses.replace(error.problem, place=place)], providers)
    return _thought_through(directory, inventory, before, providers, edits)


def _without(before: Compiled, provider: str) -> dict[str, str | None]:
    """The edits that take a provider out, and its slot's entry with the last one of the slot."""
    edits = without_provider(before.files, provider)
    for slot in before.registry.slots.values():
        if slot.members == [provider]:
            edits |= without_entry({**before.files, **edits}, ("slots", slot.name))
    return edits


def _in_turn(before: Compiled, providers: list[str]) -> Iterable[Problem]:
    """Who runs in a slot goes only after another one has taken over."""
    for slot in before.registry.slots.values():
        others = [name for name in slot.members if name not in providers]
        if slot.runs in providers and others:
            waiting = ", ".join(others)
            message = f"'{slot.runs}' runs in slot {slot.name}, and {waiting} would be left waiting"
            expected = f"`switch_model.yml -e provider={others[0]}` first"
            yield Problem(before.registry.providers[slot.runs].place, "runs-now", message, expected)


def _refused(
    before: Compiled, here: Place, code: str, message: str, word: str, known: Iterable[str]
) -> Removal:
    names = list(known)
    near = nearest(word, names)
    expected = "" if near else f"one of {', '.join(names)}"
    return Removal(before, [Problem(here, code, message, expected, near)], [])


def _declared_in(registry: Registry, file: str) -> list[str]:
    found = registry.providers.values()
    return [one.name for one in found if Path(one.place.file).name == file]


def _thought_through(
    directory: str, inventory: Inventory, before: Compiled, providers: list[str], edits: Texts
) -> Removal:
    after = compile_registry(directory, inventory, edits=edits)
    in_turn = [*_in_turn(before, providers)]
    if in_turn:
        return Removal(before, in_turn, providers)
    left = [one for one in after.registry.providers.values() if one.rendered]
    if not left:
        return Removal(before, [_last(before, providers)], providers)
    root, _problems = load_registry(directory, edits=edits)
    referring = [_or_whole(one, before, providers) for one in references(root, providers)]
    known = {problem.place[:2] for problem in referring}
    old = {(problem.code, problem.message) for problem in before.problems}
    new = [one for one in after.problems if (one.code, one.message) not in old]
    problems = [*referring, *(one for one in new if one.place[:2] not in known)]
    return Removal(
        after,
        in_order(_as_they_stand(problems, directory, before.files, edits)),
        providers,
        dict(edits),
        _of(before.services, providers),
        backends.services(all_active(after.registry), inventory),
        [name for name in before.routes.routes if name not in after.routes.routes],
    )


def _or_whole(problem: Problem, before: Compiled, providers: list[str]) -> Problem:
    """What stands in one file with the provider, and with no other, can go with it."""
    file = problem.place.file
    beside = [one.name for one in before.registry.providers.values() if one.place.file == file]
    if beside != providers:
        return problem
    more = f"{problem.expected}; or `-e file={Path(file).name}` for all that this file declares"
    return dataclasses.replace(problem, expected=more)


def _last(before: Compiled, providers: list[str]) -> Problem:
    first = before.registry.providers[providers[0]] if providers else None
    place = first.place if first else Place("registry", 1, 1)
    message = f"without {', '.join(providers)} no provider would be left to answer"
    expected = (
        "Add another one first. To switch the gateway off, as its user: "
        "`systemctl --user stop litellm.socket litellm.service`."
    )
    return Problem(place, "last-provider", message, expected)


def _of(
    services: Mapping[str, list[dict[str, Any]]], providers: list[str]
) -> dict[str, list[dict[str, Any]]]:
    found = {
        host: [spec for spec in specs if spec["provider"] in providers]
        for host, specs in services.items()
    }
    return {host: specs for host, specs in found.items() if specs}


def all_active(registry: Registry) -> Registry:
    """One that is switched off still refers to its model's file."""
    providers = {
        name: dataclasses.replace(one, status=ACTIVE) for name, one in registry.providers.items()
    }
    return dataclasses.replace(registry, providers=providers)


def _as_they_stand(
    problems: list[Problem], directory: str, files: Mapping[str, str], edits: Texts
) -> Iterable[Problem]:
    """Problems of the edited texts, with the lines of the texts that people look at now."""
    lines: dict[str, dict[int, int]] = {}
    for name, text in edits.items():
        lines[shown(Path(directory) / name)] = _old_lines(files[name], text or "")
    for problem in problems:
        place = problem.place
        line = lines.get(place.file, {}).get(place.line, place.line)
        yield dataclasses.replace(problem, place=place._replace(line=line))


def _old_lines(old: str, new: str) -> dict[int, int]:
    """Line of the new text -> line of the old one, both counted from 1."""
    matcher = difflib.SequenceMatcher(None, new.splitlines(), old.splitlines(), autojunk=False)
    return {
        block.a + offset + 1: block.b + offset + 1
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }
