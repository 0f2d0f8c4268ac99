# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process with LiteLLM in it; it shares its two doors with the other workers."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import sys
import threading

import journal
import place
import warm
from doors import forced_failures_only_in_private
from gateway import Gateway

log = logging.getLogger("lab.llm")


def inherited() -> list[socket.socket | None]:
    """The public socket, if there is one, the private one, and the parent's channel."""
    found: list[socket.socket | None] = []
    for fd in map(int, os.environ.pop("LAB_LLM_FDS").split(",")):
        if fd >= 0:
            os.set_inheritable(fd, False)
        found.append(socket.socket(fileno=fd) if fd >= 0 else None)
    return found


def end_with_the_parent(channel: socket.socket, loaded: threading.Event) -> None:
    """In a thread: nobody waits for what we load once the parent has ended. Later the loop sees
    that for itself."""
    poller = select.poll()
    poller.register(channel, 0)  # only its end
    poller.poll()
    if not loaded.is_set():
        os._exit(3)


def serve(sockets: list[socket.socket | None]) -> None:
    """Import LiteLLM and serve until told to stop. Raises what keeps it from starting."""
    os.environ["CONFIG_FILE_PATH"] = str(place.GENERATION / "config.yaml")
    loaded = threading.Event()
    threading.Thread(target=end_with_the_parent, args=(sockets[-1], loaded), daemon=True).start()
    app = warm.litellm()  # seconds: only once the journal is there
    loaded.set()
    journal.take_over()
    forced_failures_only_in_private()
    Gateway(app, *sockets).run()


def main() -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    journal.begin(place.GENERATION.name)
    sockets = inherited()
    sockets[-1].setblocking(False)
    try:
        serve(sockets)
    except BaseException as error:
        reason = journal.scrub(f"{error}".strip() or type(error).__name__)
        with contextlib.suppress(Exception):
            log.error("start failed: %s", reason)
        with contextlib.suppress(OSError):
            sockets[-1].send(f"failed {reason}".encode()[:4000])
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
