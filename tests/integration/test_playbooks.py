"""The playbooks where no host answers: what they say, and what they leave as it was."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store

ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., subprocess.CompletedProcess[str]]

INVENTORY = """
all:
  vars: {ansible_host: 127.0.0.1, ansible_port: 9, ansible_python_interpreter: /usr/bin/python3}
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
  children:
    gateway: {hosts: {%s}}
    backends: {hosts: {backend1: {}}}
"""
ELSEWHERE = """
providers:
  elsewhere: {type: openai_compatible, base_url: "http://127.0.0.1:9", models: [m]}
"""
MORE = ELSEWHERE.replace("elsewhere", "more").replace("[m]", "[o]")
OURS = """
providers:
  ours:
    type: llama_cpp
    deploy: {hosts: backend1, port: 8080}
    models: [{name: n, source: {path: /srv/n.gguf}}]
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """An inventory file with a registry beside it; nobody listens at its hosts' address."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/elsewhere.yaml").write_text(ELSEWHERE)
    (tmp_path / "hosts.yml").write_text(INVENTORY % "gateway1: {}")
    return tmp_path / "hosts.yml"


def registry(lab: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (lab.parent / "registry").iterdir()}


def test_the_registry_beside_the_inventory_is_found(lab: Path, play: Play) -> None:
    done = play("check.yml", "-i", str(lab))
    assert done.returncode == 0, done.stdout
    assert "ok, 1 provider, 1 model, 1 route." in done.stdout


def test_json_is_one_document_whether_it_is_well_or_not(lab: Path, play: Play) -> None:
    document = json.loads(play("check.yml", "-i", str(lab), "-e", "format=json").stdout)
    assert (document["ok"], [r["name"] for r in document["routes"]]) == (True, ["m"])
    (lab.parent / "registry/bad.yaml").write_text("exact_matches: {x: {provider: elsewere}}\n")
    done = play("check.yml", "-i", str(lab), "-e", "format=json")
    document = json.loads(done.stdout)
    assert done.returncode != 0
    assert document["ok"] is False
    assert [p["suggestion"] for p in document["problems"]] == ["elsewhere"]


def test_another_registry_is_checked_by_name(lab: Path, play: Play, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "ours.yaml").write_text(OURS)
    done = play("check.yml", "-i", str(lab), "-e", f"llm_registry={other}")
    assert "1 provider, 1 model, 1 route" in done.stdout
    assert done.returncode == 0


def test_the_lab_to_copy_is_sound(play: Play) -> None:
    hosts = "inventories/example/hosts.yml"
    done = play("check.yml", "-i", hosts, env={"OPENAI_API_KEY": "sk-any"})
    assert done.returncode == 0
    assert "warning" not in done.stdout


def test_a_gateway_that_is_not_reached_ends_with_a_verdict(lab: Path, play: Play) -> None:
    done = play("site.yml", "-i", str(lab))
    assert done.returncode != 0
    assert done.stdout.count("Connection refused") == 1
    assert done.stdout.rstrip().endswith("The gateway is as before.")


def test_a_backend_that_is_not_reached_keeps_the_file_out(
    lab: Path, play: Play, tmp_path: Path
) -> None:
    before = registry(lab)
    file = tmp_path / "ours.yaml"
    file.write_text(OURS)
    done = play("add_provider.yml", "-i", str(lab), "-e", f"file={file}")
    assert done.returncode != 0
    assert "Connection refused" in done.stdout
    stands = (
        "The registry and the gateway are as before. The new instances may still be on backend1."
    )
    assert done.stdout.rstrip().endswith(stands)
    assert registry(lab) == before


def test_nothing_is_kept_that_no_gateway_has_proven(lab: Path, play: Play, tmp_path: Path) -> None:
    before = registry(lab)
    file = tmp_path / "more.yaml"
    file.write_text(MORE)
    done = play("add_provider.yml", "-i", str(lab), "-e", f"file={file}", "--limit", "localhost")
    assert done.returncode != 0
    assert "so the registry stays as it is" in done.stdout
    assert registry(lab) == before


def test_a_limit_without_the_controller_is_told(lab: Path, play: Play) -> None:
    done = play("site.yml", "-i", str(lab), "--limit", "gateway1")
    assert done.returncode != 0
    assert "a --limit has to name localhost too" in done.stdout


@pytest.mark.parametrize("command", ["generations.yml", "backup.yml"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "The group 'gateway' has 2 hosts; this needs one. Say which: -e gateway=gateway1 or"),
        (("-e", "gateway=gw2"), "The group 'gateway' has no host 'gw2'. Say which: -e gateway="),
        (("-e", "gateway=gateway2"), "unreachable  gateway2: "),
    ],
)
def test_of_several_gateways_one_is_named_where_one_is_meant(
    lab: Path, play: Play, command: str, words: tuple[str, ...], said: str
) -> None:
    lab.write_text(INVENTORY % "gateway1: {}, gateway2: {}")
    done = play(command, "-i", str(lab), *words)
    assert done.returncode != 0
    assert said in done.stdout
    assert "gateway1: " not in done.stdout


@pytest.mark.parametrize("command", ["rollback.yml", "adopt.yml"])
def test_a_gateway_that_is_none_is_told_before_anything_is_asked(
    lab: Path, play: Play, command: str
) -> None:
    lab.write_text(INVENTORY % "gateway1: {}, gateway2: {}")
    done = play(command, "-i", str(lab), "-e", "gateway=gw2")
    assert done.returncode != 0
    assert "no host 'gw2'. Say which: -e gateway=gateway1 or gateway2" in done.stdout


def test_several_gateways_are_given_the_key_of_their_clients(lab: Path, play: Play) -> None:
    lab.write_text(INVENTORY % "gateway1: {}, gateway2: {}")
    done = play("site.yml", "-i", str(lab), env={"LITELLM_MASTER_KEY": ""})
    assert done.returncode != 0
    assert "LITELLM_MASTER_KEY has no value; it is needed by gateway1, gateway2" in done.stdout
    assert "No host was touched." in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("validate.yml",),
        ("adopt.yml",),
        ("plan.yml",),
        ("drift.yml",),
        ("generations.yml",),
        ("ask.yml", "-e", "model=m", "-e", "question=x"),
        ("schedule.yml",),
        ("schedule.yml", "-e", "schedule_on=controller"),
        ("parts/scheduled.yml",),
        ("restore.yml", "-e", "file=gateway.tar.gz"),
        ("rollback.yml",),
        ("backup.yml",),
        ("site.yml",),
        ("add_provider.yml", "-e", "file=LAB/more.yaml"),
        ("remove_provider.yml", "-e", "provider=elsewhere"),
        ("rotate_key.yml", "-e", "variable=LITELLM_MASTER_KEY"),
        ("promote.yml", "-e", "provider=elsewhere", "-e", "traffic=100%"),
    ],
    ids=lambda command: command[0],
)
def test_without_a_gateway_nothing_is_said_to_be_well(
    lab: Path, play: Play, command: tuple[str, ...]
) -> None:
    lab.write_text(INVENTORY % "")
    (lab.parent / "more.yaml").write_text(MORE)
    done = play(
        command[0], "-i", str(lab), *[word.replace("LAB", str(lab.parent)) for word in command[1:]]
    )
    assert done.returncode != 0
    assert "The group 'gateway' has 0 hosts; this needs one." in done.stdout


def test_a_registry_that_nobody_is_to_answer_needs_no_gateway(lab: Path, play: Play) -> None:
    lab.write_text(INVENTORY % "")
    file = lab.parent / "registry/elsewhere.yaml"
    file.write_text(ELSEWHERE.replace("{type", "{status: disabled, type"))
    done = play("site.yml", "-i", str(lab))
    assert done.returncode == 0, done.stdout


@pytest.fixture
def serve_unconfirmed(lab: Path) -> Callable[[str], None]:
    """Has this machine's gateway serve a file new.yaml that the registry does not hold."""
    here = f"ansible_connection: local, user_service_user: root, user_service_home: {lab.parent}"
    lab.write_text(INVENTORY % f"gateway1: {{{here}}}")

    def serve(text: str) -> None:
        store = Store(lab.parent / "gateway")
        store.prepare()
        content = Content({"config.yaml": "", "registry/new.yaml": text}, "venv", {}, (), "")
        store.switch(store.stage(content, {}))
        store.record(1, "live", unconfirmed="new.yaml")

    return serve


