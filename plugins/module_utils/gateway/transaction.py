# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of the gateway: from a staged generation to one that serves, or back to the last.

    staged -> started (behind its private door) -> proven there -> switched (`current` names it)
    -> serving -> answered (at the public address) -> settled

Each step can be done twice, so a change that was cut off anywhere is done again from the start; its
journal says whether it may still be. Any failure leads back: undoing -> undone.
"""

from __future__ import annotations

import contextlib

from ..host.units import UnitError
from ..host.user_manager import ManagerError
from .change_journal import UNDOING, UNDONE, ChangeJournal, say
from .evidence import Evidence, UnprovenError
from .handover import NotServingError
from .installed import Installed
from .judge import judge
from .proof import Proven
from .sealed import GenerationError
from .secrets_file import MissingVariablesError
from .way_back import WayBack

# What ends a change badly, with a message for people.
FAILURES = (
    *(GenerationError, ManagerError, MissingVariablesError, NotServingError, UnitError),
    *(UnprovenError, OSError),
)
SURE = ("answered", "settled")  # phases after which it has proven itself for good
ATTEMPTS = 2  # a change that was cut off twice may well be the cause


class Transaction:
    """What a journal says, done on this host."""

    def __init__(self, gateway: Installed, journal: ChangeJournal) -> None:
        self.gateway, self.journal = gateway, journal
        self.store, self.handover = gateway.store, gateway.handover
        self.evidence = Evidence(gateway, journal)
        self.way_back = WayBack(gateway, journal, self.evidence)

    def run(self) -> None:
        """Carry the change out, or back. The journal has a result afterwards."""
        journal = self.journal
        if journal.attempts:  # cut off between a unit file and its reload, nobody would see it
            self.gateway.manager.attempt("daemon-reload")
        if journal.phase in (UNDOING, UNDONE):
            self.way_back.undo(journal.reason)
            return
        journal.attempts += 1
        journal.save()
        try:
            if too_late := self.must_go_back():
                raise NotServingError(too_late)
            if journal.number is None and not self.choose():
                return
            self.forward()
        except FAILURES as error:
            if journal.phase in SURE:  # half of it may be settled: systemd has it taken up again
                raise
            self.way_back.undo(str(error))

    def must_go_back(self) -> str:
        """Why a change that was cut off is not taken up again, "" if it is."""
        journal = self.journal
        if journal.phase in SURE:
            return ""
        if journal.number is not None and journal.number == self.store.current():
            if journal.attempts <= 2 * ATTEMPTS:
                return ""  # it serves already
        elif journal.boot != self.gateway.boot():
            return "the host, or the user's systemd, was started anew in the middle of the change"
        if journal.attempts > ATTEMPTS:
            return f"it was cut off {journal.attempts - 1} times ({journal.phase} was reached)"
        return ""

    def choose(self) -> bool:
        """With `only_if_unhealthy`: find out whether to go back, and where to. If not, the change
        is over."""
        journal, current = self.journal, self.store.current()
        if current is None:
            raise GenerationError("nothing serves: there is nothing to go back from")
        self.let_be_up(current)  # a process that died says nothing of its configuration
        live = self.evidence.ask(current, private=True)
        if live.ok:
            self.stay("every check of the generation that serves is good", live)
            return False
        older = self.store.previous()
        warm = self.gateway.manager.instance(older).up
        self.store.try_out(older)
        self.handover.renew(older)
        try:
            self.handover.start(older)
        except NotServingError as error:
            self.stay(f"generation {older}, the one before, does not start: {error}", live)
            return False
        before = self.evidence.ask(older, private=True)
        decision = judge(live.checks, before.checks)
        if decision.go:  # what failed may have come back meanwhile, by itself
            live = self.evidence.ask(current, private=True)
            decision = judge(live.checks, before.checks)
        if not decision.go:
            self.way_back.give_up(older, warm)
            self.stay(decision.why, live)
            return False
        journal.number, journal.reason = older, decision.why
        journal.save()
        return True

    def stay(self, why: str, proof: Proven) -> None:
        current = self.store.current()
        self.store.try_out(None)  # cut off before, it may have started an older one
        say(f"generation {current} stays: {why}")
        result = {"changed": False, "outcome": "stays", "reason": why, "generation": current}
        self.journal.finish({**result, "previous": current, "proof": proof.as_dict()})

    def forward(self) -> None:
        """All phases that are not behind us."""
        number, journal = self.number, self.journal
        changed = number != journal.before
        if number != self.store.current():
            self.let_current_be_up()
            self.start()
            journal.reach("started")
            self.prove_in_private()
            journal.reach("proven")
            self.switch()
            journal.reach("switched")
        if journal.phase not in SURE:  # with half of it settled there is no way back
            changed |= self.gateway.units.replace(self.gateway.differing(number))
            changed |= self.handover.settle(number)
            journal.reach("serving")
            self.prove_from_outside()
            journal.reach("answered")
        self.settle()
        journal.reach("settled")
        outcome = {"changed": changed, "outcome": "live", "reason": journal.reason}
        journal.finish(outcome | self.evidence.told())
        say(f"generation {number} serves")

    def let_current_be_up(self) -> None:
        """Clients first: where all of it was killed, systemd starts what is current as well, and of
        two that load at once each takes twice as long."""
        current = self.store.current()
        if current is not None and self.journal.attempts > 1:
            self.let_be_up(current)

    def let_be_up(self, current: int) -> None:
        """Wait for one that systemd starts anew just now, as long as a start may take."""
        with contextlib.suppress(NotServingError, ManagerError):
            self.handover.have_up(current)

    def start(self) -> None:
        """The candidate is up behind its private door."""
        missing = [
            name
            for name in self.store.manifest(self.number).variables
            if not self.gateway.held.values_of(self.number).get(name)
        ]
        if missing:
            raise MissingVariablesError(missing)
        if taken := self.gateway.units.taken(self.store.units(self.number)):
            raise NotServingError(f"{taken}: free it, or set gateway_port")
        self.store.try_out(self.number)
        self.gateway.units.replace_beside(self.gateway.differing(self.number))
        self.handover.renew(self.number)
        self.handover.start(self.number)

    def prove_in_private(self) -> None:
        """A new generation answers for everything; one that has served before for its names.

        Whoever goes back wants to be away from what serves now, and what is proven again is only
        that the old one is itself.
        """
        known = self.journal.kind != "deploy" and self.store.proven(self.number)
        proof = self.evidence.ask(self.number, private=True, only_names=known, compare=True)
        if proof.blocking:
            raise UnprovenError(f"generation {self.number} did not prove itself:", proof)

    def switch(self) -> None:
        """From here on it is the current one; the way back is noted first."""
        if not self.store.proven(self.number):
            self.store.record(self.number, "serving", before=self.journal.before)
        self.store.stand_by(self.journal.before)
        self.gateway.units.replace(self.gateway.differing(self.number))
        self.store.switch(self.number)

    def prove_from_outside(self) -> None:
        """Clients find it. A provider that was declared anew answers through it, whether or not
        anything had to change for that."""
        number, address = self.number, self.evidence.address()
        proof = self.evidence.ask(number, private=False, only_names=True)
        if not proof.ok:
            raise UnprovenError(f"generation {number} does not answer at {address}:", proof)
        new = self.journal.options.get("new_provider", "")
        if new and number == self.journal.before:
            proof = self.evidence.ask(number, private=True)
            if proof.blocking:
                said = f"generation {number} serves, and {new} does not prove itself in it:"
                raise UnprovenError(said, proof)

    def settle(self) -> None:
        """It serves and is good: its values are in force, and nobody waits to go back in a hurry
        with a key that was rotated."""
        number, held = self.number, self.gateway.held
        if rotated := held.rotated(number):
            say(f"rotated: {', '.join(rotated)}; no process with the old value stays warm")
            self.store.stand_by(None)
        if not self.store.proven(number):
            self.store.record(number, "live")
        if (address := self.evidence.address()) != self.gateway.address(number):
            self.store.record(number, address=address)  # for whoever asks it later
        if self.journal.kind == "judge" and self.journal.before not in (None, number):
            self.store.record(self.journal.before, "undone", self.journal.reason)
        held.settle(number)
        self.store.try_out(None)
        self.gateway.prune(self.journal.keep)

    @property
    def number(self) -> int:
        if self.journal.number is None:
            raise GenerationError("it is not decided which generation to go to")
        return self.journal.number
