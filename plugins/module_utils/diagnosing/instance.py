# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An instance of ours on its own host: its unit, journal, key, port, and what it answers."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..host.diagnosis import PHRASES, cause
from ..host.key_lists import keys_in, value_in
from ..host.user_manager import Manager, ManagerError, State, run
from ..host.user_units import UNITS, secrets_path
from . import answers
from .on_host import port_here
from .rows import Ask, Row, row, unknown

SECONDS = 10.0
LINES = 300  # of the journal that are looked through
MOST = 5  # of them that are shown
CALM_SECONDS = 600  # after which earlier restarts say nothing of now
_TELLING = re.compile(
    r"\b(error|fatal|fail(ed|ure|s)?|exception|traceback|panic|refused|denied|killed|cannot|can't"
    r"|unable|not found|no such|out of memory|oom|invalid|unauthorized|timed? ?out|abort(ed)?)\b",
    re.IGNORECASE,
)
_SHOWN = (
    "LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,ExecMainPID,"
    "MainPID,NRestarts,InvocationID,ActiveEnterTimestampMonotonic,MemoryCurrent"
)
Wanted = Mapping[str, Any]


class Instance:
    """As the services' user. `wanted`: unit, units (with those that it stands on), answers (whether
    it can be asked anything), port, bind, address, base, health_path, models_path, way, models,
    key_variable, key_list."""

    def __init__(self, wanted: Wanted, home: Path) -> None:
        self.wanted, self.home, self.name = wanted, home, str(wanted["unit"])
        self.manager = Manager()

    def asks(self) -> list[tuple[str, Ask]]:
        units: list[tuple[str, Ask]] = [
            ("unit", partial(self.unit, name)) for name in self.wanted["units"]
        ]
        if not self.wanted["answers"]:
            return units
        return [
            *units,
            ("port_here", lambda: port_here(self.wanted)),
            ("key_here", self.key),
            ("health_here", self.health),
            ("models_here", self.models),
        ]

    def unit(self, name: str) -> list[Row]:
        """Its state, its restarts and what it said."""
        asked, expected = f"unit {name}", "active"
        path = self.home / UNITS / name
        try:
            state = state_of(name)
        except ManagerError as problem:
            return [row("unit", asked, expected, str(problem), "no_systemd", unit=name)]
        if state.load_state in ("not-found", ""):
            why = "it is not there" if not path.exists() else "systemd has not loaded its file"
            return [row("unit", asked, expected, why, "missing", unit=name)]
        lines = self._journal(state)
        return [_unit_row(state, lines), _restarts(state), _journal_row(state, lines)]

    def _journal(self, state: State) -> list[str]:
        with contextlib.suppress(ManagerError):
            pid = state.exec_main_pid
            return self.manager.journal(state.name, state.invocation, LINES, pid)
        return []

    def key(self) -> Row:
        """Whether the key that it demands is in its file, and in the process that runs."""
        asked = f"the key in the environment of {self.name}"
        if not self.wanted.get("key_variable"):
            return unknown("key_here", asked, "it demands none")
        names = self._variables()
        if not names:
            return row("key_here", asked, "set", "its file of keys has none", "missing")
        try:
            pid = state_of(self.name).main_pid
            running = environment_of(pid) if pid else {}
        except (ManagerError, OSError):
            return unknown("key_here", asked, "in its file; the process could not be looked into")
        if not running:
            return unknown("key_here", asked, "in its file; no process runs")
        file = secrets_path(self.home, self.name)
        lacking = [name for name in names if not running.get(name)]
        other = [name for name in names if running.get(name) != value_in(file, name)]
        if lacking:
            seen = f"{', '.join(lacking)} is not in its process"
            return row("key_here", asked, "set", seen, "missing", variable=lacking[0])
        if other:
            seen = f"{', '.join(other)} is another in its process than in its file"
            return row("key_here", asked, "set", seen, "older", variable=other[0])
        return row("key_here", asked, "set", f"{', '.join(names)} is set")

    def _variables(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            lines = secrets_path(self.home, self.name).read_text().splitlines()
            return [line.partition("=")[0] for line in lines if "=" in line]
        return []

    def _key(self) -> str:
        """The first key that it takes."""
        file = secrets_path(self.home, self.name)
        value = next((value_in(file, name) for name in self._variables()), "")
        return (keys_in(value) or [""])[0] if self.wanted.get("key_list") else value

    def secrets(self) -> list[str]:
        """What may be in no text."""
        file = secrets_path(self.home, self.name)
        values = [value_in(file, name) for name in self._variables()]
        return [*values, *(key for value in values for key in keys_in(value))]

    def health(self) -> Row:
        url = f"{self.wanted['base']}{self.wanted['health_path']}"
        return answers.health(url, {}, "health_here")

    def models(self) -> Row:
        key = self._key() if self.wanted.get("key_variable") else ""
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.wanted['base']}{self.wanted['models_path']}"
        declared, way = self.wanted["models"], str(self.wanted["way"])
        return answers.models(url, sent, declared, way, "models_here")


