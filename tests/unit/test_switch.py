# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A switch of models before anything is done: what is written, what is served, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from ansible_collections.lab.llm.plugins.module_utils.removal import remove
from ansible_collections.lab.llm.plugins.module_utils.routing.leaving import NOWHERE
from ansible_collections.lab.llm.plugins.module_utils.switching.report import report
from ansible_collections.lab.llm.plugins.module_utils.switching.switch import Switch, switch

INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "g1": "10.0.0.2"})
PROVIDERS = """\
# who is who
providers:
  coder: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0}, models: [{name: a, source: {path: /a}}]}
  writer: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0}, models: [{name: b, source: {path: /b}}]}
  alone: {type: llama_cpp, deploy: {hosts: gw}, models: [{name: c, source: {path: /c}}]}
"""  # fmt: skip


def switched(folder: Path, provider: str, text: str = PROVIDERS) -> Switch:
    (folder / "lab.yaml").write_text(text)
    return switch(str(folder), INVENTORY, provider)


@pytest.mark.parametrize(
    ("more", "written"),
    [
        ("", "\nslots:\n  gpu0: writer\n"),
        ("slots: {gpu0: coder}  # now\n", "slots: {gpu0: writer}  # now\n"),
        ("slots:\n  gpu0: coder\n", "slots:\n  gpu0: writer\n"),
    ],
)
def test_one_value_changes_and_nothing_else(tmp_path: Path, more: str, written: str) -> None:
    found = switched(tmp_path, "writer", PROVIDERS + more)
    assert not has_errors(found.problems)
    assert (found.slot, found.old) == ("gpu0", "coder")
    assert found.edits == {"lab.yaml": PROVIDERS + written}
    assert found.restore == {"lab.yaml": PROVIDERS + more}


def runs(services: dict[str, list[dict[str, Any]]]) -> dict[str, bool]:
    return {spec["provider"]: spec["runs"] for spec in services["g1"]}


def test_each_step_is_known_before_the_first(tmp_path: Path) -> None:
    found = switched(tmp_path, "writer")
    assert runs(found.before_services) == {"coder": True, "writer": False}
    assert runs(found.services) == {"coder": False, "writer": True}
    assert found.names == {"lost": ["a"], "new": ["b"]}
    # Nobody else answers `a`, so it stays, and nothing new is begun with it.
    assert sent(found.leaving) == {"a": (NOWHERE, "no-key-needed"), "c": ANY}
    assert sent(found.before)["a"][0] == "http://10.0.0.2:8080/v1"
    names = {one["model_name"] for one in found.compiled.gateway_config["model_list"]}
    assert names == {"b", "c"}


def test_what_another_answers_leaves_the_old_one_first(tmp_path: Path) -> None:
    text = PROVIDERS + "exact_matches:\n  a: {provider: coder, fallback: alone}\n"
    config = yaml.safe_load(switched(tmp_path, "writer", text).leaving["gateway_config_text"])
    bases = {one["model_name"]: one["litellm_params"]["api_base"] for one in config["model_list"]}
    assert bases["a"] == bases["c"]


def sent(given: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Where requests for a name go, and with which key."""
    listed = yaml.safe_load(given["gateway_config_text"])["model_list"]
    params = {one["model_name"]: one["litellm_params"] for one in listed}
    return {name: (one["api_base"], one["api_key"]) for name, one in params.items()}


def test_the_schedule_asks_who_is_about_to_stop_for_no_answer(tmp_path: Path) -> None:
    found = switched(tmp_path, "writer")
    rows = found.leaving["probes"]["providers"]
    assert (rows["coder"]["probe"], rows["coder"]["watch"]) == ("full", "health")
    assert rows["alone"]["watch"] == "full"
    assert "a" in found.leaving["probes"]["models"]  # it is listed all the time


def test_who_is_about_to_stop_is_sent_no_key_either(tmp_path: Path) -> None:
    headers = "custom_config: {headers: {X-Key: '${CODER_HEADER}'}}"
    text = PROVIDERS.replace("coder: {", f"coder: {{env_var: CODER_KEY, {headers}, ")
    found = switched(tmp_path, "writer", text)
    assert not has_errors(found.problems), found.problems
    assert "CODER" in found.before["gateway_config_text"]
    assert "CODER" not in found.leaving["gateway_config_text"]
    assert sent(found.leaving)["a"] == (NOWHERE, "no-key-needed")


def test_one_that_runs_already_changes_nothing(tmp_path: Path) -> None:
    found = switched(tmp_path, "coder")
    assert (found.old, found.edits) == ("", {})
    assert found.services == found.before_services


@pytest.mark.parametrize(
    ("provider", "code", "words"),
    [
        ("writr", "unknown-provider", "Did you mean 'writer'?"),
        ("zzz", "unknown-provider", "one of coder, writer"),
        ("alone", "not-in-slot", "shares no slot"),
    ],
)
def test_who_cannot_be_switched_to(tmp_path: Path, provider: str, code: str, words: str) -> None:
    (problem,) = (one for one in switched(tmp_path, provider).problems if one.code == code)
    assert words in str(problem)
    assert switched(tmp_path, provider).edits == {}


def test_a_file_that_ends_otherwise_is_left_alone(tmp_path: Path) -> None:
    found = switched(tmp_path, "writer", PROVIDERS + "...\n")
    assert [one.code for one in found.problems if one.severity == "error"] == ["cannot-edit"]


TOLD = {
    "ok": True, "provider": "writer", "slot": "gpu0", "old": "coder", "left": [], "failures": [],
    "names": {"lost": ["a"], "new": ["b"]}, "changed": True, "check": False, "cut": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ["writer runs in slot gpu0 now, in place of coder", "Answered now: b", "no more"]),
        ({"check": True}, ["would run"]),
        ({"cut": ["litellm@3.service"]}, ["still at requests when coder stopped"]),
        ({"old": "", "changed": False}, ["runs in slot gpu0 already: nothing was changed"]),
        ({"ok": False, "failures": ["x"]}, ["coder runs in slot gpu0", "as before"]),
        ({"ok": False, "left": ["g1"]}, ["could not be had back on g1", "-e provider=coder"]),
        ({"ok": False, "old": ""}, ["and it does not"]),
    ],
)
def test_the_end_is_told(change: dict[str, Any], words: list[str]) -> None:
    said = report({**TOLD, **change})
    assert all(word in said for word in words), said


def test_who_runs_is_removed_only_after_a_switch(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(PROVIDERS)
    found = remove(str(tmp_path), INVENTORY, "coder")
    (problem,) = (one for one in found.problems if one.severity == "error")
    assert "'coder' runs in slot gpu0" in problem.message
    assert "switch_model.yml -e provider=writer" in problem.expected
    assert not has_errors(remove(str(tmp_path), INVENTORY, "writer").problems)


def test_the_last_of_a_slot_takes_its_entry_along(tmp_path: Path) -> None:
    rows = PROVIDERS.splitlines(keepends=True)
    (tmp_path / "lab.yaml").write_text("".join(rows[:3] + rows[4:]) + "slots: {gpu0: coder}\n")
    found = remove(str(tmp_path), INVENTORY, "coder")
    assert not has_errors(found.problems)
    assert found.edits == {"lab.yaml": "".join(rows[:2] + rows[4:])}
