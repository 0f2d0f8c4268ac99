# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit files of the gateway in the user's systemd."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence

from ..host import listeners
from ..host.unit_files import FileChange, FileWish, changes, left_alone, told_apart
from .handover import SOCKET, UMBRELLA
from .manager import GatewayManager

LISTENS = "ListenStream="


class UnitSet:
    """Which unit files are not as a generation wants them, and the way there."""

    def __init__(self, manager: GatewayManager) -> None:
        self.manager = manager

    def differing(self, texts: Mapping[str, str]) -> list[FileChange]:
        """Unit files that are not as wanted. Raises UnitError for one that somebody else wrote."""
        return changes(self.wishes(texts))

    def wishes(self, texts: Mapping[str, str]) -> list[FileWish]:
        folder = self.manager.units
        return [FileWish(folder / name, text, name) for name, text in texts.items()]

    def put_back(self, texts: Mapping[str, str]) -> str:
        """Have these units again, on a way back that has to come to its end: what somebody else
        wrote stays, and is what is returned, in a sentence; "" if nobody did."""
        ours, foreign = told_apart(self.wishes(texts))
        self.replace(ours)
        return left_alone(foreign) if foreign else ""

    def replace(self, units: Sequence[FileChange]) -> bool:
        """Write the units that differ. Returns whether there were any.

        A socket that is to listen elsewhere cannot be changed while it is in use: this is the one
        change that stops the gateway before it starts anew.
        """
        if moves_socket(units):
            # All that has ever served holds the old address until it has ended.
            self.manager.attempt("stop", SOCKET, UMBRELLA, "litellm@*.service")
        for change in units:
            change.apply()
        if units:
            self.manager.reload()
        return bool(units)

    def taken(self, texts: Mapping[str, str]) -> str:
        """Who else holds the address that these units want, in a sentence; "" if nobody does.

        To be asked before anything is stopped: once our own socket has gone there is no way to
        wait for an answer without losing requests.
        """
        ours, wanted = "", public_address(texts.get(SOCKET, ""))
        if self.manager.states([SOCKET])[SOCKET].is_running:
            with contextlib.suppress(FileNotFoundError):
                ours = public_address((self.manager.units / SOCKET).read_text())
        host, _colon, port = wanted.removeprefix("http://").rpartition(":")
        if not port or ours.rpartition(":")[2] == port:
            return ""
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                trial.bind((host.strip("[]"), int(port)))
                return ""
        held = ", ".join(map(str, listeners.holders(int(port))))
        # Without a listener the address is not this host's, or not there yet: FreeBind= will do.
        return f"{wanted.removeprefix('http://')} is taken by {held}" if held else ""

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
