# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have a change of the gateway made: stage it, hand it to the program on this host, follow it.

The program runs under the user's systemd: whoever asked may be cut off at any moment, and the
change comes to its end without them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..host.user_manager import ManagerError
from . import change_journal
from .change_journal import ChangeJournal
from .install import install, is_installed
from .installed import CHANGE_UNIT, Installed
from .lock import LockedError, locked
from .sealed import GenerationError
from .secrets_file import MissingVariablesError
from .staging import Staging, Wanted, difference

LOOK_SECONDS = 0.05  # between two looks at the journal
GONE_SECONDS = 10.0  # how long the program may seem to be dead: systemd starts it again after one
LEAVING_SECONDS = 1.0  # a program that has finished a change still holds the lock for a moment
MARGIN_SECONDS = 900.0  # a change's bound beyond its starts: proofs, the hand-over, a crash
CARRIED = ("keep", "start_seconds", "answer_seconds", "no_completions")
Result = dict[str, Any]


class UnfinishedError(Exception):
    """A change did not come to its end while somebody waited; the message says how far it came."""


def deploy(
    gateway: Installed, wanted: Wanted, options: Mapping[str, Any], check: bool = False
) -> Result:
    """Serve `wanted`. Returns {changed, generation, previous, diff, outcome, ...}, or with `failed`
    and `msg`. With `check` nothing is written."""
    with changing(gateway, wanted.by, check):
        staging = Staging(gateway, wanted, check)
        staging.refuse()
        current = gateway.store.current()
        ends: Result = {"generation": staging.number(), "previous": current}
        ends["diff"] = staging.differences()
        same = staging.is_served()
        asked = current is None or is_asked_there(gateway, current, options)
        if check or (same and asked and not options.get("new_provider")):
            return {**ends, "changed": not same, "outcome": "unchanged" if same else "planned"}
        journal = hand_over(gateway, "deploy", wanted.by, staging.stage(), options)
    return {**ends, **follow(gateway, journal)}


def is_asked_there(gateway: Installed, number: int, options: Mapping[str, Any]) -> bool:
    """Whether this generation was proven at the address that is declared now."""
    return gateway.address(number) == (options.get("address") or gateway.listens(number))


def go_to(
    gateway: Installed, which: str, by: str, options: Mapping[str, Any], check: bool = False
) -> Result:
    """Serve a generation that is there already: a number, or `previous` for the last good one."""
    with changing(gateway, by, check):
        store, current = gateway.store, gateway.store.current()
        if which != "previous" and not which.isdecimal():
            raise GenerationError(f"'{which}' is no generation: give its number, or 'previous'")
        number = store.previous() if which == "previous" else int(which)
        can_serve(gateway, number)
        texts = [store.text(n, "config.yaml") for n in (current, number)]
        diff = [difference("config.yaml", *texts)] if texts[0] != texts[1] else []
        ends: Result = {"generation": number, "previous": current, "diff": diff}
        same = number == current and store.proven(number) and gateway.is_as_declared(number)
        if check or same:
            return {**ends, "changed": not same, "outcome": "unchanged" if same else "planned"}
        journal = hand_over(gateway, "go_to", by, number, options)
    return {**ends, **follow(gateway, journal)}


def take_back(
    gateway: Installed, number: int, reason: str, by: str, options: Mapping[str, Any]
) -> Result:
    """Serve an older generation, and note what serves now as undone for this reason."""
    with changing(gateway, by, check=False):
        current = gateway.store.current()
        can_serve(gateway, number)
        journal = hand_over(gateway, "judge", by, number, options, reason)
    return {"generation": number, "previous": current, "diff": [], **follow(gateway, journal)}


def can_serve(gateway: Installed, number: int) -> None:
    """Raises MissingVariablesError or GenerationError where something that it needs is gone."""
    manifest, held = gateway.store.manifest(number), gateway.held.values()
    missing = [name for name in manifest.variables if not held.get(name)]
    if missing:
        raise MissingVariablesError(missing)
    gateway.store.venv(manifest.venv)


def judge(gateway: Installed, by: str, options: Mapping[str, Any], check: bool = False) -> Result:
    """Go back to the last good generation if what serves is worse than it, and only then."""
    with changing(gateway, by, check):
        current = gateway.store.current()
        if current is None:
            raise GenerationError("nothing serves here: there is nothing to go back from")
        if check:
            ends = {"generation": current, "previous": current, "changed": False}
            return {**ends, "outcome": "planned", "reason": "in check mode nothing is asked"}
        journal = hand_over(gateway, "judge", by, None, options)
    return {"diff": [], **follow(gateway, journal)}


