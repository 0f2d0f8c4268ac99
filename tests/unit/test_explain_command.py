"""explain.yml as ansible-playbook runs it; no host is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTRY = """
providers:
  gpu: {type: vllm, base_url: "http://10.0.0.1:8000", models: [a]}
  spare: {type: vllm, base_url: "http://10.0.0.2:8000", models: [a]}
"""
MORE = 'providers:\n  more: {type: vllm, base_url: "http://10.0.0.3:8000", models: [b]}\n'


SLOT = """
  coder:
    {type: llama_cpp, deploy: {hosts: box, slot: s}, models: [{name: c, source: {path: /c}}]}
  writer:
    {type: llama_cpp, deploy: {hosts: box, slot: s}, models: [{name: w, source: {path: /w}}]}
slots: {s: coder}
"""
HOSTS = "all: {hosts: {localhost: {ansible_connection: local}, box: {ansible_host: 10.0.0.5}}}\n"


@pytest.fixture
def explain(tmp_path: Path):
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/lab.yaml").write_text(REGISTRY)
    (tmp_path / "more.yaml").write_text(MORE)
    (tmp_path / "hosts.yml").write_text(HOSTS)

    def run(**asked: object) -> tuple[int, str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        words = [word for name, value in asked.items() for word in ("-e", f"{name}={value}")]
        done = subprocess.run(
            [program, "-i", str(tmp_path / "hosts.yml"), "playbooks/explain.yml", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1", "ANSIBLE_HOME": str(tmp_path / "home")},
        )
        return done.returncode, done.stdout

    return run


def test_one_name_for_people(explain) -> None:
    code, told = explain(model="a", down="gpu")
    assert code == 0
    assert told.splitlines()[1] == "name           a, with gpu down"
    assert "answered by    spare" in told.splitlines()


def test_all_names_for_programs_with_a_file_that_is_not_there_yet(explain, tmp_path: Path) -> None:
    code, told = explain(all="true", file=tmp_path / "more.yaml", format="json")
    assert code == 0
    assert [one["name"] for one in json.loads(told)] == ["a", "b"]


def test_who_waits_is_told_and_what_would_be_if_it_ran(explain, tmp_path: Path) -> None:
    file = tmp_path / "registry/lab.yaml"
    file.write_text(REGISTRY + SLOT.removeprefix("\n"))
    code, told = explain(model="w")
    assert code == 0, told
    lines = told.splitlines()
    assert "answered by    nobody: 400: Invalid model name passed in model=w" in lines
    assert "waits          writer with w in slot s while coder runs" in lines
    assert lines[-1].endswith("ansible-playbook playbooks/switch_model.yml -e provider=writer")

    code, told = explain(model="w", running="writer")
    assert code == 0, told
    assert "asked first    writer  w" in told
    assert "to have it" not in told
    assert file.read_text() == REGISTRY + SLOT.removeprefix("\n")

    code, told = explain(model="w", down="writer")
    assert code != 0
    assert "down names 'writer', which waits in slot s while coder runs" in told


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "Which name? -e model=gpt-4, or all of them with -e all=true"),
        ({"model": "a", "all": "true"}, "Which name?"),
        ({"model": "a", "down": "gpu,spar"}, "down names 'spar'; no such provider is routed to. "
         "Did you mean 'spare'? There are gpu and spare."),
    ],
)  # fmt: skip
def test_a_mistaken_question_is_refused(explain, asked: dict[str, str], why: str) -> None:
    code, told = explain(**asked)
    assert code != 0
    assert why in told


def test_a_registry_without_a_name_serves_none(explain, tmp_path: Path) -> None:
    (tmp_path / "registry/lab.yaml").write_text("providers: {}\n")
    code, said = explain(all="true")
    assert code == 0, said
    assert "No name is served." in said


def test_an_empty_name_is_no_name(explain) -> None:
    code, said = explain(model="")
    assert code != 0
    assert "Which name?" in said
