"""The virtual lab itself: a lab of its own beside the shared one, with the same image."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
NAME = "lab-llm-test"
SUBNET = "10.89.77.0/24"
HOSTS = ("gateway1", "backend1", "backend2")

pytestmark = pytest.mark.lab


def lab(*words: str, seconds: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LAB, *words], env=environment(**more), timeout=seconds, capture_output=True, text=True
    )


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "LAB_LLM_NAME": NAME, "LAB_LLM_SUBNET": SUBNET, **more}


def on(host: str, command: str) -> subprocess.CompletedProcess[str]:
    return lab("ssh", host, command, seconds=60)


def wait_for(condition, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not true within {seconds} s"
        time.sleep(0.05)


def states() -> dict[str, str]:
    lines = lab("status").stdout.split("\n\n")[0].splitlines()
    return {line.split()[0]: line.split()[2] for line in lines}


@pytest.fixture(scope="module", autouse=True)
def _own_lab() -> Iterator[None]:
    started = lab("up", seconds=600)
    assert started.returncode == 0, started.stderr
    yield
    assert lab("down").returncode == 0


def test_all_runs_and_a_second_up_is_quick() -> None:
    began = time.monotonic()
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert "started" not in again.stderr
    assert time.monotonic() - began < 20
    assert set(states().values()) == {"running"}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_a_host(host: str) -> None:
    seen = on(host, "hostname; cat /proc/1/comm; systemctl is-system-running; sudo id -u")
    assert seen.stdout.split() == [host, "systemd", "running", "0"], seen.stderr


def test_a_user_can_linger() -> None:
    script = """
        set -e
        sudo useradd --system --create-home lingerer
        sudo loginctl enable-linger lingerer
        uid=$(id -u lingerer)
        timeout 20 sh -c "until sudo test -S /run/user/$uid/bus; do sleep 0.1; done"
        sudo -u lingerer XDG_RUNTIME_DIR=/run/user/$uid systemctl --user is-system-running
    """
    seen = on("backend2", script)
    assert seen.stdout.split() == ["running"], seen.stderr


def test_the_archive_works_wherever_it_is_unpacked() -> None:
    """As upstream's: one top folder with llama-server in it, and it says its version."""
    archive = json.loads(lab("artifacts", "--json").stdout)["llama_cpp"]
    script = f"""
        set -e
        mkdir -p "/tmp/some where"; cd "/tmp/some where"
        curl -sSfO {archive["url"]}
        echo "{archive["sha256"]}  {archive["name"]}" | sha256sum --check --quiet
        tar -xzf {archive["name"]}
        ls -d */
        ln -s "$PWD"/llama-*/llama-server /tmp/by-link
        /tmp/by-link --version 2>&1
    """
    seen = on("backend1", script)
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert seen.stdout.splitlines()[0] == f"llama-{archive['version']}/"
    assert f"build {archive['version'].lstrip('b')}" in seen.stdout


def test_the_model_is_served() -> None:
    model = json.loads(lab("artifacts", "--json").stdout)["model"]
    seen = on("gateway1", f"curl -sSf {model['url']} | sha256sum")
    assert seen.stdout.split()[:1] == [model["sha256"]], seen.stderr


def test_pip_reaches_its_index_from_a_host() -> None:
    seen = on("gateway1", "pip download -q --no-deps -d /tmp/wheels idna && ls /tmp/wheels")
    assert "idna" in seen.stdout, seen.stderr


def test_a_host_that_is_gone_comes_back_at_once_under_its_old_key() -> None:
    on("backend2", "sudo touch /only-here; sudo systemctl poweroff")
    assert lab("up", seconds=60).returncode == 0
    assert on("backend2", "test ! -e /only-here && hostname").stdout.strip() == "backend2"
    assert on("backend1", "test -e '/tmp/some where'").returncode == 0, "backend1 was left alone"


def begin_up() -> subprocess.Popen[bytes]:
    """An `up` from nothing, at the moment in which its first container is there."""
    assert lab("down").returncode == 0
    process = subprocess.Popen([LAB, "up"], env=environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: set(states().values()) != {"absent"})
    return process


def test_a_killed_run_is_cleaned_up_by_the_next() -> None:
    process = begin_up()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert set(states().values()) == {"running"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(how: signal.Signals) -> None:
    process = begin_up()
    process.send_signal(how)
    assert process.wait(60) == 130
    assert set(states().values()) == {"absent"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"LAB_LLM_SUBNET": "10.89.77.1/24"}, "has host bits set"),
        ({"LAB_LLM_SUBNET": "10.89.77.0/30"}, "a /27 or larger"),
        ({"LAB_LLM_SUBNET": "127.0.0.0/24", "LAB_LLM_NAME": "lab-llm-other"}, "127.0.0.0/24"),
        ({"LAB_LLM_NAME": "production"}, "has to begin with 'lab-llm'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, str], says: str) -> None:
    refused = lab("up", **settings)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_down_removes_all() -> None:
    assert lab("up").returncode == 0
    assert lab("down").returncode == 0
    assert set(states().values()) == {"absent"}
    assert lab("status").returncode == 1
    assert lab("down").returncode == 0, "and once more is no error"
