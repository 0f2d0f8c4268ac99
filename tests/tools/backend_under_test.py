# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backend host with a service user of its own, on ports of its own: plays on it, commands in it,
requests to it. What else is in the lab goes on beside it."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .lab_hosts import COMMAND, ROOT, changed_in, role_play, the_lab, without

HOST = "backend2"


class Result:
    """What a play came to."""

    def __init__(self, code: int, output: str) -> None:
        self.code, self.output = code, output

    @property
    def changed(self) -> int:
        return changed_in(self.output)


class BackendHost:
    """`user` is removed with all that is its own by `remove`."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self.user, self.home = folder, user, f"/var/lib/{user}"
        self.lab = the_lab()
        self.inventory, self.address = self.lab.inventory, self.lab.addresses[HOST]
        here = ROOT / "build/lab" if self.lab.is_default else self.lab.state
        self.served = json.loads((here / "artifacts.json").read_text())

    def play(self, *words: str, under_test: str, **variables: Any) -> Result:
        """The role `under_test` with these variables."""
        own = {"user_service_user": self.user, "user_service_home": self.home, **variables}
        own["under_test"] = under_test
        done = role_play("backend.yml", *words, folder=self.folder, timeout=300, **own)
        return Result(done.returncode, done.stdout + done.stderr)

    def shell(self, command: str) -> str:
        """A command as root; its output. (Only here: a test looks at the host from outside.)"""
        done = subprocess.run(
            [COMMAND, "ssh", HOST, "sudo", "sh", "-s"],
            input=command,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    def systemctl(self, words: str) -> str:
        """A command as the user, whose systemd it reaches."""
        who = f"runuser -u {self.user} -- env XDG_RUNTIME_DIR=/run/user/$(id -u {self.user})"
        return self.shell(f"exec {who} {words}")

    def ask(self, port: int, path: str, body: dict | None = None, key: str = "") -> tuple[int, Any]:
        """(status, answer); no answer where it is an error."""
        request = urllib.request.Request(
            f"http://{self.address}:{port}{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as problem:
            return problem.code, None

    def remove(self) -> None:
        """The user, what runs for it, and its home."""
        self.shell(without(self.user))
