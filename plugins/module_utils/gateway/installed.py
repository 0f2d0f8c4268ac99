# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway on this host: its generations, its secrets, its units and its processes."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..host import atomic
from ..host.unit_files import FileChange
from ..host.user_manager import ManagerError
from .change_journal import say
from .generation import Store
from .handover import SOCKET, UMBRELLA, Handover
from .held import Held
from .manager import GatewayManager
from .sealed import GenerationError
from .unit_set import UnitSet, public_address

CHANGE_UNIT = "litellm-change.service"
# Its exit status where nothing can be written (EX_TEMPFAIL): to try again at once is no use.
NO_ROOM = 75


class Installed:
    """All parts together, for the gateway in the folder `base` of the user who runs this."""

    def __init__(self, base: Path, start_seconds: float = 300.0) -> None:
        self.store = Store(base)
        self.manager = GatewayManager(base.parent, start_seconds)
        self.handover = Handover(self.store, self.manager, start_seconds)
        self.held, self.units = Held(self.store), UnitSet(self.manager)

    def is_as_declared(self, number: int) -> bool:
        """Whether this generation serves, alone, with its own units, now and at every boot."""
        if self.differing(number):
            return False
        serving = [one.number for one in self.manager.instances() if one.serves]
        states = self.manager.states([SOCKET, UMBRELLA]).values()
        stands = all(state.is_running and state.is_enabled for state in states)
        return serving == [number] and stands

    def differing(self, number: int) -> list[FileChange]:
        """The unit files that are not those of this generation."""
        return self.units.differing(self.store.units(number))

    def address(self, number: int) -> str:
        """Where that generation is asked from outside: as whoever deployed it has said, else where
        it listens."""
        return str(self.store.outcome(number).get("address") or self.listens(number))

    def listens(self, number: int) -> str:
        """Where clients on this host find that generation once it serves."""
        return public_address(self.store.text(number, f"units/{SOCKET}"))

    def prune(self, keep: int) -> None:
        """Let old generations go. What cannot go stays: no change fails for that."""
        try:
            self.store.prune(keep, [one.number for one in self.manager.instances()])
        except (OSError, GenerationError, ManagerError) as error:
            say(f"old generations stay: {error}")

    def boot(self) -> str:
        """The same until the host, or the user's systemd, is started anew."""
        path = self.manager.runtime / "lab-llm" / "boot"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            atomic.write(path, secrets.token_hex(8).encode(), 0o600)
        return path.read_text()

    def close(self) -> None:
        """Where nothing has ever served, nobody shall wait at the address, now or at a boot."""
        self.manager.attempt("stop", SOCKET, UMBRELLA)
        self.manager.attempt("disable", SOCKET, UMBRELLA)
