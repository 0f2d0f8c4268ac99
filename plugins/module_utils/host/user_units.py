# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of a user: files, enabling, starting what changed, waiting until it answers.

Which text, environment and watched files a unit was last started with is remembered in
~/.local/state/lab-llm, so that a run which was cut off between writing and restarting is finished
by the next.
"""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .readiness import Probe, why_not_ready
from .started_with import Ingredients, forget, remember, started_with
from .unit_files import FileChange, FileWish, changes
from .units import is_ours
from .user_manager import Manager, State, is_template

UNITS = ".config/systemd/user"
SECRETS = ".config/lab-llm"


@dataclass(frozen=True)
class Unit:
    """One wish. `text` None leaves the file as it is; `secrets` go into an environment file, and
    `files` (name -> text) beside that."""

    name: str
    text: str | None = None
    secrets: dict[str, str] | None = None
    environment_file: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    mode: int = 0o644
    state: str = "started"
    enabled: bool = True
    restart: bool = True
    trigger: str = ""
    watch: tuple[str, ...] = ()
    port: int | None = None
    ready: tuple[Probe, ...] = ()
    ready_timeout: float = 120.0

    @property
    def ingredients(self) -> Ingredients:
        return Ingredients(self.text, self.secrets, self.trigger, self.watch)


@dataclass
class Outcome:
    """What was done, or would be: {unit: [words]}, in the order of the units."""

    actions: dict[str, list[str]] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, name: str, word: str) -> None:
        self.actions.setdefault(name, []).append(word)


def secrets_path(home: Path, name: str) -> Path:
    """The environment file of a unit."""
    return home / SECRETS / f"{name}.env"


def beside_path(home: Path, name: str, file: str) -> Path:
    """One of a unit's other files; `*` for all of them, its environment file among them."""
    return home / SECRETS / f"{name}.{file}"


def leftovers(home: Path, patterns: Collection[str], declared: Iterable[str]) -> list[str]:
    """Our units that match one of the patterns and are not declared any more."""
    if not patterns:
        return []
    known = set(declared)
    return [
        path.name
        for path in sorted((home / UNITS).glob("*"))
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns)
        and path.name not in known
        and path.is_file()
        and is_ours(path.read_text(errors="replace"))
    ]


def converge(units: list[Unit], home: Path, manager: Manager | None, check: bool) -> Outcome:
    """Bring all units to their wished state. Without a manager (check mode on a bare host) all
    are taken as not started. Raises UnitError, ManagerError; what does not become ready is in
    `failures`, and then its earlier files are back."""
    outcome = Outcome()
    found = changes(wish for unit in units for wish in _wishes(unit, home))
    states = manager.states([unit.name for unit in units]) if manager else {}
    others = {change.wish.unit for change in found if change.before != change.wish.content}
    plan = _Plan(units, home, states, others)
    for change in found:
        word = "removed" if change.wish.content is None else "written"
        outcome.note(change.wish.unit, f"{'secrets ' if change.wish.secret else ''}{word}")
        outcome.diff.append(change.diff())
    for words in ("stop", "disable", "enable", "start", "restart"):
        for name in plan.verbs(words):
            outcome.note(name, {"stop": "stopp"}.get(words, words).removesuffix("e") + "ed")
    if not check and manager:
        _apply(plan, found, manager, outcome)
    return outcome


