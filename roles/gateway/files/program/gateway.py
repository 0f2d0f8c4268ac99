# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM behind two doors: when it accepts in public, and how it stops without losing a request.

The parent, launcher.py, says when to accept, and hears what became of it (child.py lists the
words). When the parent is gone this process accepts no more, finishes what it has begun, and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import journal
import place
import uvicorn
from doors import Door
from uvicorn.server import ServerState

BACKLOG = 4096  # connections that wait while nobody accepts: all of a hand-over or a restart
# A client that keeps its connection hears "Connection: close" with its next answer. One that says
# nothing for this long is closed.
IDLE_SECONDS = {"retire": 10.0, "stop": 2.0}
AGAIN_SECONDS = 0.02  # until we ask again whether those before us have stopped accepting
TURN_SECONDS = 0.1  # what was accepted last is a connection some turns of the loop later
LAST_SECONDS = 3.0  # for LiteLLM to close; then the process ends, whatever it is at

log = logging.getLogger("lab.llm")


class StartError(Exception):
    """LiteLLM did not start; the message is its own."""


class Gateway(uvicorn.Server):
    """uvicorn with two doors to one application, each with its own connections."""

    def __init__(self, app: Callable[..., Awaitable[None]], *sockets: socket.socket | None) -> None:
        self.public, self.private, self.channel = sockets
        self.private_door, self.public_door = Door(app, private=True), Door(app, private=False)
        super().__init__(self.settings(self.private_door))
        self.public_settings = self.settings(self.public_door)
        self.public_settings.load()
        self.public_state, self.whose_turn = ServerState(), place.Turn()
        self.wanted, self.accepting, self.until = False, None, 0.0
        self.turning, self.draining = asyncio.Lock(), None
        self.leaving = asyncio.Event()

    @staticmethod
    def settings(door: Door) -> uvicorn.Config:
        # The listeners are ours: uvicorn's address and logging settings are not used.
        return uvicorn.Config(door, log_config=None, timeout_keep_alive=65, lifespan="on")

    def protocol(self, settings: uvicorn.Config, state: ServerState) -> Callable[..., Any]:
        app_state = self.lifespan.state
        return lambda: settings.http_protocol_class(
            config=settings, server_state=state, app_state=app_state
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load LiteLLM, open the private door, and wait for the parent to say what is next."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise StartError(journal.last_error() or "LiteLLM refused to start")
        self.loop = loop = asyncio.get_running_loop()
        protocol = self.protocol(self.config, self.server_state)
        # The socket's name is the parent's to remove.
        more = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self.servers = [await loop.create_unix_server(protocol, sock=self.private, **more)]
        loop.add_reader(self.channel, self.hear)
        self.started = True
        self.say("up")

    def say(self, word: str) -> None:
        with contextlib.suppress(OSError):  # without a parent we end anyway
            self.channel.send(word.encode())

    def hear(self) -> None:
        """What the parent says, or its end."""
        try:
            said = self.channel.recv(64).decode()
        except BlockingIOError:
            return
        except OSError:
            said = ""
        word, _space, seconds = said.partition(" ")
        if word in ("accept", "refuse"):
            self.turn(word == "accept")
            return
        if not word:
            self.loop.remove_reader(self.channel)
            if self.leaving.is_set():
                return
            log.error("the launcher has ended: this worker accepts no more, and ends")
        self.leave(float(seconds or place.STOP_SECONDS))

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM. The parent hears it as well, and may give more time when it says `stop`. After
        that, it comes from whoever will not wait for so long."""
        bound = place.STOP_SECONDS
        left = self.until - time.monotonic() if self.leaving.is_set() else bound
        if not self.started:
            os._exit(0)
        self.loop.call_soon_threadsafe(self.leave, min(left, bound))

    async def main_loop(self) -> None:
        """Once a second, and at the end at once."""
        while not await self.on_tick(0):
            self.public_state.default_headers = self.server_state.default_headers
            if self.accepting is not None and not place.named("current"):
                self.turn(False)  # the parent has not told us, or has not got the time
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leaving.wait(), 1.0)

    def turn(self, wanted: bool) -> None:
        """Accept in public, or do so no more."""
        self.wanted = wanted and not self.leaving.is_set()
        self.loop.create_task(self.follow())

    async def follow(self) -> None:
        async with self.turning:
            if self.wanted and self.accepting is None and place.named("current"):
                if not self.whose_turn.take():
                    self.loop.call_later(AGAIN_SECONDS, self.try_again)
                    return
                await self.accept()
            elif not self.wanted and self.accepting is not None:
                self.refuse()
                if not self.leaving.is_set():
                    self.draining = asyncio.create_task(self.retire())
        if not self.leaving.is_set():
            busy = "draining" if self.draining is not None else "idle"
            self.say("accepting" if self.accepting is not None else busy)

    def try_again(self) -> None:
        if self.wanted:
            self.turn(True)

    async def accept(self) -> None:
        if self.draining is not None:
            self.draining.cancel()
            self.draining = None
        self.public_door.closing = False
        # A copy of the descriptor: closing it leaves the socket to systemd and to the others.
        self.accepting = await self.loop.create_server(
            self.protocol(self.public_settings, self.public_state),
            sock=self.public.dup(),
            backlog=BACKLOG,
        )

    def refuse(self) -> None:
        """Stop accepting. Who waits in the queue is served by whoever accepts next."""
        self.public_door.closing = True
        if self.accepting is not None:
            self.accepting.close()
            self.accepting = None
        self.whose_turn.give()

    async def retire(self) -> None:
        """Another generation is current: finish what was begun in public."""
        end = time.monotonic() + place.RETIRE_SECONDS
        await self.finish([self.public_state], IDLE_SECONDS["retire"], lambda: end)
        self.draining = None
        self.say("idle")

    async def finish(
        self, states: list[ServerState], idle: float, end: Callable[[], float]
    ) -> None:
        """Wait for connections to end; after `idle` seconds only for requests, until `end`."""
        begun = time.monotonic()
        await asyncio.sleep(TURN_SECONDS)
        while (left := connections(states)) and time.monotonic() < end():
            if time.monotonic() - begun >= idle:
                for connection in left:
                    connection.shutdown()  # closes an idle one, and a busy one after its answer
            await asyncio.sleep(TURN_SECONDS)
        if left:
            log.warning("%d connections were still open and are cut", len(left))
        for connection in left:
            connection.transport.abort()

    def leave(self, seconds: float) -> None:
        """End within `seconds`, and for sure some moments later."""
        self.until = time.monotonic() + seconds
        faulthandler.dump_traceback_later(seconds + LAST_SECONDS, exit=True)
        self.should_exit, self.wanted = True, False
        self.leaving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close both doors, finish what was begun, then let LiteLLM close."""
        async with self.turning:
            if self.draining is not None:
                self.draining.cancel()
            self.private_door.closing = True
            self.refuse()
            for server in self.servers:
                server.close()
            if self.public is not None:
                self.public.close()  # or the address stays taken
        self.say("closed")
        states = [self.public_state, self.server_state]
        await self.finish(states, IDLE_SECONDS["stop"], lambda: self.until)
        for state in states:
            for task in list(state.tasks):
                task.cancel()
        await self.lifespan.shutdown()


def connections(states: list[ServerState]) -> list[Any]:
    return [connection for state in states for connection in state.connections]
