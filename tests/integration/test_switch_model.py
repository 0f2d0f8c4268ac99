# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""switch_model.yml: two real llama-servers in one slot, and a llama-server with several models."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.lab_hosts import Host, ansible_environment
from tools.slot_lab import GOOD, OFF, ON, Client, Play, Streams, ask, key, site, states, switch

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

ROOT = Path(__file__).resolve().parents[2]
BAD = "/srv/cut-short.gguf"
# `task` has another way while a slot changes hands, `shared` is the slot's alone.
REGISTRY = """\
# The slot, and a spare beside it.
providers:
  coder:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8191, slot: gpu0, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: shared, source: {good}}}]
  writer:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8191, slot: gpu0, options: {{ctx_size: 1024, threads: 1}}}}
    models: [{{name: shared, source: {source}}}]
  spare:
    type: llama_cpp
    deploy: {{hosts: backend2, port: 8192, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: spare-model, source: {good}}}]
exact_matches:
  task: {{provider: coder, backend_model: shared, fallback: spare}}
"""
SEVERAL = """\
providers:
  several:
    type: llama_cpp
    deploy: {{hosts: backend2, port: 8193, options: {{threads: 1, models_max: 2}}}}
    models:
      - {{name: "small:1k", source: {good}, options: {{ctx_size: 1024}}}}
      - {{name: other, source: {source}, options: {{ctx_size: 512}}}}
"""
CUT_SHORT = f"""
test -s {BAD} || head -c 3000000 $(ls /var/lib/llm/models/*.gguf | head -1) > {BAD}
chmod 0644 {BAD}
"""