def state_of(name: str) -> State:
    """What systemd says of a unit, asked with a bound. Raises ManagerError."""
    words = ("show", f"--property={_SHOWN}", "--", name)
    seen = run(["systemctl", "--user", "--no-ask-password", *words], SECONDS)
    if seen.returncode:
        said = " ".join(seen.stderr.split())
        raise ManagerError(f"the user's systemd does not answer: {said}")
    pairs = (line.partition("=") for line in seen.stdout.splitlines())
    return State(name, {key: value for key, _equals, value in pairs})


def _unit_row(state: State, lines: list[str]) -> Row:
    asked = f"unit {state.name}"
    words = f"{state.active_state} ({state.sub_state})"
    about = {"unit": state.name, "result": state.result}
    if state.is_running:
        seen = f"{words} for {_span(_age(state))}"
        return row("unit", asked, "active", seen, **about)
    if state.active_state == "activating" and not state.is_down:
        return row("unit", asked, "active", words, "starting", **about)
    if state.active_state == "inactive" and state.result == "success":
        seen = f"{words}: it was stopped, or never started"
        return row("unit", asked, "active", seen, "stopped", **about)
    why, told = cause(state, lines), telling(lines)
    if told and why.startswith("its program ended"):
        why += f"; its journal says: {told[-1]}"
    return row("unit", asked, "active", f"{words}: {why}", "down", **about, why=why)


def _restarts(state: State) -> Row:
    calm = state.is_running and _age(state) > CALM_SECONDS
    fault = "restarting" if state.restarts and not calm else ""
    asked, seen = f"restarts of {state.name}", f"{state.restarts} by systemd"
    return row("restarts", asked, "none of late", seen, fault, count=state.restarts)


def _journal_row(state: State, lines: list[str]) -> Row:
    """Not a fault by itself: engines log errors that matter to nobody."""
    asked = f"journal of {state.name}, its last run"
    found = telling(lines)
    seen = "; ".join(found) or f"nothing that tells in {len(lines)} lines"
    return row("journal", asked, "nothing that tells", seen, lines=found)


def telling(lines: list[str]) -> list[str]:
    """Of the lines of a journal those that may say why, each once, the last of them."""
    patterns = [re.compile(phrase[0], re.IGNORECASE) for phrase in PHRASES]
    known = [line for line in lines if any(pattern.search(line) for pattern in patterns)]
    found = known or [line for line in lines if _TELLING.search(line)]
    return [line.strip()[:240] for line in list(dict.fromkeys(found))[-MOST:]]


def environment_of(pid: int) -> dict[str, str]:
    """The environment that a process was started with. Raises OSError."""
    text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    return {k: v for k, equals, v in (one.partition("=") for one in text.split("\0")) if equals}


def _age(state: State) -> float:
    begun = int(state.properties.get("ActiveEnterTimestampMonotonic") or 0)
    return max(0.0, time.clock_gettime(time.CLOCK_MONOTONIC) - begun / 1e6) if begun else 0.0


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
