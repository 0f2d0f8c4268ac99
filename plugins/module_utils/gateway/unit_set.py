# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit files of the gateway in the user's systemd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..host.unit_files import FileChange, FileWish, changes
from .handover import SOCKET, UMBRELLA
from .manager import GatewayManager

LISTENS = "ListenStream="


class UnitSet:
    """Which unit files are not as a generation wants them, and the way there."""

    def __init__(self, manager: GatewayManager) -> None:
        self.manager = manager

    def differing(self, texts: Mapping[str, str]) -> list[FileChange]:
        """Unit files that are not as wanted. Raises UnitError for one that somebody else wrote."""
        folder = self.manager.units
        return changes(FileWish(folder / name, text, name) for name, text in texts.items())

    def replace(self, units: Sequence[FileChange]) -> bool:
        """Write the units that differ. Returns whether there were any.

        A socket that is to listen elsewhere cannot be changed while it is in use: this is the one
        change that stops the gateway before it starts anew.
        """
        if moves_socket(units):
            self.manager.attempt("stop", SOCKET, UMBRELLA)
        for change in units:
            change.apply()
        if units:
            self.manager.reload()
        return bool(units)

    def replace_beside(self, units: Sequence[FileChange]) -> None:
        """What a candidate needs: all of them, but a socket that is in use stays as it is."""
        self.replace([change for change in units if not moves_socket([change])])


def moves_socket(units: Sequence[FileChange]) -> bool:
    """Whether a socket that exists is to be another."""
    return any(change.wish.unit == SOCKET and change.before for change in units)


def public_address(socket_unit: str) -> str:
    """Where the host itself asks a gateway with this litellm.socket, "" if it says nothing."""
    for line in socket_unit.splitlines():
        if line.startswith(LISTENS):
            host, _colon, port = line.removeprefix(LISTENS).strip().rpartition(":")
            # What listens everywhere is asked on the host's own loopback.
            host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
            return f"http://{host}:{port}"
    return ""
