"""The virtual lab's hosts as tests use them: run something there as root, kill one, start it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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
