# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slots: who runs, what of the others stays, and what the gateway is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.llama_cpp import host_plan

INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "g1": "10.0.0.2"})
CODER = (
    "  coder: {type: llama_cpp, env_var: CODER_KEY, deploy: {hosts: g1, slot: gpu0},"
    " models: [{name: code, source: {path: /a}}, {name: both, source: {path: /a}}]}\n"
)
WRITER = (
    "  writer: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0},"
    " models: [{name: text, source: {path: /b}}, {name: both, source: {path: /b}}]}\n"
)
CLOUD = "  cloud: {type: openai, models: [big]}\n"
FALLBACK = "exact_matches:\n  code: {provider: coder, fallback: cloud}\n"
SETTINGS = {
    "home": "/var/lib/llm",
    "install": "binary",
    "binary": "/opt/llama-server",
    "packaged_binary": "",
    "sandbox": True,
    "ready_timeout": 60,
    "secrets_name": "llama_cpp_secrets",
}


def compiled(folder: Path, text: str, **changes: Any) -> Compiled:
    (folder / "lab.yaml").write_text(text)
    found = compile_registry(str(folder), INVENTORY, **changes)
    assert found.gateway_config is not None, found.problems
    return found


def answers(found: Compiled) -> dict[str, list[str]]:
    """Who answers each name, in order, behind each other."""
    return {
        route.name: [
            *(target.deployment.provider for target in route.targets),
            *(fallback.name for fallback in route.fallbacks),
        ]
        for route in found.routes.routes.values()
    }


def running(found: Compiled) -> dict[str, bool]:
    return {spec["provider"]: spec["runs"] for spec in found.services["g1"]}


@pytest.mark.parametrize(
    ("providers", "runs"),
    [
        (CODER + WRITER, "coder"),
        (WRITER + CODER, "writer"),
        (CODER.replace("slot:", "bind: 10.0.0.2, slot:") + WRITER + "slots: {gpu0: writer}\n", "writer"),
        (CODER.replace("env_var", "status: testing, env_var") + WRITER, "writer"),
        (CODER.replace("env_var", "status: disabled, env_var") + WRITER, "writer"),
    ],
)  # fmt: skip
def test_one_runs(tmp_path: Path, providers: str, runs: str) -> None:
    found = running(compiled(tmp_path, "providers:\n" + providers))
    assert [name for name, runs_now in found.items() if runs_now] == [runs]


def test_only_who_runs_is_routed_and_asked(tmp_path: Path) -> None:
    found = compiled(tmp_path, "providers:\n" + CODER + WRITER + "slots: {gpu0: writer}\n")
    assert answers(found) == {"text": ["writer"], "both": ["writer"]}
    assert {one["provider"] for one in found.probes["health"]} == {"writer"}
    # Its key stays where it is, for the day it is wanted.
    assert [one["name"] for one in found.variables] == ["CODER_KEY"]
    warned = {one.code: one.message for one in found.problems}
    assert "nobody answers code" in warned["nobody-runs"]


def test_a_name_with_a_fallback_is_answered_meanwhile(tmp_path: Path) -> None:
    text = "providers:\n" + CODER + WRITER + CLOUD + FALLBACK
    assert answers(compiled(tmp_path, text))["code"] == ["coder", "cloud"]
    other = compiled(tmp_path, text + "slots: {gpu0: writer}\n")
    assert set(answers(other)["code"]) == {"cloud"}
    assert "nobody-runs" not in {one.code for one in other.problems}


def test_who_is_about_to_stop_keeps_what_nobody_else_answers(tmp_path: Path) -> None:
    again = "  again: {type: vllm, base_url: 'http://10.0.0.9:8000', models: [both]}\n"
    text = "providers:\n" + CODER + WRITER + CLOUD + again + FALLBACK
    found = answers(compiled(tmp_path, text, leaving="coder"))
    assert found["both"] == ["again"]
    assert set(found["code"]) == {"cloud"}
    alone = answers(compiled(tmp_path, "providers:\n" + CODER + WRITER, leaving="coder"))
    assert alone == {"code": ["coder"], "both": ["coder"]}


def test_ids_are_the_same_whoever_runs(tmp_path: Path) -> None:
    text = "providers:\n" + CODER + WRITER + CLOUD
    ids = [
        {target.id for route in found.routes.routes.values() for target in route.targets}
        for found in (
            compiled(tmp_path, text),
            compiled(tmp_path, text + "slots: {gpu0: writer}\n"),
        )
    ]
    assert {one for one in ids[0] ^ ids[1] if "cloud" in one} == set()


def units(found: Compiled) -> dict[str, dict[str, Any]]:
    made = host_plan(found.services["g1"], SETTINGS, {"CODER_KEY": "sk-x"})
    return {unit["name"]: unit for unit in made["units"]}


def test_systemd_has_one_down_before_the_other_starts(tmp_path: Path) -> None:
    found = units(compiled(tmp_path, "providers:\n" + CODER + WRITER))
    coder, writer = found["llama-server-coder.service"], found["llama-server-writer.service"]
    assert (coder["state"], writer["state"]) == ("started", "stopped")
    assert writer["sections"]["Unit"]["Conflicts"] == ["llama-server-coder.service"]
    assert writer["sections"]["Unit"]["After"] == ["llama-server-coder.service"]
    assert coder["sections"]["Unit"]["Conflicts"] is None


def test_they_may_have_one_port_and_others_may_not(tmp_path: Path) -> None:
    found = compiled(tmp_path, "providers:\n" + CODER + WRITER)
    assert {spec["port"] for spec in found.services["g1"]} == {8080}
    apart = [{**spec, "slot": spec["provider"]} for spec in found.services["g1"]]
    with pytest.raises(EngineError, match="both want port 8080"):
        host_plan(apart, SETTINGS, {"CODER_KEY": "sk-x"})