@pytest.fixture(scope="module")
def registry(the_lab: object, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("switch") / "registry"
    folder.mkdir()
    (folder / "own.yaml").write_text(REGISTRY.format(good=GOOD, source=GOOD))
    done = site(play, folder)
    assert done.returncode == 0, done.stdout
    return folder


def who_runs() -> dict[str, list[str]]:
    """Of each in the slot: whether it runs, and whether it starts at boot."""
    names = ("coder", "writer")
    found = states("backend1", *(f"llama-server-{name}" for name in names))
    return dict(zip(names, found, strict=True))


def test_there_and_back_and_no_request_is_lost_that_has_another_way(
    registry: Path, play: Play
) -> None:
    assert who_runs() == {"coder": ON, "writer": OFF}
    text = (registry / "own.yaml").read_text()
    with Client("task") as client:
        done = switch(play, registry, "writer")
    assert done.returncode == 0, done.stdout
    assert "writer runs in slot gpu0 now, in place of coder." in done.stdout
    assert who_runs() == {"coder": OFF, "writer": ON}
    assert (registry / "own.yaml").read_text() == f"{text}\nslots:\n  gpu0: writer\n"
    assert [one for one in client.seen if one[0] != 200] == []
    assert {one[1].partition("/")[0] for one in client.seen} >= {"~coder", "~spare"}
    assert ask("shared", key())[1].startswith("~writer")

    same = site(play, registry)
    assert not re.search(r"changed=[1-9]", same.stdout), same.stdout
    again = switch(play, registry, "writer")
    assert "writer runs in slot gpu0 already: nothing was changed." in again.stdout
    assert not re.search(r"changed=[1-9]", again.stdout), again.stdout

    assert switch(play, registry, "coder").returncode == 0
    assert who_runs() == {"coder": ON, "writer": OFF}
    assert (registry / "own.yaml").read_text() == f"{text}\nslots:\n  gpu0: coder\n"
    assert "~coder" in ask("task", key())[1]


def test_a_stream_ends_that_was_begun_before_the_switch(registry: Path, play: Play) -> None:
    """`shared` is the slot's alone: while they change places nobody can answer it."""
    assert switch(play, registry, "coder").returncode == 0
    with Streams("shared") as one, Streams("shared") as other:
        done = switch(play, registry, "writer")
    assert done.returncode == 0, done.stdout
    assert one.cut == other.cut == []
    assert one.ended > 1
    assert other.ended > 1
    assert one.refused + other.refused > 0


def test_who_does_not_wait_is_told_that_requests_were_cut(registry: Path, play: Play) -> None:
    with Streams("shared") as one, Streams("shared") as other:
        done = switch(play, registry, "coder", "-e", "wait=0")
    assert done.returncode == 0, done.stdout
    assert "still at requests when writer stopped: those to it were cut" in done.stdout
    assert one.cut + other.cut


def test_one_that_does_not_come_up_leaves_all_as_it_was(registry: Path, play: Play) -> None:
    Host("backend1").on(CUT_SHORT)
    file = registry / "own.yaml"
    good = file.read_text()
    slots = good.partition("\nslots:")[2]
    bad = REGISTRY.format(good=GOOD, source=f"{{path: {BAD}}}")
    file.write_text(f"{bad}\nslots:{slots}" if slots else bad)
    before = file.read_text()
    done = switch(play, registry, "writer")
    after = file.read_text()
    file.write_text(good)
    assert done.returncode != 0
    assert "writer did not take over: coder runs in slot gpu0" in done.stdout
    assert "the model file is damaged or cut short" in done.stdout
    assert who_runs() == {"coder": ON, "writer": OFF}
    assert after == before
    assert ask("shared", key())[1].startswith("~coder")
    assert "~coder" in ask("task", key())[1]
    assert site(play, registry).returncode == 0


# The tasks before which the cable is pulled, and who runs then, if that is certain.
PULLED = ["Let what was begun end", "Stop the one and start the other", "Write it", "Report"]


@pytest.mark.parametrize("task", PULLED)
@pytest.mark.parametrize("then", ["switch_model.yml", "site.yml"])
def test_a_run_that_was_cut_off_is_finished_or_undone(
    registry: Path, play: Play, task: str, then: str
) -> None:
    assert switch(play, registry, "coder").returncode == 0
    cut_off(registry, "writer", task)
    more = ["-e", "provider=writer"] if then == "switch_model.yml" else []
    done = play(then, "-e", f"llm_registry={registry}", *more, timeout=900)
    assert done.returncode == 0, done.stdout
    says = re.search(r"gpu0: (\w+)", (registry / "own.yaml").read_text())[1]
    assert says == "writer" or then == "site.yml"
    other = "coder" if says == "writer" else "writer"
    assert who_runs() == {says: ON, other: OFF}
    assert ask("shared", key())[1].startswith(f"~{says}")
    assert ask("task", key())[0] == 200


def cut_off(registry: Path, provider: str, task: str) -> None:
    """A switch whose controller is gone where this task begins."""
    words = ["-e", f"llm_registry={registry}", "-e", f"provider={provider}"]
    environment = ansible_environment(ANSIBLE_STDOUT_CALLBACK="default")
    with subprocess.Popen(
        ["ansible-playbook", *words, "playbooks/switch_model.yml"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    ) as run:
        for line in run.stdout or ():
            if line.startswith("TASK [") and task in line:
                os.killpg(run.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "python" in Host("backend1").on(
        "ps -eo args | grep -c '[A]nsiballZ' >/dev/null && echo python || true"
    ):
        time.sleep(1)  # what was begun on the host may end there, bounded above


@pytest.fixture
def several(the_lab: object, play: Play, registry: Path) -> Iterator[Path]:
    """Another registry beside it, as one file more."""
    file = registry / "several.yaml"
    yield file
    file.unlink(missing_ok=True)
    Host("backend2").on("systemctl --user -M llm@ stop llama-server-several || true")


def test_of_several_models_the_broken_one_is_named(
    several: Path, registry: Path, play: Play
) -> None:
    Host("backend2").on(CUT_SHORT)
    several.write_text(SEVERAL.format(good=GOOD, source=f"{{path: {BAD}}}"))
    done = site(play, registry)
    assert done.returncode != 0
    told = "its model 'other' could not be loaded: the model file is damaged or cut short"
    assert told in done.stdout
    assert "small:1k' could not" not in done.stdout

    several.write_text(SEVERAL.format(good=GOOD, source=GOOD))
    done = site(play, registry)
    assert done.returncode == 0, done.stdout
    assert [ask(name, key()) for name in ("small:1k", "other")] == [
        (200, "~several/small:1k"),
        (200, "~several/other"),
    ]
    same = site(play, registry)
    assert not re.search(r"changed=[1-9]", same.stdout), same.stdout
    assert (
        Host("backend2")
        .on(
            "systemctl --user -M llm@ stop llama-server-several; "
            "pgrep -fc '[-]-alias other' || true"
        )
        .split()[-1]
        == "0"
    )