def confirm(gateway: Installed, number: int, check: bool = False) -> Result:
    """The controller has the file now that this generation was made from before it had it."""
    gateway.store.manifest(number)
    file = gateway.store.outcome(number).get("unconfirmed", "")
    if file and not check:
        gateway.store.record(number, unconfirmed="")
    return {"changed": bool(file), "generation": number, "outcome": "confirmed", "diff": []}


def be_ready(
    gateway: Installed, program: Mapping[str, str], python: str, by: str, check: bool = False
) -> bool:
    """Have the program on this host, in this version. Returns whether it was not."""
    if check:
        return not is_installed(gateway, program, python)
    if not gateway.manager.reachable():
        raise ManagerError("the user's systemd does not answer: run the role user_service")
    if is_installed(gateway, program, python):
        return False
    with changing(gateway, by, check):
        install(gateway, program, python)
    return True


def last_options(gateway: Installed) -> dict[str, Any]:
    """How the last change was made, for one that is asked for on the host itself."""
    last = change_journal.read(gateway.store.base)
    told = {} if last is None else last.options
    return {name: told[name] for name in CARRIED if name in told}


@contextlib.contextmanager
def changing(gateway: Installed, by: str, check: bool) -> Iterator[None]:
    """Nobody else changes the gateway meanwhile, and no change before it is left half done.

    Raises LockedError naming who does.
    """
    if check:
        yield
        return
    base = gateway.store.base
    recover(gateway)
    with locked(base, by or "ansible", LEAVING_SECONDS):
        unfinished = change_journal.read(base)
        if unfinished is not None and not unfinished.over:
            raise under_way(unfinished)
        gateway.store.prepare()
        gateway.held.tidy()
        yield


def recover(gateway: Installed) -> None:
    """Where a change was cut off and nobody is at it, have it finished or undone first."""
    last = change_journal.read(gateway.store.base)
    if last is None or last.over:
        return
    if is_alive(gateway):
        raise under_way(last)
    gateway.manager.attempt("reset-failed", CHANGE_UNIT)
    gateway.manager.begin(CHANGE_UNIT)
    follow(gateway, last)


def hand_over(
    gateway: Installed,
    kind: str,
    by: str,
    number: int | None,
    options: Mapping[str, Any],
    reason: str = "",
) -> ChangeJournal:
    """Write the journal and start the program. Only while nobody else does.

    A program that has just finished another change may still be there, which a start would not
    notice; all that it still does is to leave.
    """
    base, current = gateway.store.base, gateway.store.current()
    who = by or "ansible"
    journal = change_journal.begin(base, kind, who, gateway.boot(), number, current, options)
    if reason:
        journal.reason = reason
        journal.save()
    gateway.manager.attempt("reset-failed", CHANGE_UNIT)
    gateway.manager.begin(CHANGE_UNIT)
    return journal


def follow(gateway: Installed, journal: ChangeJournal) -> Result:
    """Wait for the end of a change; what came of it. Raises UnfinishedError."""
    bound = 2 * gateway.handover.start_seconds + MARGIN_SECONDS
    until, seen_alive = time.monotonic() + bound, time.monotonic()
    while True:
        now = change_journal.read(gateway.store.base, journal.id)
        if now is not None and now.over:
            return dict(now.result or {})
        at = time.monotonic()
        if at - seen_alive > GONE_SECONDS / 2 and is_alive(gateway):
            seen_alive = at
        if at > until or at - seen_alive > GONE_SECONDS:
            raise UnfinishedError(left(gateway, now or journal))
        time.sleep(LOOK_SECONDS)


def is_alive(gateway: Installed) -> bool:
    """Whether the program runs, or systemd is about to start it again."""
    state = gateway.manager.states([CHANGE_UNIT])[CHANGE_UNIT]
    return not state.is_down or state.sub_state.startswith("auto-restart")


def under_way(journal: ChangeJournal) -> LockedError:
    return LockedError(f"the gateway is being changed by {journal.words()}: wait for it to end")


def left(gateway: Installed, journal: ChangeJournal) -> str:
    """Why nobody waits any longer."""
    if is_alive(gateway):
        return f"the change is still under way and goes on by itself: {journal.words()}"
    lines = gateway.manager.journal(CHANGE_UNIT, lines=12)  # beyond what systemd adds
    ended = f"{CHANGE_UNIT} ended after '{journal.phase}'; the next run finishes or undoes it"
    return "\n".join([ended, *lines])