class _Plan:
    """Which verb each unit needs."""

    def __init__(
        self, units: list[Unit], home: Path, states: dict[str, State], changed: set[str]
    ) -> None:
        self.units, self.home, self.states, self.changed = units, home, states, changed
        self._verbs = {unit.name: self._needs(unit) for unit in units}

    def verbs(self, verb: str) -> list[str]:
        return [name for name, verbs in self._verbs.items() if verb in verbs]

    def needs_reload(self) -> bool:
        return any(state.need_daemon_reload == "yes" for state in self.states.values())

    def waiting(self) -> list[Unit]:
        return [u for u in self.units if u.state == "started" and not is_template(u.name)]

    def _needs(self, unit: Unit) -> set[str]:
        state = self.states.get(unit.name)
        running = bool(state and not state.is_down)
        # One that waits for its next try would come back.
        alive = bool(state and state.active_state not in ("", "inactive", "failed"))
        enabled = bool(state and state.is_enabled)
        if is_template(unit.name) or unit.state == "present":
            return set()
        if unit.state in ("stopped", "absent"):
            needs = {"stop"} if alive else set()
            off = unit.state == "absent" or not unit.enabled
            return needs | ({"disable"} if enabled and off else set())
        needs = set() if enabled or not unit.enabled else {"enable"}
        if not running:
            return needs | {"start"}
        return needs | ({"restart"} if unit.restart and self._is_outdated(unit) else set())

    def _is_outdated(self, unit: Unit) -> bool:
        """Whether it runs with another text, environment or program than it should, or may: whoever
        has edited its files may have restarted it."""
        known = started_with(self.home, unit.name, unit.ingredients)
        return unit.name in self.changed or known is False


def _wishes(unit: Unit, home: Path) -> list[FileWish]:
    absent = unit.state == "absent"
    if unit.text is None and not absent:
        return []
    text, secret = (None, None) if absent else (unit.text, unit.environment_file)
    files = {} if absent else {beside_path(home, unit.name, k): v for k, v in unit.files.items()}
    there = sorted((home / SECRETS).glob(beside_path(home, glob.escape(unit.name), "*").name))
    left = (one for one in there if one not in files and one != secrets_path(home, unit.name))
    gone = [one for one in left if is_ours(one.read_text(errors="replace"))]
    return [
        *(FileWish(path, content, unit.name) for path, content in files.items()),
        *(FileWish(path, None, unit.name) for path in gone),
        FileWish(home / UNITS / unit.name, text, unit.name, unit.mode),
        FileWish(secrets_path(home, unit.name), secret, unit.name, 0o600, secret=True),
    ]


def _apply(plan: _Plan, found: list[FileChange], manager: Manager, outcome: Outcome) -> None:
    for verb in ("stop", "disable"):
        if names := plan.verbs(verb):
            manager.do(verb, *names)
    if stopped := plan.verbs("stop"):  # what had to be killed in the end has not failed
        manager.attempt("reset-failed", *stopped)
    for change in found:
        change.apply()
    enable, start, restart = (plan.verbs(verb) for verb in ("enable", "start", "restart"))
    if found or plan.needs_reload():
        manager.reload()
    if enable:
        manager.do("enable", *enable)
    if start:
        manager.attempt("reset-failed", *start)
        manager.attempt("start", *start)
    if restart:
        manager.attempt("restart", *restart)
    for unit in plan.units:
        if unit.state in ("absent", "stopped"):  # what is not to run is not missed either
            forget(plan.home, unit.name)
    _await(plan, found, manager, outcome)


def _await(plan: _Plan, found: list[FileChange], manager: Manager, outcome: Outcome) -> None:
    """Wait for all that shall run; put back the files of those that do not come up."""
    touched = set(plan.verbs("start") + plan.verbs("restart"))
    for unit in plan.waiting():
        problem = why_not_ready(manager, unit.name, unit.ready, unit.port, unit.ready_timeout)
        if not problem:
            remember(plan.home, unit.name, unit.ingredients)
            continue
        mine = [change for change in found if change.wish.unit == unit.name]
        if unit.name in touched and any(change.before is not None for change in mine):
            problem = f"{problem}\n{_put_back(unit, mine, manager)}"
        outcome.failures.append(problem)


def _put_back(unit: Unit, mine: list[FileChange], manager: Manager) -> str:
    """The earlier unit comes back, and a sentence says so."""
    for change in mine:
        change.undo()
    manager.reload()
    manager.attempt("reset-failed", unit.name)
    manager.attempt("restart", unit.name)
    problem = why_not_ready(manager, unit.name, (), None, min(unit.ready_timeout, 60.0))
    now = "fails too" if problem else "runs"
    return f"{unit.name} was put back to its earlier form, which {now}."
