"""Many hosts in one run of site.yml: what a failing one stops, and what each of them costs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.fleet_lab import GATEWAY, Fleet, asked, fleet

Play = Callable[..., subprocess.CompletedProcess[str]]
SITE = "playbooks/site.yml"
MOST_TASKS = 12  # a host, in a run that changes nothing

INVENTORY = """
all:
  vars: {ansible_host: 127.0.0.1, ansible_port: 9, ansible_python_interpreter: /usr/bin/python3}
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
  children:
    gateway: {hosts: {gateway1: {}}}
    backends: {hosts: {backend1: {}, backend2: {}}}
"""
REGISTRY = """
providers:
  elsewhere: {type: openai_compatible, base_url: "http://127.0.0.1:9", models: [m]}
  ours:
    type: llama_cpp
    deploy: {hosts: backends, port: 8080}
    models: [{name: n, source: {path: /srv/n.gguf}}]
"""
# Ansible's words; where ssh ends before it has been given anything, its own may be missing.
REFUSED = "Make sure this host can be reached over ssh"
MASTER = "sk-fleet-master-0123456789"
CONFIG = "cat /var/lib/llm/gateway/current/config.yaml"


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """An inventory with two backends that nobody answers for."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/lab.yaml").write_text(REGISTRY)
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    return tmp_path / "hosts.yml"


@pytest.mark.nightly
def test_too_many_failures_leave_the_gateway_as_it_is(nobody: Path, play: Play) -> None:
    told = json.loads(play(SITE[10:], "-i", str(nobody), "-e", "format=json").stdout)
    assert {name: one["state"] for name, one in told["hosts"].items()} == {
        "backend1": "unreachable",
        "backend2": "unreachable",
    }
    assert [REFUSED in one for one in told["failures"]] == [True, True]


@pytest.mark.nightly
@pytest.mark.parametrize("choice", ["keep", "leave_out"])
def test_within_the_limit_the_gateway_is_changed_all_the_same(
    nobody: Path, play: Play, choice: str
) -> None:
    words = ["-e", "llm_max_failures=100%", "-e", f"unreachable={choice}"]
    done = play(SITE[10:], "-i", str(nobody), *words)
    assert "failed   gateway1: Say that it cannot be reached" in done.stdout


@pytest.mark.nightly
def test_after_too_many_failures_no_further_batch_is_begun(nobody: Path, play: Play) -> None:
    done = play(SITE[10:], "-i", str(nobody), "-e", "llm_batch=1", "-e", "llm_max_failures=0")
    assert "backend1 unreachable: " in done.stdout
    assert "backend2 not begun: others had failed before" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("unreachable=drop", "unreachable is 'drop'; expected one of keep, leave_out, stop"),
        ("llm_max_failures=few", "llm_max_failures is 'few'; expected a number of hosts"),
    ],
)
def test_what_cannot_be_told_is_refused_before_a_host_is_reached(
    nobody: Path, play: Play, words: str, said: str
) -> None:
    done = play(SITE[10:], "-i", str(nobody), "-e", words)
    assert done.returncode != 0
    assert said in done.stdout
    assert REFUSED not in done.stdout


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Ten hosts with an instance each, and their gateway."""
    with fleet(10, tmp_path_factory.mktemp("fleet")) as hosts:
        hosts.environment["LITELLM_MASTER_KEY"] = MASTER
        first = hosts.play(SITE)
        assert first.code == 0, first.output
        yield hosts


def answered(hosts: Fleet, *names: str) -> list[int]:
    """What the gateway says to a question to the model of each of these hosts."""
    url = f"http://{hosts.lab.addresses[GATEWAY]}:4000"
    return [asked(url, f"model-{name}", MASTER) for name in names]


@pytest.mark.lab
@pytest.mark.nightly
def test_a_run_that_changes_nothing_has_few_tasks_a_host(hosts: Fleet) -> None:
    again = hosts.play(SITE)
    assert again.code == 0, again.output
    assert "changed" not in again.output
    assert {name: again.counted[name]["tasks"] for name in hosts.lab.names} == dict.fromkeys(
        hosts.lab.names, pytest.approx(MOST_TASKS - 1, abs=1)
    )


@pytest.mark.lab
@pytest.mark.nightly
def test_a_dead_and_a_hanging_host_do_not_hold_up_the_rest(hosts: Fleet) -> None:
    before = hosts.play(SITE)
    hanging, *rest, dead = hosts.lab.names  # nobody stands in for the last one
    hosts.kill(dead)
    hosts.hang(hanging)
    try:
        seen = hosts.play(SITE, "-e", "unreachable=leave_out")
    finally:
        hosts.go_on(hanging)
    assert seen.code == 2
    lines = seen.output.splitlines()
    for name in (dead, hanging):
        said = [one for one in lines if one.startswith(f"{name} unreachable: ")]
        assert len(said) == 1, seen.output
    assert "8 of 10 hosts run what is declared. The gateway does without" in seen.output
    took = [max(one.counted[name]["seconds"] for name in rest) for one in (before, seen)]
    assert took[1] < took[0] * 2 + 5
    config = hosts.on(GATEWAY, CONFIG)
    assert f"~{dead}/" not in config
    assert f"~{rest[0]}/" in config
    assert answered(hosts, dead, hanging, rest[0]) == [400, 200, 200]

    hosts.start_again(dead)
    back = hosts.play(SITE)
    assert back.code == 0, back.output
    assert f"~{dead}/" in hosts.on(GATEWAY, CONFIG)
    assert answered(hosts, dead, hanging, rest[0]) == [200, 200, 200]


@pytest.mark.lab
@pytest.mark.nightly
def test_what_is_kept_is_asked_again_once_its_host_is_back(hosts: Fleet) -> None:
    first, second, *_rest = hosts.lab.names
    before = hosts.on(GATEWAY, CONFIG)
    hosts.kill(first)
    try:
        seen = hosts.play(SITE, "-e", "unreachable=keep")
        # Its chain's next one answers, whether or not LiteLLM has noticed by now.
        assert answered(hosts, first, first, second) == [200, 200, 200]
    finally:
        hosts.start_again(first)
    assert seen.code == 2
    assert "9 of 10 hosts run what is declared. The gateway keeps" in seen.output
    assert hosts.on(GATEWAY, CONFIG) == before
    assert answered(hosts, first, second) == [200, 200]
