"""What is broken never serves a request: the old generation serves on, and the output says why."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tools.changes import LOCK, older_lock
from tools.cut_off import CutOff
from tools.gateway_under_test import AT_REST, BASE, USER, Gateway
from tools.lab_hosts import podman

pytestmark = pytest.mark.lab

TAKEN = 4111
FIFO = "/opt/gwtest/never"
REFUSED = "[{model: a, fallback_models: [b]}]"


@dataclass(frozen=True)
class Broken:
    """How a candidate is broken, and what the output of ansible-playbook says about it."""

    what: str
    reason: str
    config: dict[str, str] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    on_host: tuple[str, str] = ("true", "true")  # before it, and to clear up after it
    nightly: bool = False


ROWS = [
    Broken("a configuration that LiteLLM refuses", "exactly one key", {"fallbacks": REFUSED}),
    Broken(
        *("a model that LiteLLM drops", "missing: a", {"one": "nosuchprovider/m"}),
        nightly=True,
    ),
    Broken(
        "a missing key",
        "no value for NEVER_GIVEN",
        variables={"more_variables": [{"name": "NEVER_GIVEN", "needed_by": ["two"]}]},
        nightly=True,
    ),
    Broken("a provider that answers 500", "two is broken", {"two": "openai/broken"}),
    Broken(
        "a port that somebody else holds",
        str(TAKEN),
        variables={"gateway_port": TAKEN},
        on_host=(
            "systemd-run --quiet --collect --unit gwtest-taken python3 -m http.server"
            f" --bind 0.0.0.0 {TAKEN}",
            "systemctl stop gwtest-taken",
        ),
    ),
    Broken(
        "a start that hangs",
        "not ready after 20 seconds",
        {"models": f"include: [{FIFO}]"},
        variables={"gateway_start_seconds": 20},
        on_host=(f"mkdir -p /opt/gwtest; mkfifo -m 644 {FIFO}", f"rm -f {FIFO}"),
        nightly=True,
    ),
    Broken(
        "a package that is not what it was",
        "DO NOT MATCH THE HASHES",
        variables={"gateway_lock_file": "wrong-hash.txt"},
        nightly=True,
    ),
    Broken(
        "an index that breaks off",
        "failed",
        variables={"gateway_lock_file": "another.txt"},
        on_host=(
            "cp /etc/pip.conf /etc/pip.conf.kept; printf '[global]\\nno-cache-dir = true\\n"
            "retries = 0\\nindex-url = http://127.0.0.1:9/simple\\n' >/etc/pip.conf",
            "mv /etc/pip.conf.kept /etc/pip.conf",
        ),
        nightly=True,
    ),
]
PARAMETERS = [
    pytest.param(row, id=row.what, marks=pytest.mark.nightly if row.nightly else ()) for row in ROWS
]


@pytest.fixture
def locks(running: Gateway) -> Path:
    """Lock files that cannot be installed, each for a reason of its own."""
    text = LOCK.read_text()
    first = text.index("==")
    end = text.index("==", first + 2)
    wrong = re.sub(r"sha256:\w+", "sha256:" + "0" * 64, text[:end]) + text[end:]
    (running.folder / "wrong-hash.txt").write_text(wrong)
    (running.folder / "another.txt").write_text(older_lock(running.folder).read_text() + "#\n")
    return running.folder


@pytest.mark.parametrize("row", PARAMETERS)
def test_what_is_broken_never_serves(row: Broken, running: Gateway, locks: Path) -> None:
    before = running.mark()
    variables = dict(row.variables)
    if "gateway_lock_file" in variables:
        variables["gateway_lock_file"] = str(locks / str(variables["gateway_lock_file"]))
    running.on(row.on_host[0])
    try:
        with running.load(rate=10) as load:
            status, _, said = running.change(
                running.config("broken", **row.config), "-e", json.dumps(variables)
            )
            running.let_pass(load, 1)
    finally:
        running.on(row.on_host[1])
    seen = load.report()
    assert status != 0, said[-3000:]
    assert row.reason in said, said[-5000:]
    assert (seen.failed, seen.turns()) == ([], [before]), seen.summary()
    assert running.mark() == before
    assert running.at_rest() == AT_REST


# --- a full disk ---


# A disk of its own over the gateway's folder, which stays reachable beside it.
MOUNT = f"""
mkdir -p /mnt/under /mnt/small; mount --bind {BASE} /mnt/under
mount -t tmpfs -o size=4g,mode=700 tmpfs /mnt/small; chown {USER}: /mnt/small
tar -C /mnt/under -cf - . | tar -C /mnt/small -xpf -; mount --bind /mnt/small {BASE}
"""
UNMOUNT = f"""
cd /mnt/under; ls -A | grep -vx venvs | xargs rm -rf
tar -C /mnt/small --exclude=./venvs -cf - . | tar -C /mnt/under -xpf -
cd /; umount -l {BASE}; umount -l /mnt/small; umount /mnt/under
"""


@contextlib.contextmanager
def small_disk(gateway: Gateway) -> Iterator[str]:
    """The gateway's folder on a disk of its own, so that it can be filled: a path to fill it at."""
    container = gateway.lab.container("gateway1")
    pid = gateway.podman("inspect", "--format", "{{.State.Pid}}", container)
    inside = [*podman(gateway.lab)[:-1], "nsenter", "--target", pid]
    inside += ["--mount", "--pid", "sh", "-ec"]
    subprocess.run([*inside, MOUNT], check=True)
    try:
        yield f"{BASE}/ballast"
    finally:
        gateway.on(f"rm -f {BASE}/ballast*")
        subprocess.run([*inside, UNMOUNT], check=True)


FULL = [
    pytest.param("", id="from the start", marks=pytest.mark.nightly),
    pytest.param("started", id="while it is proven", marks=pytest.mark.nightly),
    pytest.param("switched", id="once it is current", marks=pytest.mark.nightly),
    pytest.param("answered", id="before it is settled", marks=pytest.mark.nightly),
]


@pytest.mark.parametrize("phase", FULL)
def test_a_disk_that_is_full(phase: str, running: Gateway) -> None:
    before, text = running.mark(), running.config(f"full-{phase}")
    with small_disk(running) as ballast:
        fill = f"for size in 1M 1; do dd if=/dev/zero of={ballast}-$size bs=$size; done; true"
        with running.load(rate=10) as load:
            if phase:
                change = CutOff(running, phase, text)
                change.begin()
                running.on(fill)
                change.kill("nothing")
                said = change.end()
            else:
                running.on(fill)
                _, _, said = running.change(text)
            running.let_pass(load, 1)
        assert "No space left on device" in said, said[-5000:]
        seen = load.report()
        running.on(f"rm -f {ballast}*")
        # Where it serves already and there is no room to note the way back, it goes on.
        turns = [before, text.split()[1]] if phase in ("switched", "answered") else [before]
        assert (seen.failed, seen.turns()) == ([], turns), seen.summary()
        status, _, said = running.change(running.config(f"room-{before}"))
        assert status == 0, said[-3000:]
        assert running.at_rest() == AT_REST
