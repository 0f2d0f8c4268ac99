# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at what serves, by a timer: ask, remember, and have it undone if that is right.

Whether going back is right is for the transaction to find out, which asks both generations. Here
it is only seen that something fails again and again that the generation before has otherwise.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..host import atomic
from . import change_journal, schedule
from .asking import Asker
from .handover import SOCKET
from .installed import Installed
from .lock import LockedError
from .manager import unit
from .probe_checks import LISTING, Check, Thing, check, thing
from .proof import Options, prove
from .schedule import Plan, Rules, Seen
from .sealed import GenerationError

LONGEST_PAUSE = 60.0  # between two questions after the same failing thing
Undo = Callable[[], Mapping[str, Any]]


def say(words: str) -> None:
    """A line in the journal of whoever runs this."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


class Watch:
    """A look. `undo` asks the transaction to go back if that is better, and waits for its word;
    without it whoever calls is to do that: `look` says whether."""

    def __init__(
        self,
        gateway: Installed,
        rules: Rules,
        undo: Undo | None,
        *,
        say: Callable[[str], None] = say,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.gateway, self.rules, self.undo = gateway, rules, undo
        self.say, self.pause, self.now = say, pause, now
        self.store = gateway.store
        self.file = self.store.base / "watch.json"
        self.seen = self.remembered()

    def look(self) -> bool:
        """Look until all is well, or something is decided, or it is somebody else's turn. Returns
        whether the transaction is asked."""
        again = False
        while self.is_mine():
            number = self.store.current() or 0
            again &= not self.seen.of(number)
            checks = self.ask(number, again)
            self.seen.count(checks)
            helped = self.helped(number)
            self.remember()
            if not helped:
                self.say(self.told(number, checks))
                return False
            if often := schedule.too_often(self.seen, helped, self.rules):
                return self.decide(number, checks, often)
            most = max(self.seen.failing[what] for what in helped)
            times = f"{most} of {self.rules.failures} times in a row"
            failing = words([row for row in checks if not row["ok"]])
            seconds = min(self.rules.every / self.rules.failures / 2, LONGEST_PAUSE)
            self.say(f"generation {number}: {failing}, {times}; asking again in {seconds:.0f} s")
            self.pause(seconds)
            again = True
        return False

    def is_mine(self) -> bool:
        """Whether there is something to look at that nobody is changing, starting or stopping."""
        change, number = change_journal.read(self.store.base), self.store.current()
        reason = ""
        if change is not None and not change.over:
            reason = f"a change is under way: {change.words()}"
        elif number is None:
            reason = "nothing serves yet"
        elif self.gateway.manager.states([SOCKET])[SOCKET].active_state == "inactive":
            reason = f"{SOCKET} is stopped, which is somebody's wish"
        elif self.is_starting(number):
            reason = f"generation {number} is starting"
        if reason:
            self.say(f"not looked: {reason}")
        return not reason

    def is_starting(self, number: int) -> bool:
        """For the first time. One that systemd has to start again and again is not well."""
        instance, name = self.gateway.manager.instance(number), unit(number)
        if instance.active != "activating" or instance.failed:
            return False
        return self.gateway.manager.states([name])[name].restarts == 0

    def ask(self, number: int, again: bool) -> list[Check]:
        """What is due now, or `again` what has just failed. A gateway that is not there is asked
        nothing more."""
        seen, probes = self.seen, self.store.probes(number)
        planned = schedule.plan(seen, probes, self.rules, self.now())
        if again and seen.whole:
            planned = Plan(frozenset(seen.failing), (), ())
        first = [self.public(number), *self.prove(number, frozenset({schedule.LISTED}), ())]
        if any(row["status"] == 0 for row in first):
            return first
        checks = self.prove(number, planned.only, planned.spared)
        seen.asked |= dict.fromkeys(planned.asked, self.now())
        seen.whole, seen.turn = True, seen.turn + (not again)
        return [*first, *(row for row in checks if row["line"] != LISTING)]

    def prove(
        self, number: int, only: frozenset[Thing] | None, spared: Sequence[str]
    ) -> list[Check]:
        private, options = self.gateway.manager.private_socket, self.options()
        thrift = Options(
            no_completions=(*options.get("no_completions", ()), *spared),
            answer_seconds=float(options.get("answer_seconds", 60)),
            frugal=True,
            only=only,
        )
        return prove(
            self.store, number, str(private(number)), thrift, private_socket=private
        ).checks

    def public(self, number: int) -> Check:
        """Somebody accepts at the public address."""
        address, path = self.gateway.address(number), "/health/liveliness"
        answer = Asker(address, timeout=float(self.options().get("answer_seconds", 60))).ask(path)
        asked, ok = f"GET {address}{path}", answer.status == 200
        return check(LISTING, "public", asked, "200", answer.message(), ok, answer)

    def helped(self, number: int) -> list[Thing]:
        """What fails and may be otherwise in the generation before."""
        with contextlib.suppress(GenerationError):
            older = self.store.previous()
            before, now = (self.store.manifest(n) for n in (older, number))
            programs = [
                {n: h for n, h in one.files.items() if n.startswith("program/")}
                for one in (before, now)
            ]
            same = before.venv == now.venv and programs[0] == programs[1]
            probes = self.store.probes(number), self.store.probes(older)
            return schedule.helped(self.seen.failing, *probes, same)
        return []

    def told(self, number: int, checks: Sequence[Check]) -> str:
        """What is said where nothing is to be done."""
        bad = [row for row in checks if not row["ok"]]
        if not bad:
            return f"generation {number}: {len(checks)} checks, all well"
        with contextlib.suppress(GenerationError):
            before = f"generation {self.store.previous()} would fail in it too"
            return f"generation {number} stays: {words(bad)}; {before}"
        return f"generation {number} stays: {words(bad)}; there is none to go back to"

    def decide(self, number: int, checks: Sequence[Check], often: Sequence[Thing]) -> bool:
        """Have the transaction find out, unless that was done a short while ago."""
        failing = words([row for row in checks if thing(row) in often])
        why = schedule.held_back(self.seen, often, self.rules, self.now())
        if why:
            self.say(f"generation {number} stays: {failing}; {why}")
            return False
        self.seen.acted.append(self.now())
        self.settle(often, "the transaction was asked")
        self.say(f"generation {number}: {failing}: asking whether the one before is better")
        if self.undo is None:
            return True
        try:
            result = self.undo()
        except LockedError as error:
            self.settle((), "")
            self.say(f"generation {number} stays for now: {error}")
            return True
        why = str(result.get("reason") or result.get("msg", ""))
        stays = bool(result.get("failed") or not result.get("changed"))
        self.settle(often if stays else (), why)
        serves = f"{number} stays" if stays else f"{result['generation']} serves again"
        self.say(f"generation {serves}: {why}")
        return True

    def settle(self, things: Sequence[Thing], why: str) -> None:
        """Note what was decided about these, for the next looks."""
        self.seen.settled = {"things": list(things), "why": why, "at": self.now()}
        self.remember()

    def options(self) -> Mapping[str, Any]:
        """How the last change was made."""
        last = change_journal.read(self.store.base)
        return last.options if last is not None else {}

    def remembered(self) -> Seen:
        try:
            return schedule.restored(json.loads(self.file.read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            return Seen()  # it was never here, or was another version

    def remember(self) -> None:
        atomic.write(self.file, json.dumps(self.seen.as_dict()).encode(), 0o600)


def words(bad: Sequence[Check], most: int = 3) -> str:
    """What fails, in one line."""
    told = [f"{row['check']} fails ({row['seen']})" for row in bad[:most]]
    more = f" and {len(bad) - most} more" if len(bad) > most else ""
    return ", ".join(told) + more
