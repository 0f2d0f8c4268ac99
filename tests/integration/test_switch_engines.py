# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A slot on two hosts whose members are of two engines: a real llama-server, and the lab's stand-in
for Ollama behind the real role. What explain says of its names is asked of the real proxy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labkit.artifacts import served_folder
from tools.lab_hosts import Host
from tools.ollama_stand_in_models import offer
from tools.slot_lab import GOOD, LAB, MIRROR, OFF, ON, Play, ask, key, site, states, switch

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

HOSTS = ("backend1", "backend2")
TAG = "slots:135m"
REGISTRY = f"""\
providers:
  talker:
    type: llama_cpp
    deploy: {{hosts: [backend1, backend2], port: 8194, slot: duo, options: {{ctx_size: 1024, threads: 1}}}}
    models: [{{name: talk, source: {GOOD}}}]
  drawer:
    type: ollama
    deploy:
      hosts: [backend1, backend2]
      port: 8195
      slot: duo
      gpus: []
      environment: {{STAND_IN_LIBRARY: "{MIRROR}/ollama-library"}}
    models: [{{name: "{TAG}", source: {{ollama: "{TAG}"}}}}]
  aside:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8196, options: {{ctx_size: 1024, threads: 1}}}}
    models: [{{name: aside-model, source: {GOOD}}}]
exact_matches:
  essay: {{provider: drawer, backend_model: "{TAG}", fallback: aside}}
  chat: {{provider: talker, backend_model: talk, fallback: drawer}}
patterns:
  - {{pattern: "^w/", provider: drawer, backend_model: "{TAG}"}}
"""  # noqa: E501
SQUATTER = "systemctl stop squatter 2>/dev/null; systemctl reset-failed squatter 2>/dev/null; "


@pytest.fixture(scope="module")
def registry(
    the_lab: object, play: Play, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    model = served_folder(LAB) / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    offer(served_folder(LAB) / "ollama-library", TAG, model)
    folder = tmp_path_factory.mktemp("engines") / "registry"
    folder.mkdir()
    (folder / "own.yaml").write_text(REGISTRY + "slots: {duo: talker}\n")
    done = site(play, folder)
    assert done.returncode == 0, done.stdout
    yield folder
    Host("backend2").on(SQUATTER + "true")


def who_runs() -> dict[str, tuple[list[str], list[str]]]:
    """On each host talker and drawer: whether they run, and start at boot."""
    both = ("llama-server-talker", "ollama-drawer")
    return {host: tuple(states(host, *both)) for host in HOSTS}


TALKER, DRAWER = (dict.fromkeys(HOSTS, pair) for pair in ((ON, OFF), (OFF, ON)))


def explained(play: Play, registry: Path, name: str = "") -> list[dict[str, Any]]:
    asked = ("-e", f"model={name}") if name else ("-e", "all=true")
    done = play("explain.yml", "-e", f"llm_registry={registry}", *asked, "-e", "format=json")
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    return [found] if name else found


def agrees(said: dict[str, Any]) -> None:
    """What was explained of a name is what the gateway does."""
    status, told = ask(said["name"], key())
    if said["nobody"] == 1:
        code, words = re.fullmatch(r"the client gets (\d+): (.*)", said["client_gets"]).groups()
        assert (status, words in told) == (int(code), True), (said["name"], status, told)
    else:
        assert status == 200, (said["name"], status, told)
        assert told in said["answers"], (said["name"], told)


def test_what_is_explained_of_those_who_wait_is_what_the_proxy_does(
    registry: Path, play: Play
) -> None:
    """With `w/` waiting there is no wildcard left; with it there is one, and other words."""
    told = explained(play, registry)
    waits = {one["name"]: [who["provider"] for who in one["waiting"]] for one in told}
    assert waits == {
        "essay": ["drawer"], "chat": ["drawer"], "talk": [], "aside-model": [],
        TAG: ["drawer"], "w/*": ["drawer"],
    }  # fmt: skip
    told = [one for one in told if "*" not in one["name"]]
    for said in [*told, *explained(play, registry, "w/x")]:
        agrees(said)


def test_an_engine_takes_the_place_of_another_on_all_hosts(registry: Path, play: Play) -> None:
    assert who_runs() == TALKER
    done = switch(play, registry, "drawer")
    assert done.returncode == 0, done.stdout
    assert who_runs() == DRAWER
    for said in (one for name in ("chat", "essay", "w/x", "talk", TAG)
                 for one in explained(play, registry, name)):  # fmt: skip
        agrees(said)
    assert {ask(TAG, key())[1].partition("/")[0] for _time in range(8)} == {
        "~drawer@backend1",
        "~drawer@backend2",
    }
    same = site(play, registry)
    assert not re.search(r"changed=[1-9]", same.stdout), same.stdout

    assert switch(play, registry, "talker").returncode == 0
    assert who_runs() == TALKER
    assert ask("talk", key())[0] == 200


def test_one_that_fails_on_one_host_takes_over_on_none(registry: Path, play: Play) -> None:
    """Somebody else has the port on the second host."""
    address = Host("backend2").address
    assert switch(play, registry, "talker").returncode == 0
    before = (registry / "own.yaml").read_text()
    Host("backend2").on(
        f"{SQUATTER}systemd-run --quiet --unit squatter python3 -m http.server 8195 -b {address}"
    )
    done = switch(play, registry, "drawer")
    assert done.returncode != 0
    assert "drawer did not take over: talker runs in slot duo" in done.stdout
    assert "8195" in done.stdout
    assert who_runs() == TALKER
    assert (registry / "own.yaml").read_text() == before
    assert ask("talk", key())[0] == 200

    Host("backend2").on(SQUATTER + "true")
    done = switch(play, registry, "drawer")
    assert done.returncode == 0, done.stdout
    assert who_runs() == DRAWER
