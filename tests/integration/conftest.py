"""The virtual lab, a gateway of its own on it, and ansible-playbook as a user runs it.

The lab is the one that LAB_LLM_NAME and LAB_LLM_SUBNET choose, as for `tests/lab/lab` itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests/lab/lab"
sys.path.insert(0, str(ROOT / "tests"))

from tools.gateway_under_test import AT_REST, Gateway, gateway_under_test  # noqa: E402
from tools.lab_hosts import ansible_environment, down, is_up, up  # noqa: E402
from tools.ollama_under_test import OllamaHost, ollama_host  # noqa: E402

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
    was_up = is_up()
    up()
    yield lab
    if not was_up:
        down()


@pytest.fixture(scope="session")
def gateway(the_lab: object) -> Iterator[Gateway]:
    """A gateway beside the lab's own; whatever it serves, a test of before has left."""
    with gateway_under_test() as gateway:
        yield gateway


@pytest.fixture
def running(gateway: Gateway) -> Gateway:
    """That gateway, which serves something."""
    gateway.let_change_end()
    if gateway.at_rest() != AT_REST:
        gateway.serve("running")
    return gateway


@pytest.fixture(scope="session")
def ollama(the_lab: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaHost]:
    """A host with an instance of the role ollama, beside what else the lab runs."""
    with ollama_host(tmp_path_factory.mktemp("ollama")) as host:
        yield host


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
            env=ansible_environment(**(env or {})),
        )

    return run