def test_what_the_gateway_alone_has_is_checked_before_it_is_adopted(
    lab: Path, play: Play, serve_unconfirmed: Callable[[str], None]
) -> None:
    before = registry(lab)
    serve_unconfirmed(MORE + "exact_matches: {x: {provider: elsewere}}\n")
    done = play("adopt.yml", "-i", str(lab))
    assert done.returncode != 0
    assert "registry/new.yaml:4:" in done.stdout
    assert "Did you mean 'elsewhere'?" in done.stdout
    assert registry(lab) == before


def test_what_would_be_adopted_is_shown(
    lab: Path, play: Play, serve_unconfirmed: Callable[[str], None]
) -> None:
    before = registry(lab)
    serve_unconfirmed(MORE)
    done = play("adopt.yml", "-i", str(lab), "--check", "--diff")
    assert done.returncode == 0, done.stdout
    assert "+  more: {type: openai_compatible" in done.stdout
    assert "The registry holds new.yaml now. Generation 1 serves it." in done.stdout
    assert registry(lab) == before


def test_without_a_file_it_asks_for_one(play: Play) -> None:
    done = play("add_provider.yml")
    assert done.returncode != 0
    assert "-e file=mistral.yaml" in done.stdout


@pytest.mark.parametrize("playbook", ["check.yml", "site.yml"])
def test_the_default_output_of_ansible_serves_too(lab: Path, play: Play, playbook: str) -> None:
    (lab.parent / "registry/bad.yaml").write_text("exact_matches: {x: {provider: elsewere}}\n")
    done = play(
        playbook, "-i", str(lab), env={"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"}
    )
    assert done.returncode != 0
    assert "Did you mean 'elsewhere'?" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("playbook", "said"),
    [
        ("plan.yml", "plan: no change where it was looked at; not looked at: gateway1."),
        ("drift.yml", "drift: no drift where it was looked at; not looked at: gateway1."),
    ],
)
def test_what_could_not_be_looked_at_is_never_called_well(
    lab: Path, play: Play, playbook: str, said: str
) -> None:
    done = play(playbook, "-i", str(lab))
    assert done.returncode == 2
    assert "! gateway1 could not be looked at" in done.stdout
    assert "Connection refused" in done.stdout
    assert said in done.stdout
    told = json.loads(play(playbook, "-i", str(lab), "-e", "format=json").stdout)
    assert (told["ok"], list(told["not_seen"])) == (False, ["gateway1"])
