# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leave a unit that is being restarted, let its workers finish in one of their own.

systemd starts a unit again only when all of it has ended: answers that take long would add to the
time in which nobody accepts. So the workers, which accept no more, move to a transient scope, with
a bound that systemd keeps. A unit that is stopped, as all are when the host goes down, does not do
this: it ends when its work has. A launcher that is killed leaves its workers where they are; they
end by themselves, and the next launcher sees to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from place import GENERATION, STOP_SECONDS, UNIT

CALL_SECONDS = 2.0  # one call of systemctl or busctl
MOVE_SECONDS = 1.0
GRACE_SECONDS = STOP_SECONDS + 5  # what systemd gives workers that overrun their own bound
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")


def _said(*words: str) -> str:
    """What a command prints; empty if it fails."""
    try:
        done = subprocess.run(  # noqa: S603
            words, capture_output=True, text=True, check=False, timeout=CALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def restarting() -> bool:
    """Whether systemd stops this unit in order to start it again."""
    jobs = _said("systemctl", "--user", "--no-legend", "--plain", "--full", "list-jobs", UNIT)
    return any(line.split()[1:3] == [UNIT, "restart"] for line in jobs.splitlines())


def move(pids: Sequence[int], bound: float) -> bool:
    """Move these processes to a scope that ends after `bound` seconds at the latest.

    Returns whether they are there. systemd refuses while it shuts down.
    """
    scope = f"litellm-{GENERATION.name}-{os.getpid()}.scope"
    microseconds = str(int((bound + GRACE_SECONDS) * 1e6))
    properties = {
        "Description": ("s", f"What generation {GENERATION.name} of the LLM gateway has begun"),
        "PIDs": ("au", str(len(pids)), *map(str, pids)),
        "CollectMode": ("s", "inactive-or-failed"),
        "RuntimeMaxUSec": ("t", microseconds),
        "TimeoutStopUSec": ("t", str(int(GRACE_SECONDS * 1e6))),
    }
    given = [word for name, value in properties.items() for word in (name, *value)]
    call = ("StartTransientUnit", "ssa(sv)a(sa(sv))", scope, "fail", str(len(properties)))
    _said("busctl", "--user", "call", *_MANAGER, f"{_MANAGER[0]}.Manager", *call, *given, "0")
    end = time.monotonic() + MOVE_SECONDS
    while not (there := all(_within(pid, scope) for pid in pids)) and time.monotonic() < end:
        time.sleep(0.005)
    return there


def left_over() -> set[int]:
    """The other processes of this unit, before we have started any: a launcher that was killed
    left them behind."""
    try:
        ours = Path("/proc/self/cgroup").read_text()
    except OSError:
        return set()
    if f"/{UNIT}" not in ours:
        return set()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cgroup").read_text() == ours:
                found.add(int(process.name))
    return found - {os.getpid()}


def end(left: set[int]) -> None:
    """End those of them that are still there."""
    for pid in left_over() & left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def outlive(seconds: float) -> None:
    """Wait for left-overs to end, and end them after so long."""
    left, until = left_over(), time.monotonic() + seconds
    while left & left_over() and time.monotonic() < until:
        time.sleep(0.2)
    end(left)


def _within(pid: int, scope: str) -> bool:
    """Whether a process is in the scope, or has ended."""
    try:
        return f"/{scope}" in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return True
