# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of the gateway on its host: secrets, units and a generation, live or put back whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..host.unit_files import FileChange, FileWish, changes
from ..host.user_manager import ManagerError
from . import secrets_file
from .generation import Content, GenerationError, Store
from .handover import SOCKET, UMBRELLA, Handover, NotServingError


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
        self.secrets = self.store.base / "secrets.env"
        self.before = self.store.base / "secrets.env.before"

    def deploy(self, wanted: Wanted, live: bool) -> dict[str, Any]:
        """Serve `wanted`; with `live` False only have it up behind its private door."""
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
        if secrets_file.read(self.secrets) != values:
            self.keep_secrets()
            secrets_file.store(self.secrets, values)
            result["changed"] = True
        number = found or self.store.stage(content, self.about(wanted))
        result["generation"] = number
        result["changed"] |= self.activate(number, wanted.units, live)
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
            return self.start(number, live) or bool(units)
        except (NotServingError, ManagerError) as error:
            self.put_back(number, units, str(error))
            raise failed(number, current, error) from None

    def start(self, number: int, live: bool) -> bool:
        """Have the generation live, or up in private. Returns whether anything changed."""
        if number == self.store.current():
            started = self.handover.start(number)
            return self.handover.settle(number) or started
        if not live:
            return self.handover.start(number)
        self.handover.go_live(number)
        self.done(number)
        return True

    def go_to(self, number: int) -> dict[str, Any]:
        """Serve a generation that is there already."""
        current, manifest = self.store.current(), self.store.manifest(number)
        held = secrets_file.read(self.secrets)
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
        return {**result, "changed": changed}

    def discard(self, number: int, reason: str) -> dict[str, Any]:
        """Give up a candidate: stop it, mark it, and put its secrets away."""
        current = self.store.current()
        if number == current:
            raise GenerationError(f"generation {number} serves: go to another one first")
        self.store.manifest(number)
        noted = self.store.outcome(number).get("outcome") == "discarded"
        result: dict[str, Any] = {"generation": number, "previous": current}
        result |= {"diff": [], "changed": not noted}
        if not self.check and not noted:
            self.handover.stop(number)
            self.store.record(number, "discarded", reason)
            self.bring_back_secrets()
            self.close(current)
            if current is not None:
                self.replace_units(self.units(self.store.units(current)))
        return result

    def values(self, wanted: Wanted) -> dict[str, str]:
        keep = {n for number in self.store.numbers() for n in self.store.manifest(number).variables}
        held = secrets_file.read(self.secrets)
        return secrets_file.merged(held, wanted.given, wanted.variables, wanted.composed, keep)

    def content(self, wanted: Wanted, values: Mapping[str, str]) -> Content:
        names = sorted(secrets_file.needed(wanted.variables, wanted.composed) | {*wanted.composed})
        mark = self.mark(values, names)
        return Content(wanted.files, wanted.venv, wanted.units, tuple(names), mark)

    def mark(self, values: Mapping[str, str], names: list[str]) -> str:
        key = secrets_file.fingerprint_key(self.store.base / "secrets.key", not self.check)
        return secrets_file.fingerprint(values, names, key)

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

    def done(self, number: int) -> None:
        """What is left to do once a generation serves."""
        self.store.record(number, "live")
        self.before.unlink(missing_ok=True)
        self.store.prune(self.keep)

    def put_back(self, number: int, units: Sequence[FileChange], reason: str) -> None:
        """Units and secrets as they were; the one that served still does, or does again."""
        current = self.store.current()
        for change in units:
            change.undo()
        if units:
            self.manager.reload()
        if number != current:
            self.store.record(number, "failed", reason)
            self.bring_back_secrets()
            self.store.prune(self.keep)
        self.close(current)
        if current is not None and moves_socket(units):
            self.manager.attempt("stop", SOCKET)
            self.handover.go_back(current)

    def close(self, current: int | None) -> None:
        """Where nothing has ever served, nobody shall wait at the address."""
        if current is None:
            self.manager.attempt("stop", SOCKET, UMBRELLA)

    def keep_secrets(self) -> None:
        """A copy beside it, until the new values have proven themselves."""
        if self.secrets.exists() and not self.fits(self.before):
            secrets_file.store(self.before, secrets_file.read(self.secrets))

    def bring_back_secrets(self) -> None:
        """The values that the current generation was started with, if they were put aside."""
        if self.fits(self.before):
            self.before.replace(self.secrets)

    def fits(self, path: Path) -> bool:
        """Whether a file of secrets is the one that the current generation was made with."""
        current = self.store.current()
        if current is None or not path.exists():
            return False
        manifest = self.store.manifest(current)
        return self.mark(secrets_file.read(path), manifest.variables) == manifest.secrets

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
