# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serve one generation of LiteLLM behind two doors.

Runs as `<generation>/venv/bin/python <generation>/program/launcher.py` in the unit
litellm@<generation>.service. The private door, a unix socket that only this user can open, is
there from the start, so that a generation can be proven before it serves. The public door is the
socket that systemd holds for all generations: this process accepts on it if and only if `current`
names its generation. SIGHUP makes it look again. A generation that is not current any more stops
accepting, lets what it has begun come to its end, and exits. SIGTERM does the same in a hurry.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import journal
import uvicorn
from doors import Door, forced_failures_only_in_private

GENERATION = Path(__file__).resolve().parent.parent
BASE = GENERATION.parent.parent
RETIRE_SECONDS = float(os.environ.get("LAB_LLM_RETIRE_SECONDS", "600"))
STOP_SECONDS = float(os.environ.get("LAB_LLM_STOP_SECONDS", "10"))
BACKLOG = 4096  # connections that wait while nobody accepts: all of a hand-over or a restart
# A client that keeps its connection hears "Connection: close" with its next answer. One that says
# nothing for this long is closed.
IDLE_SECONDS = {"retire": 10.0, "stop": 2.0}

log = logging.getLogger("lab.llm")


def is_current() -> bool:
    """Whether `current`, the only truth, names this generation."""
    try:
        return (BASE / "current").readlink().name == GENERATION.name
    except OSError:
        return False


def inherited_socket() -> socket.socket | None:
    """The public socket, if systemd passed it on (the protocol of sd_listen_fds)."""
    count, pid = (os.environ.pop(name, "0") for name in ("LISTEN_FDS", "LISTEN_PID"))
    os.environ.pop("LISTEN_FDNAMES", None)
    if int(count) < 1 or int(pid) != os.getpid():
        return None
    os.set_inheritable(3, False)
    return socket.socket(fileno=3)


def private_socket() -> socket.socket:
    """A fresh unix socket, 0600, in a folder of our own."""
    folder = Path(os.environ["XDG_RUNTIME_DIR"], "lab-llm")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"litellm-{GENERATION.name}.sock"
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)
    try:
        door.bind(str(path))
    finally:
        os.umask(umask)
    return door


class Gateway(uvicorn.Server):
    """uvicorn with two doors to one application; all connections are in `server_state`."""

    def __init__(self, app: Callable[..., Awaitable[None]], public: socket.socket | None) -> None:
        self.private_door, self.public_door = Door(app, private=True), Door(app, private=False)
        super().__init__(self.settings(self.private_door))
        self.public_settings = self.settings(self.public_door)
        self.public_settings.load()
        self.public, self.accepting, self.unseen = public, None, 0
        self.retiring: asyncio.Task[None] | None = None
        self.looking = asyncio.Lock()

    @staticmethod
    def settings(door: Door) -> uvicorn.Config:
        # The listeners are ours: uvicorn's address and logging settings are not used.
        return uvicorn.Config(door, log_config=None, timeout_keep_alive=65, lifespan="on")

    def protocol(self, settings: uvicorn.Config) -> Callable[[], asyncio.Protocol]:
        app_state = self.lifespan.state
        return lambda: settings.http_protocol_class(
            config=settings, server_state=self.server_state, app_state=app_state
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load LiteLLM, open the private door, then the public one if it is ours."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise StartError(journal.last_error() or "LiteLLM refused to start")
        loop = asyncio.get_running_loop()
        door = await loop.create_unix_server(self.protocol(self.config), sock=private_socket())
        self.servers = [door]
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self.look_again()))
        self.started = True
        await self.look_again()
        journal.notify("READY=1")

    async def on_tick(self, counter: int) -> bool:
        """Once a second: whoever changed `current` may have died before telling us.

        The old one leaves at the first look, the new one begins at the third, so that the two
        never accept at once.
        """
        if counter % 10 == 0 and self.public is not None:
            accepts = self.accepting is not None
            self.unseen = self.unseen + 1 if is_current() != accepts else 0
            if self.unseen >= (1 if accepts else 3):
                await self.look_again()
        return await super().on_tick(counter)

    async def look_again(self) -> None:
        """Accept on the public socket if and only if this generation is current."""
        async with self.looking:
            wanted = is_current() and self.public is not None and not self.should_exit
            if wanted and self.accepting is None:
                await self.accept()
            elif not wanted and self.accepting is not None:
                self.refuse()
                self.retiring = asyncio.create_task(self.retire())
            elif self.accepting is None:
                journal.status("private: not the current generation")

    async def accept(self) -> None:
        if self.retiring is not None:
            self.retiring.cancel()
            self.retiring = None
        self.public_door.closing = False
        # A copy of the descriptor: closing it leaves the socket to systemd and to the others.
        self.accepting = await asyncio.get_running_loop().create_server(
            self.protocol(self.public_settings), sock=self.public.dup(), backlog=BACKLOG
        )
        journal.status("serving")

    def refuse(self) -> None:
        """Stop accepting. Who waits in the queue is served by whoever accepts next."""
        self.public_door.closing = True
        if self.accepting is not None:
            self.accepting.close()
            self.accepting = None

    async def retire(self) -> None:
        """Another generation is current: finish what was begun, then leave."""
        journal.status("retiring: another generation is current")
        await self.finish(IDLE_SECONDS["retire"], RETIRE_SECONDS)
        self.should_exit = True

    async def finish(self, idle: float, bound: float) -> None:
        """Wait for connections to end; after `idle` seconds only for requests, up to `bound`."""
        begun = time.monotonic()
        while self.server_state.connections and time.monotonic() - begun < bound:
            if time.monotonic() - begun >= idle:
                for connection in list(self.server_state.connections):
                    connection.shutdown()  # closes an idle one, and a busy one after its answer
            await asyncio.sleep(0.05)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close both doors, finish what was begun, then let LiteLLM close."""
        journal.notify("STOPPING=1")
        journal.status("stopping")
        self.private_door.closing = True
        self.refuse()
        for server in self.servers:
            server.close()
        await self.finish(IDLE_SECONDS["stop"], STOP_SECONDS)
        if left := len(self.server_state.connections):
            log.warning("stopping with %d connections still open", left)
        for task in list(self.server_state.tasks):
            task.cancel()
        await self.lifespan.shutdown()


class StartError(Exception):
    """LiteLLM did not start; the message is its own."""


def serve() -> None:
    """Import LiteLLM and serve until told to stop. Raises what keeps it from starting."""
    os.environ["CONFIG_FILE_PATH"] = str(GENERATION / "config.yaml")
    from litellm.proxy.proxy_server import app  # seconds: only once the journal is there

    journal.take_over()
    forced_failures_only_in_private()
    gateway = Gateway(app, inherited_socket())
    gateway.run()


def main() -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it may come before we can look
    journal.begin(GENERATION.name)
    journal.status("loading LiteLLM")
    try:
        serve()
    except KeyboardInterrupt:
        return 0
    except BaseException as error:
        reason = journal.scrub(f"{error}".strip() or type(error).__name__)
        with contextlib.suppress(Exception):
            log.error("start failed: %s", reason)
        journal.status(f"start failed: {reason}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
