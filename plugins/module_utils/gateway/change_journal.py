# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a change: change.json says how far it has come, so that a crash loses nothing.

The one of the change before is kept as changes/<id>.json. There is no secret in any of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..host import atomic

# What a change has behind it. The last two lead back from wherever it was.
PHASES = ("requested", "staged", "started", "proven", "switched", "serving", "answered", "settled")
UNDOING, UNDONE = "undoing", "undone"
KEEP = 10  # generations, where nobody said how many
KEPT = 50  # journals of earlier changes


@dataclass
class ChangeJournal:
    """One change. `number` is the generation that it leads to, None while that is not decided;
    `before` is the one that served when it began. `boot` tells a restart of the host. `result` is
    there exactly when the change is over. Times are seconds since 1970."""

    base: Path = field(repr=False)
    id: str
    kind: str
    by: str
    since: float
    boot: str
    number: int | None = None
    before: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    phase: str = "requested"
    reason: str = ""
    phases: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None

    @property
    def keep(self) -> int:
        """How many generations the change leaves on the host."""
        return int(self.options.get("keep", KEEP))

    @property
    def over(self) -> bool:
        return self.result is not None

    def reach(self, phase: str, reason: str = "") -> None:
        """Note, durably, that this phase is behind us (or that the way back has begun)."""
        self.phase, self.reason = phase, reason or self.reason
        self.phases.append({"phase": phase, "at": time.time()})
        self.save()
        if os.environ.get("LAB_LLM_HOLD") == phase:
            os.kill(os.getpid(), signal.SIGSTOP)  # for tests that cut a change off right here

    def finish(self, result: dict[str, Any]) -> None:
        """Note how it ended: {failed, msg, outcome, generation, previous, proof...}."""
        self.result = {**result, "phases": self.phases}
        self.save()

    def save(self) -> None:
        content = {name: value for name, value in asdict(self).items() if name != "base"}
        atomic.write(self.base / "change.json", json.dumps(content).encode(), 0o600)

    def words(self) -> str:
        """Who is at it, since when and how far."""
        since = time.strftime("%F %T %Z", time.localtime(self.since))
        target = f" to generation {self.number}" if self.number else ""
        return f"{self.by} ({self.kind}{target}, since {since}, {self.phase})"


def begin(
    base: Path,
    kind: str,
    by: str,
    boot: str,
    number: int | None,
    before: int | None,
    options: Mapping[str, Any],
) -> ChangeJournal:
    """A new journal in the place of the last one, which is kept. Only while `locked`."""
    last = read(base)
    if last is not None:
        put_aside(last)
    began = time.time()
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(began))}-{secrets.token_hex(3)}"
    journal = ChangeJournal(base, name, kind, by, began, boot, number, before, options)
    journal.reach("staged" if number else "requested")
    return journal


def read(base: Path, identity: str = "") -> ChangeJournal | None:
    """The journal of the change under way or the last one; with `identity` that very one."""
    paths = [base / "change.json"]
    if identity:
        paths.append(base / "changes" / f"{identity}.json")
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            known = set(ChangeJournal.__dataclass_fields__)
            said = {k: v for k, v in json.loads(path.read_text()).items() if k in known}
            if not identity or said["id"] == identity:
                return ChangeJournal(base=base, **said)
    return None


def put_aside(journal: ChangeJournal) -> None:
    """Put a journal aside, and let the oldest go."""
    folder = journal.base / "changes"
    folder.mkdir(mode=0o700, exist_ok=True)
    (journal.base / "change.json").replace(folder / f"{journal.id}.json")
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def say(words: str) -> None:
    """A line in the journal of litellm-change.service."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
