# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts: what has become of each, and whether the run goes on without some of them.

A play notes `llm_host_failure` on a host where something failed: {unreachable, why}. One that it
has begun with has `llm_reached`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Hosts = Mapping[str, Mapping[str, Any]]
KEEP, LEAVE_OUT, STOP = "keep", "leave_out", "stop"
FAILURE = "llm_host_failure"
CHOICES = (KEEP, LEAVE_OUT, STOP)
RUNS, FAILED, UNREACHABLE, NOT_BEGUN = "runs", "failed", "unreachable", "not begun"
_LIMIT = re.compile(r"(\d+)(%?)")


class FleetError(Exception):
    """A choice or a limit that is none."""


def too_many(failed: int, hosts: int, limit: object) -> bool:
    """Whether more have failed than `limit`, a number of hosts or a part of them like "50%"."""
    found = _LIMIT.fullmatch(str(limit).strip())
    if found is None:
        raise FleetError(
            f"llm_max_failures is '{limit}'; expected a number of hosts, or a part such as 20%"
        )
    most = int(found[1])
    return failed * 100 > most * hosts if found[2] else failed > most


def fleet(hosts: Hosts, names: Iterable[str], choice: str, limit: object) -> dict[str, Any]:
    """What has become of the hosts `names`, and what follows from it.

    {problem: "", hosts: {name: {state, why}}, stop: whether the gateway is to stay as it is,
    failures: why, left_out: hosts whose deployments the gateway is to do without, choice}. Raises
    FleetError.
    """
    if choice not in CHOICES:
        raise FleetError(f"unreachable is '{choice}'; expected one of {', '.join(CHOICES)}")
    states = {name: _state(hosts[name]) for name in names}
    bad = [name for name, one in states.items() if one["state"] != RUNS]
    failed = [name for name in bad if states[name]["state"] != NOT_BEGUN]
    stop = too_many(len(failed), len(states), limit) or bool(bad and choice == STOP)
    said = [f"{name}: {states[name]['why']}" for name in failed]
    if len(failed) < len(bad):
        said.append(f"{len(bad) - len(failed)} hosts were not begun with, after these failures")
    return {
        "problem": "",
        "hosts": states,
        "choice": choice,
        "stop": stop,
        "failures": said if stop else [],
        "left_out": bad if choice == LEAVE_OUT and not stop else [],
    }


def goes_on(hosts: Hosts, names: Iterable[str], choice: str, limit: object) -> bool:
    """Whether a further batch is begun with, by what has failed so far."""
    known = list(names)
    failed = sum(FAILURE in hosts[name] for name in known)
    return not failed or (choice != STOP and not too_many(failed, len(known), limit))


def _state(variables: Mapping[str, Any]) -> dict[str, str]:
    failure = variables.get(FAILURE)
    if failure:
        state = UNREACHABLE if failure["unreachable"] else FAILED
        return {"state": state, "why": str(failure["why"]).strip()}
    begun = not variables.get("llm_reached", {"skipped": True}).get("skipped")
    state = RUNS if begun else NOT_BEGUN
    return {"state": state, "why": ""}


def lines(told: Mapping[str, Any], went_on: bool = True) -> list[str]:
    """One line for each host that does not run what is declared, and one for all that do."""
    states = told.get("hosts", {})
    bad = {name: one for name, one in states.items() if one["state"] != RUNS}
    if not bad:
        return []
    found = [f"{name} {one['state']}: {_first(one['why'])}" for name, one in bad.items()]
    runs = len(states) - len(bad)
    then = {
        KEEP: "The gateway keeps the deployments on the others.",
        LEAVE_OUT: "The gateway does without the deployments on the others.",
    }
    more = f" {then[told['choice']]}" if went_on else ""
    return [*found, f"{runs} of {len(states)} hosts run what is declared.{more}"]


def _first(why: str) -> str:
    return why.splitlines()[0].removeprefix("Task failed: ") if why else "others had failed before"
