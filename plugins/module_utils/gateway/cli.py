# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the program on the host: `python3 /var/lib/llm/gateway/program COMMAND`."""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import canary_watch, change_journal, submit
from .installed import NO_ROOM, Installed
from .lock import LockedError, locked
from .schedule import Rules
from .transaction import FAILURES, Transaction
from .watch import Watch, say

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
ERRORS = (*FAILURES, LockedError, submit.UnfinishedError)
PATIENCE = 60.0  # whoever has submitted a change holds the lock until the program is started


def run(gateway: Installed, _words: argparse.Namespace) -> dict[str, Any]:
    """Carry out what the journal says, if it is not over."""
    base = gateway.store.base
    journal = change_journal.read(base)
    if journal is None or journal.over:
        return {"msg": "no change is under way"}
    with locked(base, journal.words(), PATIENCE):
        journal = change_journal.read(base)
        if journal is not None and not journal.over:
            seconds = float(journal.options.get("start_seconds", 300))
            Transaction(Installed(base, seconds), journal).run()
    return {}


def rollback(gateway: Installed, words: argparse.Namespace) -> dict[str, Any]:
    """Go to another generation, and wait until it serves."""
    options = submit.last_options(gateway)
    if words.only_if_unhealthy:
        return submit.judge(gateway, words.by, options)
    return submit.go_to(gateway, words.generation, words.by, options)


def watch(gateway: Installed, words: argparse.Namespace) -> dict[str, Any]:
    """Look once at what serves, as the timer does; what came of it is said while it goes."""
    options = submit.last_options(gateway)
    rules = Rules(words.every, words.failures, words.most)
    Watch(gateway, rules, lambda: submit.judge(gateway, words.by, options)).look()
    canary_watch.watch(gateway, partial(submit.take_back, by=words.by, options=options), say)
    return {}


def status(gateway: Installed, _words: argparse.Namespace) -> dict[str, Any]:
    """What serves, and what is under way."""
    journal = change_journal.read(gateway.store.base)
    current = gateway.store.current()
    told: dict[str, Any] = {"current": current, "standby": gateway.store.standby()}
    told["instances"] = {one.number: one.status for one in gateway.manager.instances()}
    if journal is not None and not journal.over:
        told["under_way"] = journal.words()
    return told | {"msg": f"generation {current} serves" if current else "nothing serves"}


def parser() -> argparse.ArgumentParser:
    """The commands, each with the function that does it."""
    top = argparse.ArgumentParser(prog="gateway", description="Changes of the LLM gateway")
    top.add_argument("--json", action="store_true", help="print the whole result as JSON")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("run", help="finish the change under way; systemd calls this")
    add.set_defaults(act=run)
    add = commands.add_parser("status", help="what serves")
    add.set_defaults(act=status)
    add = commands.add_parser("rollback", help="go to another generation")
    add.add_argument("--generation", default="previous", help="its number; default: the last good")
    add.add_argument("--only-if-unhealthy", action="store_true", help="only if that is better")
    add.add_argument("--by", default="somebody on the host", help="who asks, for the journal")
    add.set_defaults(act=rollback)
    add = commands.add_parser("watch", help="look once at what serves; the timer calls this")
    add.add_argument("--every", type=float, default=Rules.every, help="seconds between two looks")
    add.add_argument("--failures", type=int, default=Rules.failures, help="too many in a row")
    add.add_argument("--most", type=int, default=Rules.most, help="changes in an hour")
    add.add_argument("--by", default="schedule", help="who asks, for the journal")
    add.set_defaults(act=watch)
    return top


def main(arguments: Sequence[str] | None = None, base: Path | None = None) -> int:
    """Exit status 0 if it was done, 1 (or NO_ROOM) if not, with the reason on stderr."""
    words = parser().parse_args(arguments)
    gateway = Installed(base or Path(sys.argv[0]).absolute().parent)
    status = 1
    try:
        result = words.act(gateway, words)
    except ERRORS as error:
        result = {"failed": True, "msg": str(error)}
        status = NO_ROOM if getattr(error, "errno", 0) in FULL else 1
    failed = bool(result.get("failed"))
    told = json.dumps(result, indent=2) if words.json else summary(result)
    if told:
        (sys.stderr if failed and not words.json else sys.stdout).write(f"{told}\n")
    return status if failed else 0


def summary(result: dict[str, Any]) -> str:
    """One line of it, for people."""
    if "msg" in result or "generation" not in result:
        return str(result.get("msg", ""))
    verb = "serves" if result.get("outcome") != "stays" else "stays"
    why = f": {result['reason']}" if result.get("reason") else ""
    return f"generation {result['generation']} {verb}{why}"
