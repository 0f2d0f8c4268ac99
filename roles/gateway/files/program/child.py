# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker as its parent sees it.

The two talk over a pair of sockets. The parent says `accept`, `refuse` or `stop <seconds>`; the
worker says what became of it: `up`, `accepting`, `draining`, `idle`, `closed`, `failed <reason>`.
The end of either is the end of the file for the other one, however it came.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

WORKER = Path(__file__).resolve().parent / "worker.py"
LONGEST = 4096  # bytes of what a worker says
STEADY_SECONDS = 60.0  # up for so long, a worker is started again at once
LAST_SECONDS = 1.0  # from the end of its channel to its own
SLOWEST_SECONDS = 30.0  # between two starts of one that ends again and again


class Child:
    """One worker, and the one that takes its place when it ends."""

    def __init__(self, number: int) -> None:
        self.number, self.state, self.reason = number, "gone", ""
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.begun, self.again_at, self.ends = 0.0, 0.0, 0

    @property
    def up(self) -> bool:
        return self.state not in ("gone", "starting")

    def start(
        self, public: socket.socket | None, private: socket.socket, others: Sequence[int]
    ) -> socket.socket:
        """Start it with these sockets; returns where it is heard. `others` are kept open in it."""
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = [public.fileno() if public else -1, private.fileno(), theirs.fileno()]
        environment = {**os.environ, "LAB_LLM_FDS": ",".join(map(str, fds))}
        environment.pop("NOTIFY_SOCKET", None)  # only the parent speaks to systemd
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-s", str(WORKER)],
                env=environment,
                pass_fds=[fd for fd in (*fds, *others) if fd >= 0],
            )
        self.channel.setblocking(False)
        self.state, self.reason, self.begun = "starting", "", time.monotonic()
        return self.channel

    def tell(self, word: str) -> None:
        """Nothing if it has ended: that is heard as well."""
        if self.channel is not None:
            with contextlib.suppress(OSError):
                self.channel.send(word.encode())

    def hear(self) -> bool:
        """Take in one thing that it said. Returns whether it is still there."""
        try:
            said = self.channel.recv(LONGEST).decode() if self.channel else ""
        except BlockingIOError:
            return True
        except OSError:
            said = ""
        word, _space, rest = said.partition(" ")
        if word == "failed":
            self.reason = rest
        elif word:
            self.state = "idle" if word == "up" else word
        return bool(word)

    def bury(self) -> None:
        """Its channel is at its end: see to the rest, and to when it is started again."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LAST_SECONDS)
        steady = self.up and time.monotonic() - self.begun > STEADY_SECONDS
        self.kill()
        self.ends = 1 if steady else self.ends + 1
        self.again_at = time.monotonic() + min(2.0 ** (self.ends - 1) - 1, SLOWEST_SECONDS)

    def kill(self) -> None:
        """End it now."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        self.state = "gone"

    def end(self) -> str:
        """How it ended, in words."""
        code = (self.process.returncode if self.process else 0) or 0
        how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
        return self.reason or f"worker {self.number} ended with {how}"
