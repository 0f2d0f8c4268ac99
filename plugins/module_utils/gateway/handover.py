# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the generation that serves to another one, without losing a request.

    start N with its private door only -> let `current` name it -> the old one, told to look
    again, stops accepting and finishes what it has -> N, told to look again, accepts

Between the last two steps nobody accepts for some milliseconds: connections wait in the queue of
the socket that systemd holds. Each step may be the last one before a power cut: `settle` makes
whatever it finds agree with `current`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..host.user_manager import ManagerError
from .generation import Store
from .manager import GatewayManager, Instance, unit

SOCKET, UMBRELLA = "litellm.socket", "litellm.service"
END_SECONDS = 60.0  # how long one that was stopped may take to end
LOOK_SECONDS = 15.0  # how long an instance may take to accept, or to stop accepting


class NotServingError(Exception):
    """A generation did not come to serve; the message is the reason, LiteLLM's own if it has one.

    The generation that served before still does.
    """


class Handover:
    """The steps, on one host. `manager` talks to the user's systemd."""

    def __init__(self, store: Store, manager: GatewayManager, start_seconds: float) -> None:
        self.store, self.manager, self.start_seconds = store, manager, start_seconds

    def start(self, number: int) -> bool:
        """Have an instance up, its private door open. Returns whether it had to be started."""
        if self.manager.instance(number).up:
            return False
        # One that ends just now would end our start with it.
        last = self.wait(number, lambda now: now.active != "deactivating", self.start_seconds)
        self.manager.attempt("reset-failed", unit(number))
        # One that died waits for systemd to start it: a start would wait with it, and what is seen
        # of it meanwhile is how the last run ended, not this one.
        self.manager.order("restart" if last.waits else "start", number)
        seen = self.wait(number, lambda now: now.up or now.failed_since(last), self.start_seconds)
        if not seen.up:
            reason = self.reason(seen)
            self.stop(number)
            raise NotServingError(reason)
        return True

    def have_up(self, number: int) -> None:
        """Start the one that `current` names: if it does not come to be up, systemd tries on."""
        try:
            self.start(number)
        except (NotServingError, ManagerError):
            self.manager.order("start", number)
            raise

    def renew(self, number: int) -> None:
        """One that has served, and that nobody lets stay warm, may hold keys that were rotated
        since: it starts anew, while what it has begun goes on beside it."""
        seen = self.manager.instance(number)
        if seen.has_served and number not in (self.store.current(), self.store.standby()):
            self.manager.order("restart", number)
            self.wait(number, lambda now: now.invocation != seen.invocation, self.start_seconds)

    def stop(self, number: int) -> None:
        """Stop an instance that does not serve; do not wait for the end."""
        self.manager.order("stop", number)
        self.manager.attempt("reset-failed", unit(number))

    def reason(self, seen: Instance) -> str:
        """Why an instance is not up: what the launcher said last, else the journal's end."""
        mark = "start failed: "
        if seen.status.startswith(mark):
            return seen.status[len(mark) :]
        lines = self.manager.journal(unit(seen.number), seen.invocation, 30)
        said = [line.split(mark, 1)[1] for line in lines if mark in line]
        if said:
            return said[-1]
        if not seen.failed:
            state = f"it was not ready after {self.start_seconds:g} seconds ({seen.status})"
            return "\n".join([state, *lines[-5:]])
        return "\n".join([f"its start ended with '{seen.result}'", *lines[-5:]])

    def take_back(self, number: int, old: int | None) -> None:
        """`number`, which is current, serves no more; what served before it does, if anything."""
        if old is None:
            self.store.link.unlink(missing_ok=True)
        else:
            self.serve(old)
        self.stop(number)

    def serve(self, number: int) -> None:
        """Have this one serve again. `current` names it even if systemd or it fails: instances
        that still run see by themselves what that says."""
        try:
            self.start(number)
        except (NotServingError, ManagerError):
            self.store.switch(number)
            self.manager.order("start", number)  # systemd tries on
            raise
        self.store.switch(number)
        self.settle(number)

    def settle(self, number: int) -> bool:
        """Make what runs agree with `current`, which names `number`. Returns whether it did not.

        Nobody begins to accept before everybody else has stopped.
        """
        changed = False
        for other in self.manager.instances():
            if other.number == number:
                continue
            if other.may_accept:
                self.look_again(other.number, lambda now: not now.may_accept)
                changed = True
            elif other.up and not other.has_served:
                self.stop(other.number)  # a candidate that a run before left behind
        if not self.manager.instance(number).serves:
            self.have_up(number)  # it may have left just now, told that another one was current
            self.look_again(number, lambda now: now.serves)
            changed = True
        return self.stand_up() or changed

    def look_again(self, number: int, done: Callable[[Instance], bool]) -> None:
        """Tell an instance to read `current`, and wait until it acts on it."""
        self.manager.order("reload", number)
        seen = self.wait(number, done, LOOK_SECONDS)
        if not done(seen):
            if self.store.current() != number:
                self.stop(number)  # it does not listen to us: whoever starts to serve must be alone
                self.wait(number, lambda now: now.ended, END_SECONDS)
                return
            raise NotServingError(
                f"generation {number} does not accept: {seen.status or seen.active}"
            )

    def stand_up(self) -> bool:
        """The socket and the umbrella, now and at every boot. Returns whether they were not."""
        states = self.manager.states([SOCKET, UMBRELLA])
        down = [name for name, seen in states.items() if not (seen.is_running and seen.is_enabled)]
        if down:
            self.manager.do("enable", *down)
            self.manager.do("start", *down)
        return bool(down)

    def wait(self, number: int, done: Callable[[Instance], bool], seconds: float) -> Instance:
        """Look until `done` or the time is over; returns what was seen last."""
        end = time.monotonic() + seconds
        while not done(seen := self.manager.instance(number)) and time.monotonic() < end:
            time.sleep(0.05 if end - time.monotonic() > seconds - 1 else 0.2)
        return seen
