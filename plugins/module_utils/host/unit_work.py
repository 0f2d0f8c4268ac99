# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module user_units from its options to its result, as the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .account import AccountError
from .listeners import holders
from .sandbox import allowed
from .unit_options import unit_of
from .units import UnitError
from .user_manager import Manager, ManagerError
from .user_units import Outcome, Unit, converge, leftovers

NO_USER = "there is no such user on this host: run the role lab.llm.user_service first"
NO_BUS = "the systemd of this user cannot be reached: run the role lab.llm.user_service first"
NO_SANDBOX = "this host refuses namespaces to its users: the services run without that sandbox"
LEFT = "is ours, still there and declared no more; it is left as it is"


def run(params: Mapping[str, Any], home: str | None, check: bool) -> dict[str, Any]:
    """All the work; the result in the form of the module, failures and warnings in it."""
    try:
        outcome = _work(params, home, check)
    except (UnitError, ManagerError, AccountError, OSError) as problem:
        outcome = Outcome(failures=[str(problem)])
    return {
        "failed": bool(outcome.failures),
        "msg": "\n".join(outcome.failures),
        "changed": bool(outcome.actions),
        "units": outcome.actions,
        "leftover": outcome.leftover,
        "diff": outcome.diff,
        "warnings": outcome.warnings,
    }


def named_holders(message: str) -> str:
    """Who has the ports that a message names; root sees more than the user does."""
    ports = sorted(set(map(int, re.findall(r"its port (\d+) is held by a process", message))))
    seen = [f"\nPort {port}: {holder}." for port in ports for holder in holders(port) if holder.pid]
    return "".join(seen)


def _work(params: Mapping[str, Any], home: str | None, check: bool) -> Outcome:
    if home is None and {given["state"] for given in params["units"]} == {"absent"}:
        return Outcome()  # a user who is not there has no units
    manager = Manager() if home else None
    if not (manager and manager.reachable()):
        if not check:
            raise ManagerError(NO_BUS if home else NO_USER)
        manager = None
    root = Path(home or params["home"] or "/nonexistent")
    refused: list[bool] = []

    def can(keys: Mapping[str, Any]) -> bool:
        works = manager is None or allowed(manager, root, keys, check)
        refused.extend([] if works else [True])
        return works

    systemd = manager.version() if manager else 0
    units = [unit_of(given, root, systemd, can) for given in params["units"]]
    names = [unit.name for unit in units] + params["keep"]
    left = leftovers(root, params["leftover_patterns"], names)
    gone = [Unit(name, state="absent") for name in left] if params["prune"] else []
    outcome = converge(gone + units, root, manager, check)
    outcome.leftover = [] if params["prune"] else left
    outcome.warnings = [NO_SANDBOX] if refused and outcome.actions else []
    outcome.warnings += [f"{name} {LEFT}" for name in outcome.leftover]
    return outcome
