# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serve one generation of LiteLLM: hold its sockets, and see to the workers that serve.

Runs as `<generation>/venv/bin/python <generation>/program/launcher.py` in the unit
litellm@<generation>.service. The private door, a unix socket that only this user can open, is
there from the start, so that a generation can be proven before it serves. The public door is the
socket that systemd holds for all generations: workers accept on it if and only if `current` names
their generation. SIGHUP makes this process look again. A generation that is not current any more
stops accepting, finishes what it has begun, and stays warm for a while, should it be wanted back.
SIGTERM ends it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

import journal
import leaving
import place
import words
from child import Child
from place import RETIRE_SECONDS, STANDBY_SECONDS, STOP_SECONDS

LOOK_SECONDS = 1.0  # whoever changed `current` may have died before telling us
LAST_SECONDS = 4.0  # for LiteLLM to close, after the bound of what was begun

log = logging.getLogger("lab.llm")


class Launcher:
    """The workers of one generation, and what systemd hears about them.

    `wanted`: whether they shall accept in public. `served`: whether they ever did.
    """

    def __init__(self, workers: int) -> None:
        self.children = [Child(number + 1) for number in range(workers)]
        self.public, self.private = place.inherited_socket(), place.private_socket()
        self.held: list[int] = []
        if workers > 1:
            folder, lock = place.metrics_folder()
            os.environ["PROMETHEUS_MULTIPROC_DIR"], self.held = str(folder), [lock]
        self.said, self.code = "", -1
        self.ready = self.wanted = self.served = self.stopping = self.restarting = False
        self.unseen, self.lost, self.ends_at = 0, 0, float("inf")
        self.strangers, self.begun = leaving.left_over(), time.monotonic()
        self.selector = selectors.DefaultSelector()
        self.orders: list[Callable[[], None]] = []
        self.listen_to_signals()

    def listen_to_signals(self) -> None:
        """A signal wakes the loop, which then does what it asks for."""
        self.woken, waker = socket.socketpair()
        for end in (self.woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)
        self.selector.register(self.woken, selectors.EVENT_READ, lambda: self.woken.recv(64))
        signal.signal(signal.SIGHUP, lambda *_: self.orders.append(self.look))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.orders.append(self.told_to_stop))

    def run(self) -> int:
        """Until it is over; returns the exit status."""
        for child in self.children:
            self.begin(child)
        next_look = time.monotonic() + LOOK_SECONDS
        while self.code < 0:
            events = self.selector.select(max(0.0, next_look - time.monotonic()))
            while self.orders:  # a worker may have heard the same signal: ours comes first
                self.orders.pop(0)()
            for key, _mask in events:
                key.data()
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_SECONDS
                self.tick()
            if self.stopping:
                self.wait_for_the_end()
        return self.code

    def begin(self, child: Child) -> None:
        channel = child.start(self.public, self.private, self.held)
        self.selector.register(channel, selectors.EVENT_READ, lambda: self.hear(child))

    def hear(self, child: Child) -> None:
        """One thing that a worker says, or its end."""
        was = child.state
        if not child.hear():
            self.ended(child)
        elif not self.ready and all(one.up for one in self.children):
            self.ready = True
            self.look()
        elif self.ready and was == "starting" and child.up:
            self.tell(child)  # it took another one's place
        self.say()

    def ended(self, child: Child) -> None:
        """Before the start is over, its end is ours; later another one takes its place."""
        self.selector.unregister(child.channel)
        loading = child.state == "starting"
        child.bury()
        if self.stopping:
            return
        alone = not any(one.up for one in self.children)
        if not self.ready or (loading and alone):
            self.fail(child.end())
        else:
            log.error("%s; another one takes its place", child.end())

    def fail(self, reason: str) -> None:
        for child in self.children:
            child.kill()
        journal.status(f"start failed: {journal.scrub(reason)}")
        self.code = 3

    def look(self) -> None:
        """Have the workers accept if and only if this generation is current."""
        if not self.ready or self.stopping:
            return
        self.unseen = 0
        self.wanted = self.public is not None and place.named("current")
        for child in self.children:
            self.tell(child)
        self.say()

    def tell(self, child: Child) -> None:
        if child.up:
            child.tell("accept" if self.wanted else "refuse")

    def say(self) -> None:
        """Tell systemd what all workers are at, taken together."""
        if not self.ready or self.stopping or self.code >= 0:
            return
        states = [child.state for child in self.children if child.up]
        text = words.together(states, wanted=self.wanted, served=self.served, said=self.said)
        if text == words.SERVING:
            self.served, self.ends_at = True, float("inf")
        if text == words.STANDBY and self.ends_at == float("inf"):
            self.ends_at = time.monotonic() + STANDBY_SECONDS
        if text != self.said:
            first, self.said = not self.said, text
            journal.status(text)
            if first:
                journal.notify("READY=1")

    def tick(self) -> None:
        """Once a second. The old one leaves at the first look, the new one begins at the third, so
        that two generations never accept at once."""
        if self.strangers and time.monotonic() - self.begun > STOP_SECONDS + LAST_SECONDS:
            leaving.end(self.strangers)
            self.strangers = set()
        for child in self.children:
            if child.state == "gone" and time.monotonic() >= child.again_at and not self.stopping:
                self.begin(child)
        if not self.ready or self.stopping:
            return
        current, candidate = place.named("current"), place.named("candidate")
        states = [child.state for child in self.children if child.up]
        ours = current and self.public is not None
        self.unseen = self.unseen + 1 if ours and set(states) != {"accepting"} else 0
        if self.unseen >= 3 or (not ours and (self.wanted or "accepting" in states)):
            self.look()
        self.lost = 0 if current or candidate or self.served else self.lost + 1
        if self.lost >= 3 or (self.is_spent() and not candidate):
            self.stop()

    def is_spent(self) -> bool:
        """Whether it was warm for long enough, or nobody wants it to be: `standby` names another,
        or none where a key that it holds was rotated."""
        warm = self.ends_at < float("inf")
        return warm and (time.monotonic() >= self.ends_at or not place.named("standby"))

    def told_to_stop(self) -> None:
        self.restarting = True  # perhaps; systemd is asked once nobody accepts any more
        self.stop()

    def stop(self) -> None:
        """Accept no more, finish what was begun, end."""
        if self.stopping:
            return
        self.stopping, self.ends_at = True, time.monotonic() + STOP_SECONDS + LAST_SECONDS
        for child in self.children:
            if child.up:
                child.tell(f"stop {STOP_SECONDS}")
            elif child.state == "starting":
                child.process.kill()
        if self.public is not None:
            self.public.close()  # or the address stays taken
        journal.notify("STOPPING=1")
        journal.status("stopping")

    def wait_for_the_end(self) -> None:
        """Of the workers; not if systemd waits for us in order to start anew."""
        left = [child for child in self.children if child.state != "gone"]
        if not left:
            self.code = 0
        elif self.restarting and all(child.state == "closed" for child in left):
            self.restarting = False
            pids = [child.process.pid for child in left]
            if leaving.restarting() and leaving.move(pids, RETIRE_SECONDS):
                for child in left:
                    child.tell(f"stop {RETIRE_SECONDS}")
                self.code = 0
        elif time.monotonic() >= self.ends_at:
            log.warning("%d workers did not end in time", len(left))
            for child in left:
                child.kill()


def main() -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it may come before we can look
    journal.begin(place.GENERATION.name)
    if not (place.named("current") or place.named("candidate")):
        # Ready first: for systemd, one that ends before it is ready has failed.
        journal.notify("READY=1")
        journal.status("not started: neither `current` nor `candidate` names this generation")
        leaving.outlive(STOP_SECONDS + LAST_SECONDS)
        return 0
    journal.status("loading LiteLLM")
    try:
        return Launcher(max(1, int(os.environ.get("LAB_LLM_WORKERS") or 1))).run()
    except BaseException as error:
        reason = journal.scrub(f"{error}".strip() or type(error).__name__)
        with contextlib.suppress(Exception):
            log.exception("start failed: %s", reason)
        journal.status(f"start failed: {reason}")
        return 3


if __name__ == "__main__":
    sys.exit(main())
