# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd manager of the user that this process runs as."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,"
    "ExecMainPID,MainPID,NRestarts,NeedDaemonReload,InvocationID,DropInPaths"
)


class ManagerError(Exception):
    """systemd refused; the message is one sentence with its reason."""


@dataclass(frozen=True)
class State:
    """What systemd says of one unit; the values are its own words."""

    name: str
    properties: dict[str, str]

    def __getattr__(self, key: str) -> str:
        return self.properties.get("".join(part.title() for part in key.split("_")), "")

    @property
    def main_pid(self) -> int:
        return int(self.properties.get("MainPID") or 0)

    @property
    def exec_main_pid(self) -> str:
        """The main process, also when it has ended already; "0" or "" if there was none."""
        return self.properties.get("ExecMainPID", "")

    @property
    def restarts(self) -> int:
        return int(self.properties.get("NRestarts") or 0)

    @property
    def invocation(self) -> str:
        """Names this very run of the unit, or its last one, in the journal."""
        return self.properties.get("InvocationID", "")

    @property
    def is_running(self) -> bool:
        return self.active_state in ("active", "reloading")

    @property
    def is_down(self) -> bool:
        """It died, is about to, or was never started; a restart may be planned."""
        dead = self.active_state in ("failed", "inactive", "deactivating")
        return dead or self.sub_state.startswith("auto-restart")

    @property
    def is_enabled(self) -> bool:
        return self.unit_file_state not in ("", "disabled")


class Manager:
    """systemctl --user and journalctl --user."""

    def reachable(self) -> bool:
        """Whether the manager runs and answers."""
        return self._systemctl("show", "--property=Version").returncode == 0

    def version(self) -> int:
        """The number of systemd's version, 0 if it cannot be told."""
        seen = self._systemctl("show", "--property=Version", "--value").stdout
        found = re.search(r"\d+", seen)
        return int(found[0]) if found else 0

    def states(self, names: Iterable[str]) -> dict[str, State]:
        """The state of each unit. A template is no unit and has none: it is left out."""
        wanted = [name for name in names if not is_template(name)]
        if not wanted:
            return {}
        seen = self._systemctl("show", f"--property={_PROPERTIES}", "--", *wanted)
        if seen.returncode:
            raise ManagerError(f"systemctl --user show: {seen.stderr.strip()}")
        blocks = seen.stdout.strip("\n").split("\n\n")
        return {
            name: State(name, dict(line.split("=", 1) for line in block.splitlines()))
            for name, block in zip(wanted, blocks, strict=True)
        }

    def reload(self) -> None:
        self.do("daemon-reload")

    def do(self, verb: str, *names: str) -> None:
        """Run one systemctl verb; raises ManagerError with systemd's own words."""
        done = self._systemctl(verb, *(["--", *names] if names else []))
        if done.returncode:
            words = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise ManagerError(f"systemctl --user {' '.join([verb, *names])}: {words}")

    def attempt(self, verb: str, *names: str) -> None:
        """Run a verb whose outcome is judged by the units' state afterwards."""
        self._systemctl(verb, "--", *names)

    def last_words(self, state: State, lines: int = 12) -> list[str]:
        """The last lines of a unit's current or last run, oldest first."""
        return self.journal(state.name, state.invocation, lines, pid=state.exec_main_pid)

    def journal(self, name: str, invocation: str = "", lines: int = 12, pid: str = "") -> list[str]:
        """The last lines that the unit wrote, oldest first; those of one invocation if given.

        A process that ends at once may be gone before the journal has looked up which unit it was
        of: its lines are then known by its `pid` alone.
        """
        which = [f"USER_INVOCATION_ID={invocation}", "+", f"_SYSTEMD_INVOCATION_ID={invocation}"]
        which += ["+", f"_PID={pid}", "--boot"] if pid.strip("0") else []
        argv = ["journalctl", "--user", "--no-pager", "--output=cat", f"--lines={lines}"]
        done = run([*argv, *(which if invocation else [f"--unit={name}"])], 30)
        return [line for line in done.stdout.splitlines() if line and not line.startswith("-- ")]

    def tries(self, properties: Iterable[str]) -> bool:
        """Whether a service with these properties (`Key=value`) can run at all here."""
        words = [f"--property={word}" for word in properties]
        argv = ["systemd-run", "--user", "--wait", "--collect", "--quiet", *words, "/bin/true"]
        return run(argv, 60).returncode == 0

    def _systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Each unit has limits of its own; this one is for a manager that hangs.
        return run(["systemctl", "--user", "--no-ask-password", *arguments], 3600)


def is_template(name: str) -> bool:
    """Whether this is the file of a template, such as `litellm@.service`."""
    return "@." in name


def run(argv: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    try:
        return subprocess.run(  # noqa: S603
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
            env=environment,
        )
    except FileNotFoundError:
        raise ManagerError(f"{argv[0]} is not on this host: it needs systemd") from None
    except subprocess.TimeoutExpired:
        raise ManagerError(f"{' '.join(argv)} did not end within {timeout:.0f} s") from None
