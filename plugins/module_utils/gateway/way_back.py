# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back from a change that failed, wherever it was."""

from __future__ import annotations

import contextlib

from ..host.user_manager import ManagerError
from . import secrets_file
from .change_journal import UNDOING, UNDONE, ChangeJournal, say
from .evidence import Evidence
from .handover import NotServingError
from .installed import Installed


class WayBack:
    """What served before the change of a journal serves on, or again."""

    def __init__(self, gateway: Installed, journal: ChangeJournal, evidence: Evidence) -> None:
        self.gateway, self.journal, self.evidence = gateway, journal, evidence
        self.store, self.handover = gateway.store, gateway.handover

    def undo(self, reason: str) -> None:
        """Put its units and keys back, and have it serve; the journal has a result afterwards.

        Cut off, it is done again from the start."""
        journal, store = self.journal, self.store
        number, before = journal.number, journal.before
        reason = self.scrubbed(reason)
        journal.reach(UNDOING, reason)
        foreign = "" if before is None else self.gateway.units.put_back(store.units(before))
        reason = self.scrubbed(self.go_back(number, before, reason))
        if foreign:  # no unit of before: it serves with what is there, and people have to see to it
            reason = f"{reason}\nand a unit is not as generation {before} has it: {foreign}"
        if number is not None:
            self.gateway.held.drop(number)
            if number != before and not store.proven(number):
                store.record(number, "failed", reason)
        if before is None:
            self.gateway.close()
        store.try_out(None)
        told = self.evidence.told()
        self.gateway.prune(journal.keep)
        journal.reach(UNDONE)
        ended = {"failed": True, "changed": False, "outcome": UNDONE, "reason": reason}
        journal.finish({**ended, "msg": self.failure(reason), **told})
        say(f"undone: {reason}")

    def scrubbed(self, reason: str) -> str:
        """LiteLLM's last words, whatever the variables are called whose values it repeats."""
        number, held = self.journal.number, self.gateway.held
        values = [held.values(), held.values_of(number) if number is not None else {}]
        for known in values:
            reason = secrets_file.scrub({"reason": reason}, known)["reason"]
        return reason

    def go_back(self, number: int | None, before: int | None, reason: str) -> str:
        """What served before serves, and nothing else; the reason, and what else went wrong."""
        try:
            if number is not None and number == self.store.current() != before:
                if before is not None:
                    self.store.try_out(before)
                self.handover.take_back(number, before)
            elif number is not None and number != before:
                self.give_up(number)
            if before is not None:
                self.handover.settle(before)
        except (NotServingError, ManagerError) as error:
            with contextlib.suppress(ManagerError):  # clients may wait until it does
                self.handover.stand_up()
            return f"{reason}\nand generation {before} does not come back: {error}"
        return reason

    def give_up(self, number: int, warm: bool = False) -> None:
        """A candidate ends, unless it is one that was warm before all this."""
        if not warm and number != self.store.standby():
            self.handover.stop(number)
        self.store.try_out(None)

    def failure(self, reason: str) -> str:
        """What people are told: why, and what serves now."""
        before = self.journal.before
        if before is None:
            return f"{reason}\n(nothing serves)"
        serves = self.gateway.manager.instance(before).serves
        return f"{reason}\n(generation {before} {'serves' if serves else 'does not serve yet'})"
