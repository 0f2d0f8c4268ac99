# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what shall be served to a staged generation, or to one that is there already."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import secrets_file
from .content import Content
from .installed import Installed
from .sealed import GenerationError

REGISTRY, PROGRAM = "registry/", "program/"


@dataclass(frozen=True)
class Wanted:
    """What shall be served. `given` holds values of secrets and is never shown.

    `unconfirmed` names the file of the registry's that the controller will have only once this has
    been proven. `adopt` False goes on although the generation that serves has such a file that the
    registry has not; `again` although the same was undone before without anybody asking.
    """

    files: Mapping[str, str]
    venv: str
    units: Mapping[str, str]
    variables: tuple[str, ...] = ()
    composed: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    commit: str = ""
    by: str = ""
    unconfirmed: str = ""
    adopt: bool | None = None
    again: bool = False


class Staging:
    """What `wanted` means on this host. Nothing is written before `stage`."""

    def __init__(self, gateway: Installed, wanted: Wanted, check: bool = False) -> None:
        self.gateway, self.wanted, self.check = gateway, wanted, check
        self.store, self.held = gateway.store, gateway.held
        self.values = self._values()
        self.content = self._content()
        self.found = self.store.same(self.content.digest())

    def refuse(self) -> None:
        """Raises GenerationError for what somebody has to decide first."""
        current, wanted = self.store.current(), self.wanted
        added = self.store.outcome(current).get("unconfirmed") if current else ""
        if current and added and wanted.adopt is None:
            held = self.store.text(current, REGISTRY + added)
            if wanted.files.get(REGISTRY + added) != held:
                raise GenerationError(unconfirmed(current, added, self.store.manifest(current).by))
        number = self.store.undone(self.content.digest())
        if number and number != current and not wanted.again:
            raise GenerationError(undone(number, self.store.outcome(number)))

    def number(self) -> int:
        """The generation that it is, or will be."""
        return self.found or max(self.store.numbers(), default=0) + 1

    def is_served(self) -> bool:
        """Whether all of this serves already, and was found good."""
        current = self.store.current()
        if current is None or self.found != current or self.values != self.held.values():
            return False
        return self.store.proven(current) and self.gateway.is_as_declared(current)

    def stage(self) -> int:
        """Have the generation there, with the values that only it reads yet."""
        number = self.found or self.store.stage(self.content, self._about())
        if self.wanted.unconfirmed and number != self.store.current():
            self.store.record(number, unconfirmed=self.wanted.unconfirmed)
        self.held.prepare(number, self.values)
        return number

    def differences(self) -> list[dict[str, str]]:
        """For diff mode: every file that would change. None holds a secret. What belongs to the
        launcher is nobody's configuration, and only named."""
        current = self.store.current()
        before = {name: self.store.text(current, name) for name in self.wanted.files}
        pairs = [(name, before[name], text) for name, text in sorted(self.wanted.files.items())]
        changed = [pair for pair in pairs if pair[1] != pair[2]]
        files = [difference(*pair) for pair in changed if not pair[0].startswith(PROGRAM)]
        own = [name.removeprefix(PROGRAM) for name, *_texts in changed if name.startswith(PROGRAM)]
        if own:
            files.append({"prepared": f"{PROGRAM} (the launcher): {', '.join(own)}\n"})
        units = self.gateway.units.differing(self.wanted.units)
        return files + [change.diff() for change in units]

    def _values(self) -> dict[str, str]:
        """Raises MissingVariablesError."""
        store, wanted, held = self.store, self.wanted, self.held.values()
        older = [store.manifest(number) for number in store.numbers()]
        keep = {name for one in older for name in one.variables}
        parts = (wanted.given, wanted.variables, wanted.composed, keep)
        values = secrets_file.merged(held, *parts)
        # What only older generations send is made of the keys that are in force from now on.
        for name, text in {n: t for one in older for n, t in one.composed.items()}.items():
            if name not in wanted.composed and secrets_file.needed((), {name: text}) <= {*values}:
                values[name] = secrets_file.compose(text, values)
        return values

    def _content(self) -> Content:
        wanted = self.wanted
        names = sorted(secrets_file.needed(wanted.variables, wanted.composed) | {*wanted.composed})
        mark = self.held.mark(self.values, names, create=not self.check)
        parts = (wanted.files, wanted.venv, wanted.units, tuple(names), mark)
        return Content(*parts, composed=wanted.composed)

    def _about(self) -> dict[str, str]:
        venv = self.store.venv(self.wanted.venv)
        chosen = {name: str(venv.get(name, "")) for name in ("litellm", "lock")}
        return {**chosen, "commit": self.wanted.commit, "by": self.wanted.by}


def difference(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def unconfirmed(number: int, file: str, by: str) -> str:
    """What is said where a controller was lost after the host had taken its change."""
    return (
        f"generation {number} serves {file}, which {by or 'somebody'} added and the registry does "
        "not hold: the run that added it did not come to its end. To put it into the registry: "
        "ansible-playbook playbooks/adopt.yml. To go on without it: the same command with "
        "-e adopt=false"
    )


def undone(number: int, said: Mapping[str, Any]) -> str:
    """What is said where the same was taken back by the schedule."""
    at = time.strftime("%F %T %Z", time.localtime(said.get("at", 0)))
    return (
        f"generation {number} was the same, and was undone at {at}: {said.get('reason')}. "
        "Change what was wrong with it, or try it again with -e again=true"
    )
