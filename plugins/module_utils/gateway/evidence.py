# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change has been told by the generations that it asked."""

from __future__ import annotations

from typing import Any

from .change_journal import ChangeJournal
from .installed import Installed
from .proof import Options, Proven, prove

NAMES = ("models", "wildcards")  # of what is asked: what it takes to judge the listed names


class UnprovenError(Exception):
    """A proof came out badly; the message has its lines."""

    def __init__(self, said: str, proof: Proven) -> None:
        self.proof = proof
        super().__init__("\n".join([said, *proof.lines]))


class Evidence:
    """Asks as the change's options say, and keeps the last proof of each place."""

    def __init__(self, gateway: Installed, journal: ChangeJournal) -> None:
        self.gateway, self.journal = gateway, journal
        self.proofs: dict[str, dict[str, Any]] = {}

    def ask(
        self, number: int, *, private: bool, only_names: bool = False, compare: bool = False
    ) -> Proven:
        """Prove a generation behind its private door, or at the public address.

        With `only_names` it costs nobody anything: the listed names are compared. With `compare`
        what fails in the same way where the change comes from does not block.
        """
        manager, store = self.gateway.manager, self.gateway.store
        door = str(manager.private_socket(number)) if private else self.address()
        before = self.journal.before if compare and self.journal.before != number else None
        names = {key: store.probes(number).get(key, ()) for key in NAMES}
        proof = prove(
            *(store, number, door, self.options()),
            probes=names if only_names else None,
            compare_with=before,
            private_socket=manager.private_socket,
        )
        where = "private" if private else "public"
        self.proofs[where] = {"where": where, "generation": number, **proof.as_dict()}
        return proof

    def told(self) -> dict[str, Any]:
        """What the result of a change says besides how it ended, and what its generation keeps."""
        journal, proofs = self.journal, self.proofs
        own = [proof for proof in proofs.values() if proof["generation"] == journal.number]
        if journal.number is not None and own:
            self.gateway.store.record(journal.number, proofs=own)
        most = proofs.get("private") or proofs.get("public")
        return {"generation": journal.number, "previous": journal.before, "proof": most}

    def options(self) -> Options:
        given = self.journal.options
        return Options(
            new_provider=given.get("new_provider", ""),
            no_completions=tuple(given.get("no_completions", ())),
            answer_seconds=float(given.get("answer_seconds", 60)),
            frugal=self.journal.kind == "judge",
        )

    def address(self) -> str:
        """Where the generation that the change leads to is asked from outside: a deployment says
        so anew, whoever goes back asks where that generation was asked before."""
        number = self.journal.number or self.gateway.store.current() or 0
        if named := self.journal.options.get("address"):
            return str(named)
        deployed = self.journal.kind == "deploy"
        return self.gateway.listens(number) if deployed else self.gateway.address(number)
