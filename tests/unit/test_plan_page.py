# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/plan.md shows what is really printed, and names every group."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.planning import drift as drift_core
from ansible_collections.lab.llm.plugins.module_utils.planning import plan as plan_core
from ansible_collections.lab.llm.plugins.module_utils.planning.observed import findings
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare

PAGE = (Path(__file__).resolve().parents[2] / "docs/plan.md").read_text()
BLOCKS = [block.splitlines() for block in re.findall(r"^```text\n(.*?)^```", PAGE, re.S | re.M)]
RUNS = "/var/lib/llm/llama.cpp/b6123-5f1d1a8f/llama-server"
UNIT = f"[Service]\nExecStart=:{RUNS} --host 10.0.0.11 --port 8080 --ctx-size {{}}\n"
HOST: dict[str, Any] = {
    "account": [], "programs": [], "artifacts": [], "units": {}, "texts": {}, "leftover": [],
    "problems": [],
}  # fmt: skip


def entry(name: str, identity: str, **params: Any) -> dict[str, Any]:
    params = {"model": f"openai/{name}", **params}
    return {"model_name": name, "litellm_params": params, "model_info": {"id": identity}}


def config(fallback: str, rpm: int, *more: dict[str, Any]) -> dict[str, Any]:
    entries = [entry("gpt-4", "~openai/gpt-4", rpm=rpm), entry("llama3.1", "~llama31/llama3.1")]
    router = {"fallbacks": [{"gpt-4": [fallback]}]}
    return {"model_list": [*entries, *more], "router_settings": router}


def gateway() -> dict[str, Any]:
    after = config("mistral-7b", 30, entry("mistral-7b", "~mistral/mistral-7b"))
    items = [change.as_dict() for change in compare(config("llama3.1", 60), after)]
    # What LiteLLM is called by a fallback is told with its provider, unless it is a public name.
    items = [one for one in items if one["kind"] != "name"]
    provider = {"kind": "provider", "subject": "mistral", "verb": "add"}
    provider["text"] = "provider mistral is new: 1 deployment, called mistral-7b"
    items = [provider, *(one for one in items if one["kind"] != "provider")]
    variable = {"kind": "variable", "subject": "GROQ_API_KEY", "verb": "add"}
    variable["text"] = "the variable GROQ_API_KEY is needed now"
    return {
        "items": [*items, variable], "current": 6, "next": 7, "missing": ["GROQ_API_KEY"],
        "refused": [], "notes": [], "hosts": [],
    }  # fmt: skip


def spec(provider: str, port: int) -> dict[str, Any]:
    model = {"name": f"{provider}-7b"}
    return {"provider": provider, "engine": "llama_cpp", "version": None, "port": port,
            "unit": f"llama-server-{provider}.service", "models": [model],
            "key_variable": None}  # fmt: skip


CHECK: dict[str, Any] = {
    "services": {"gpu01": [spec("llama31", 8080)], "gpu02": [spec("mistral", 8081)]},
    "variables": [{"name": "GROQ_API_KEY", "needed_by": ["groq"]}],
    "missing_variables": ["GROQ_API_KEY"],
    "file": "",
}
OLD, NEW = "llama-server-llama31.service", "llama-server-mistral.service"


def test_the_plan_that_is_shown_is_what_is_printed() -> None:
    one = {
        **HOST,
        "units": {OLD: ["written", "restarted"]},
        "texts": {OLD: [UNIT.format(8192), UNIT.format(16384)]},
    }
    file = {"name": "model mistral-7b", "target": "/m", "changed": True, "before": "absent"}
    file["after"] = "sha256 00 from https://mirror.example/mistral-7b.gguf"
    two = {
        **HOST,
        "artifacts": [file],
        "units": {NEW: ["written", "enabled", "started"]},
        "texts": {NEW: ["", UNIT.format(8192)]},
    }
    told = plan_core.plan(CHECK, {"gateway1": gateway()}, {"gpu01": one, "gpu02": two})
    assert plan_core.lines(told) == BLOCKS[0]


def test_the_line_of_no_change_is_what_is_printed() -> None:
    check = {**CHECK, "missing_variables": []}
    told = plan_core.plan(
        check, {"gateway1": {**gateway(), "items": [], "missing": []}}, {"gpu01": HOST}
    )
    assert plan_core.lines(told) == BLOCKS[1]


def test_the_drift_that_is_shown_is_what_is_printed() -> None:
    found = {
        "current": 7, "by": "ada", "units": [], "foreign": [], "states": {}, "serving": [7],
        "files": [{"file": "config.yaml", "was": "5b0c7a1fd2e4" * 5, "is": "99d1c8e05a7b" * 5}],
        "systemd": "", "modes": [], "secrets": False, "program": "", "venv": "",
        "process": {"models": ["extra"], "deployments": [], "settings": {}},
        "probes": {"models": []}, "unconfirmed": "",
    }  # fmt: skip
    args = {"path": "/var/lib/llm/gateway", "user": "llm", "host": "gateway1"}
    seen = [one.as_dict() for one in findings(found, args, {})]
    unit = {
        "unit": OLD, "file": "ours", "text": None, "was": None, "secrets": False, "mode": "",
        "watch": [], "expected": True, "active": "failed", "result": "oom-kill", "enabled": True,
        "reload": False, "drop_ins": [], "holder": "",
    }  # fmt: skip
    hosts = {"gpu01": {"units": [unit], "leftover": [], "systemd": ""}}
    told = drift_core.drift({"gateway1": {"current": 7, "findings": seen, "notes": []}}, hosts)
    assert drift_core.lines(told) == BLOCKS[2]


def test_every_group_is_named() -> None:
    table = PAGE.partition("| group |")[2].partition("\n\n")[0]
    assert [name for name in [*plan_core.GROUPS, plan_core.REST] if name not in table] == []
