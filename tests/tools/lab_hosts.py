"""The virtual lab's hosts as tests use them: run something there as root, kill one, start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lab"))

from labkit.machine import podman  # noqa: E402
from labkit.settings import Lab, lab_from_environment  # noqa: E402

COMMAND = ROOT / "tests/lab/lab"


def the_lab() -> Lab:
    """The lab that the environment chooses; without a word the one of `make lab`."""
    return lab_from_environment()


def ansible_environment(**more: str) -> dict[str, str]:
    """The environment of an ansible-playbook that is to reach this lab's hosts."""
    lab, committed = the_lab(), ROOT / "inventories/demo/hosts.yml"
    chosen = {} if lab.is_default else {"ANSIBLE_INVENTORY": f"{committed},{lab.inventory}"}
    return {**os.environ, **chosen, **more}


def role_play(
    playbook: str, *words: str, folder: Path, timeout: float, **variables: Any
) -> subprocess.CompletedProcess[str]:
    """A playbook of tests/integration/plays on this lab's hosts; the variables go by a file in
    `folder`, where nothing else keeps them."""
    file = folder / "vars.json"
    file.write_text(json.dumps(variables))
    argv = ["ansible-playbook", "-i", str(the_lab().inventory), "-e", f"@{file}", *words]
    return subprocess.run(
        [*argv, f"tests/integration/plays/{playbook}"],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"},
    )


def changed_in(recap: str) -> int:
    """How many tasks changed something, by a play's output."""
    rows = [line for line in recap.splitlines() if " changed=" in line]
    return sum(int(row.split("changed=")[1].split()[0]) for row in rows)


def without(user: str) -> str:
    """A shell command: the user, what runs for it and its home are gone."""
    return f"""
if id {user} >/dev/null 2>&1; then
  uid=$(id -u {user})
  loginctl disable-linger {user}
  systemctl stop user@$uid.service
  pkill -KILL -u {user}
  rm -rf /etc/systemd/system/user@$uid.service.d
  systemctl daemon-reload
  userdel --remove --force {user} 2>/dev/null
fi
true
"""


def is_up() -> bool:
    return subprocess.run([COMMAND, "status"], capture_output=True, check=False).returncode == 0


def up() -> None:
    subprocess.run([COMMAND, "up"], check=True, capture_output=True, timeout=600)


def down() -> None:
    subprocess.run([COMMAND, "down"], check=True, capture_output=True, timeout=120)


class Host:
    """One host of the lab. Commands reach it as root and not by ssh, so they leave no trace there
    and need nothing of it but that it runs."""

    def __init__(self, name: str) -> None:
        self.lab, self.name = the_lab(), name
        self.address = self.lab.addresses[name]

    def podman(self, *words: str, data: str = "", timeout: float = 120) -> str:
        argv = podman(self.lab, *words)
        done = subprocess.run(argv, input=data, text=True, capture_output=True, timeout=timeout)
        if done.returncode:
            said = (done.stderr + done.stdout)[-1500:]
            raise RuntimeError(
                f"{self.name}: {' '.join(words)} ended with {done.returncode}: {said}"
            )
        return done.stdout.strip()

    def on(self, command: str, data: str = "", timeout: float = 120) -> str:
        """What a shell command says there; RuntimeError if it fails."""
        words = ("exec", "--interactive", self.lab.container(self.name), "sh", "-c", command)
        return self.podman(*words, data=data, timeout=timeout)

    def write(self, path: str, text: str) -> None:
        self.on(f'mkdir -p "$(dirname {path})" && cat >{path}', data=text)

    def kill(self) -> None:
        """As if somebody pulled its plug."""
        self.podman("kill", self.lab.container(self.name))

    def start(self, seconds: float = 60) -> None:
        self.podman("start", self.lab.container(self.name))
        running = "systemctl is-system-running | grep -qE 'running|degraded'"
        wait_for(lambda: self.succeeds(running), seconds, f"{self.name} runs")

    def succeeds(self, command: str) -> bool:
        try:
            self.on(command)
        except RuntimeError:
            return False
        return True


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until it is so; how long that took. AssertionError when the time is over."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not so after {seconds:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun
