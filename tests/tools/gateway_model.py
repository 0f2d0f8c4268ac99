# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gateway host as a change sees it: launchers and systemd as a model. The lab has real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.lab.llm.plugins.module_utils.gateway import secrets_file
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.manager import Instance
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import (
    ManagerError,
    State,
)


class CutOffError(Exception):
    """The cable is pulled."""


@dataclass
class Host:
    """Launchers as they behave: they read `current` when they start and when told to."""

    store: Store
    broken: set[int] = field(default_factory=set)
    deaf: set[int] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    began_with: dict[int, str] = field(default_factory=dict)
    listens: bool = False
    reloads_badly: bool = False
    left: int = 100000
    wants_candidate: bool = False
    ending: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    program: Callable[[], None] | None = None
    left_over: list[str] = field(default_factory=list)

    @property
    def units(self) -> Path:
        return self.store.base / "units"

    def step(self) -> None:
        assert sum(state == "serving" for state in self.states.values()) <= 1
        self.left -= 1
        if self.left < 0:
            raise CutOffError

    def order(self, verb: str, number: int) -> None:
        self.step()
        if verb == "stop":
            self.states.pop(number, None)
        elif verb == "restart":
            self.start(number)
        elif verb == "start" and number not in self.states:
            assert number not in self.ending
            self.start(number)
        elif verb == "reload" and number not in self.deaf and number in self.states:
            was, current = self.states[number], self.store.current() == number
            gone = "retiring" if was == "serving" else was
            self.states[number] = "serving" if current else gone
        self.step()

    def start(self, number: int) -> None:
        """What the launcher of a generation does."""
        base, current = self.store.base, self.store.current() == number
        values = secrets_file.read(base / "secrets.env")
        values |= secrets_file.read(base / f"secrets-{number}.env")
        self.starts[number] = self.starts.get(number, 0) + 1
        self.began_with[number] = values.get("A", "")
        if number in self.broken:
            self.states[number] = "start failed: no such model"
        elif current:
            self.states[number] = "serving"
        elif self.wants_candidate and self.store.candidate() != number:
            return  # nobody wants it
        else:
            self.states[number] = "private: not the current generation"

    def begin(self, _name: str) -> None:
        """systemd starts the program; here it has come to its end when this returns."""
        if self.program is not None:
            self.program()

    def instance(self, number: int) -> Instance:
        if left := self.ending.pop(number, 0):
            if left > 1:
                self.ending[number] = left - 1
            return Instance(number, "deactivating", "stop-sigterm", "stopping", "success", "")
        status = self.states.get(number)
        if status is None:
            return Instance(number, "inactive", "dead", "", "success", "")
        failed = status.startswith("start failed")
        active, sub = ("failed", "failed") if failed else ("active", "running")
        result, invocation = "exit-code" if failed else "success", str(self.starts.get(number))
        return Instance(number, active, sub, status, result, invocation)

    def instances(self) -> list[Instance]:
        return [self.instance(number) for number in self.states]

    def scopes(self) -> list[str]:
        return list(self.left_over)

    def attempt(self, verb: str, *names: str) -> None:
        if "litellm.service" in names:
            self.listens = False
            self.states.clear()  # PartOf=

    def do(self, _verb: str, *_names: str) -> None:
        self.listens = True

    def reload(self) -> None:
        if self.reloads_badly:
            raise ManagerError("systemctl --user daemon-reload: it hangs")

    def states_of(self, name: str) -> State:
        active = "active" if self.listens else "inactive"
        return State(name, {"ActiveState": active, "UnitFileState": "enabled"})

    def journal(self, *_words: object) -> list[str]:
        return []


class Manager:
    """The host as the hand-over asks it."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __getattr__(self, name: str) -> object:
        return getattr(self.host, name)

    def states(self, names: list[str]) -> dict[str, State]:
        return {name: self.host.states_of(name) for name in names}
