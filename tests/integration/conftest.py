"""The virtual lab, and ansible-playbook as a user runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests/lab/lab"

Play = Callable[..., subprocess.CompletedProcess[str]]


def lab(
    *arguments: str, stdin: str | None = None, check: bool = True, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Runs the lab's command; its output goes into the failure if there is one."""
    return subprocess.run(
        [LAB, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=check,
        cwd=ROOT,
    )


@pytest.fixture(scope="session")
def the_lab() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """The lab, up. One that a user had running stays up afterwards."""
    was_up = subprocess.run([LAB, "status"], capture_output=True, check=False).returncode == 0
    lab("up")
    yield lab
    if not was_up:
        lab("down")


@pytest.fixture(scope="session")
def play() -> Play:
    """play("site.yml", "-e", "x=y", env={...}): runs a playbook of ours, output captured."""

    def run(
        playbook: str, *arguments: str, env: dict[str, str] | None = None, timeout: float = 420
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ansible-playbook", f"playbooks/{playbook}", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )

    return run
