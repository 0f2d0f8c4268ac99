# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gateway's hand-over asks of the user's systemd, beyond what every service does."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..host.user_manager import Manager, ManagerError, run

QUESTION_SECONDS = 60.0  # a question, or an order that nobody waits for
SERVING = "serving"
_PROPERTIES = "ActiveState,SubState,StatusText,Result,InvocationID"


@dataclass(frozen=True)
class Instance:
    """A litellm@<number>.service as systemd sees it; `status` is the launcher's own line."""

    number: int
    active: str
    sub: str
    status: str
    result: str
    invocation: str

    @property
    def waits(self) -> bool:
        """It died, and systemd is about to start it anew."""
        return self.sub.startswith("auto-restart")

    @property
    def failed(self) -> bool:
        return self.active == "failed" or self.waits

    def failed_since(self, last: Instance) -> bool:
        """It failed in another run than that one, whose failure was reset."""
        return self.failed and (self.active == "failed" or self.invocation != last.invocation)

    @property
    def up(self) -> bool:
        """It runs. (The status alone is not enough: it outlives the process.)"""
        return self.active in ("active", "reloading") and not self.status.startswith("not started")

    @property
    def ended(self) -> bool:
        return self.active in ("inactive", "failed")

    @property
    def serves(self) -> bool:
        """All of its workers accept."""
        return self.up and self.status == SERVING

    @property
    def may_accept(self) -> bool:
        """One of its workers may accept, or be about to."""
        return self.up and not self.status.startswith(("private", "retiring", "standby"))

    @property
    def has_served(self) -> bool:
        """It finishes what it has begun, or is warm behind its private door."""
        return self.up and self.status.startswith(("retiring", "standby"))

    @property
    def finishes(self) -> bool:
        """It still answers what it has begun; one that is warm does not."""
        return self.active == "deactivating" or (self.up and self.status.startswith("retiring"))


def unit(number: int) -> str:
    """The unit that serves a generation."""
    return f"litellm@{number}.service"


class GatewayManager(Manager):
    """systemctl --user for instances of litellm@.service."""

    def __init__(self, home: Path, patience: float = 300.0) -> None:
        self.patience = patience  # seconds for an order that is waited for: a start, a stop
        self.runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
        self.units = home / ".config" / "systemd" / "user"

    def _systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        at_once = arguments[0] in ("show", "list-units") or "--no-block" in arguments
        seconds = QUESTION_SECONDS if at_once else QUESTION_SECONDS + self.patience
        return run(["systemctl", "--user", "--no-ask-password", *arguments], seconds)

    def instance(self, number: int) -> Instance:
        """One instance, whether it was ever started or not."""
        seen = self._systemctl("show", f"--property={_PROPERTIES}", "--", unit(number)).stdout
        found = dict(line.split("=", 1) for line in seen.splitlines() if "=" in line)
        return Instance(number, *(found.get(name, "") for name in _PROPERTIES.split(",")))

    def private_socket(self, number: int) -> Path:
        """Where an instance's private door is."""
        return self.runtime / "lab-llm" / f"litellm-{number}.sock"

    def order(self, verb: str, number: int) -> None:
        """Ask for something to be done with an instance; how it ends is seen afterwards."""
        self._systemctl(verb, "--no-block", "--", unit(number))

    def begin(self, name: str) -> None:
        """Have a unit start anew, and do not wait for it. Raises ManagerError."""
        done = self._systemctl("restart", "--no-block", "--", name)
        if done.returncode:
            raise ManagerError(f"{name} does not start: {' '.join(done.stderr.split())}")

    def instances(self) -> list[Instance]:
        """Those that run, begin or end."""
        alive = self._alive("litellm@*.service")
        numbers = [name.removeprefix("litellm@").removesuffix(".service") for name in alive]
        return [self.instance(int(number)) for number in numbers if number.isdecimal()]

    def scopes(self) -> list[str]:
        """litellm-<number>-<pid>.scope: workers of a launcher that has made room for another, with
        what they have begun. Raises ManagerError."""
        return self._alive("litellm-*.scope")

    def _alive(self, pattern: str) -> list[str]:
        """The units of these names that are neither down nor failed. Raises ManagerError."""
        words = ("--no-legend", "--plain", "--full", "--all", "--", pattern)
        seen = self._systemctl("list-units", *words)
        if seen.returncode:
            raise ManagerError(f"systemctl --user list-units: {' '.join(seen.stderr.split())}")
        rows = [line.split() for line in seen.stdout.splitlines()]
        return [row[0] for row in rows if len(row) > 2 and row[2] not in ("inactive", "failed")]
