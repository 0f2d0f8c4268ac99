# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of the gateway on its host: secrets, units and a generation, live or put back whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..host.unit_files import FileChange, FileWish, changes
from ..host.user_manager import ManagerError
from . import secrets_file
from .content import Content
from .generation import BAD, GenerationError, Store
from .handover import SOCKET, UMBRELLA, Handover, NotServingError
from .held import Held


@dataclass(frozen=True)
class Wanted:
    """What shall be served. `given` holds values of secrets and is never shown."""

    files: Mapping[str, str]
    venv: str
    units: Mapping[str, str]
    variables: tuple[str, ...] = ()
    composed: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    commit: str = ""
    by: str = ""


class Change:
    """One run's change. With `check` nothing is written and nobody is told anything."""

    def __init__(self, handover: Handover, keep: int, check: bool) -> None:
        self.handover, self.keep, self.check = handover, keep, check
        self.store: Store = handover.store
        self.manager = handover.manager
        self.held = Held(self.store, check)

    def deploy(self, wanted: Wanted, live: bool, settle: bool = True) -> dict[str, Any]:
        """Serve `wanted`; with `live` False only have it up behind its private door.

        With `settle` False the way back stays open: see `settle`.
        """
        values = self.values(wanted)
        content = self.content(wanted, values)
        current, found = self.store.current(), self.store.same(content.digest())
        units = self.units(wanted.units)
        result: dict[str, Any] = {
            "generation": found or max(self.store.numbers(), default=0) + 1,
            "previous": current,
            "diff": self.differences(current, wanted, units),
            "changed": found is None or found != current or bool(units),
        }
        if self.check:
            return result
        result["changed"] |= self.held.replace(values)
        number = found or self.store.stage(content, self.about(wanted))
        result["generation"] = number
        result["changed"] |= self.activate(number, wanted.units, live)
        if live and settle:
            result["changed"] |= self.settle(number)
        return result

    def activate(self, number: int, texts: Mapping[str, str], live: bool) -> bool:
        """Units and instance of a generation, or all as it was and NotServingError.

        A candidate leaves a socket that is in use alone. Returns whether anything changed.
        """
        current, units = self.store.current(), self.units(texts)
        if not live and number != current:
            units = [change for change in units if not moves_socket([change])]
        try:
            self.replace_units(units)
            return self.start(number, live, current) or bool(units)
        except (NotServingError, ManagerError) as error:
            self.put_back(number, units, str(error))
            raise failed(number, current, error) from None

    def start(self, number: int, live: bool, current: int | None) -> bool:
        """Have the generation live, or up in private. Returns whether anything changed."""
        if number == current:
            started = self.handover.start(number)
            return self.handover.settle(number) or started
        if not live:
            return self.handover.start(number)
        if not self.store.proven(number):
            self.store.record(number, "serving", before=current)
        self.handover.go_live(number)
        return True

    def settle(self, number: int) -> bool:
        """It serves and is good: the values from before it go. Returns whether that was news.

        Until then the change can be taken back whole: `discard`.
        """
        news = not self.store.proven(number) or self.held.has_older(number)
        if news and not self.check:
            self.store.record(number, "live")
            self.held.forget()
            self.store.prune(self.keep)
        return news

    def go_to(self, number: int, settle: bool = True) -> dict[str, Any]:
        """Serve a generation that is there already."""
        current, manifest = self.store.current(), self.store.manifest(number)
        held = self.held.values()
        missing = [name for name in manifest.variables if not held.get(name)]
        if missing:
            raise secrets_file.MissingVariablesError(missing)
        if not (self.store.base / "venvs" / manifest.venv / "bin" / "python").exists():
            raise GenerationError(f"generation {number} needs the venv {manifest.venv}: it is gone")
        texts = [self.store.text(n, "config.yaml") for n in (current, number)]
        diff = [difference("config.yaml", *texts)] if texts[0] != texts[1] else []
        result: dict[str, Any] = {"generation": number, "previous": current, "diff": diff}
        changed = number != current
        if not self.check:
            changed |= self.activate(number, self.store.units(number), live=True)
        if settle:
            changed |= self.settle(number)
        return {**result, "changed": changed}

    def discard(self, number: int, reason: str) -> dict[str, Any]:
        """Give up a generation that is not proven: stop it, mark it, put its secrets away."""
        current, said = self.store.current(), self.store.outcome(number)
        self.store.manifest(number)
        if number == current and self.store.proven(number):
            raise GenerationError(f"generation {number} serves: go to another one first")
        noted = number != current and said.get("outcome") in BAD
        back = said.get("before") if number == current else current
        result: dict[str, Any] = {"generation": number, "previous": back, "diff": []}
        result["changed"] = not noted
        if self.check or noted:
            return result
        self.held.bring_back(back)
        units = [] if back is None else self.units(self.store.units(back))
        if number == current:
            self.replace_units(units)
            self.handover.take_back(number, back)
        else:
            self.handover.stop(number)
            self.replace_units(units)
        self.store.record(number, "failed" if number == current else "discarded", reason)
        self.close(back)
        self.store.prune(self.keep)
        return result

    def values(self, wanted: Wanted) -> dict[str, str]:
        keep = {n for number in self.store.numbers() for n in self.store.manifest(number).variables}
        held = self.held.values()
        return secrets_file.merged(held, wanted.given, wanted.variables, wanted.composed, keep)

    def content(self, wanted: Wanted, values: Mapping[str, str]) -> Content:
        names = sorted(secrets_file.needed(wanted.variables, wanted.composed) | {*wanted.composed})
        mark = self.held.mark(values, names)
        return Content(wanted.files, wanted.venv, wanted.units, tuple(names), mark)

    def about(self, wanted: Wanted) -> dict[str, str]:
        venv = json.loads((self.store.base / "venvs" / wanted.venv / "lab-llm.json").read_text())
        chosen = {name: venv.get(name, "") for name in ("litellm", "lock")}
        return {**chosen, "commit": wanted.commit, "by": wanted.by}

    def units(self, texts: Mapping[str, str]) -> list[FileChange]:
        """Unit files that are not as wanted. Raises UnitError for one that somebody else wrote."""
        folder = self.manager.units
        return changes(FileWish(folder / name, text, name) for name, text in texts.items())

    def replace_units(self, units: Sequence[FileChange]) -> None:
        """Write the units that differ.

        A socket that is to listen elsewhere cannot be changed while it is in use: this is the one
        change that stops the gateway before it starts anew.
        """
        if moves_socket(units):
            self.manager.attempt("stop", SOCKET, UMBRELLA)
        for change in units:
            change.apply()
        if units:
            self.manager.reload()

    def put_back(self, number: int, units: Sequence[FileChange], reason: str) -> None:
        """Units and secrets as they were; the one that served still does, or does again.

        The files come first: systemd may be what is at fault.
        """
        current = self.store.current()
        for change in units:
            change.undo()
        if number != current:
            self.store.record(number, "failed", reason)
            self.held.bring_back(current)
            self.store.prune(self.keep)
        if units:
            self.manager.reload()
        self.close(current)
        if current is not None and moves_socket(units):
            self.manager.attempt("stop", SOCKET)
            self.handover.serve(current)

    def close(self, current: int | None) -> None:
        """Where nothing has ever served, nobody shall wait at the address, now or at a boot."""
        if current is None:
            self.manager.attempt("stop", SOCKET, UMBRELLA)
            self.manager.attempt("disable", SOCKET, UMBRELLA)

    def differences(
        self, current: int | None, wanted: Wanted, units: Sequence[FileChange]
    ) -> list[dict[str, str]]:
        """For diff mode: every file that would change. None holds a secret."""
        before = {name: self.store.text(current, name) for name in wanted.files}
        pairs = [(name, before[name], text) for name, text in sorted(wanted.files.items())]
        files = [difference(*pair) for pair in pairs if pair[1] != pair[2]]
        return files + [change.diff() for change in units]


def moves_socket(units: Sequence[FileChange]) -> bool:
    """Whether a socket that exists is to be another."""
    return any(change.wish.unit == SOCKET and change.before for change in units)


def failed(number: int, current: int | None, error: Exception) -> NotServingError:
    """What people are told: which generation, why, and what serves now."""
    still = "nothing serves" if current is None else f"generation {current} serves as before"
    alone = "" if number == current else f" ({still})"
    return NotServingError(f"generation {number} does not serve{alone}: {error}")


def difference(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}
