"""Registries and what they become, each configuration loaded by the real Router.

LAB_LLM_REGENERATE=1 writes the expected files anew; read the diff before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from tools.real_litellm import RealLiteLLM, real_litellm

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = sorted(path.parent.name for path in HERE.glob("*/registry"))


def compiled(case: str, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    monkeypatch.chdir(ROOT)  # places are told relative to it
    described = HERE / case / "inventory.json"
    inventory = json.loads(described.read_text()) if described.exists() else {}
    return compile_registry(str(HERE / case / "registry"), Inventory(**inventory))


def everything_else(found: Compiled) -> str:
    told = found.as_dict()
    told["problems"] = [str(problem) for problem in found.problems]
    for key in ("gateway_config", "gateway_config_text", "files", "file_providers"):
        del told[key]
    if not told["waiting"]:  # as in all but one
        del told["waiting"]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_registry_becomes_what_it_should(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiled(case, monkeypatch)
    assert not has_errors(found.problems), "\n".join(map(str, found.problems))
    for name, text in (
        ("config.yaml", found.gateway_config_text),
        ("compiled.json", everything_else(found)),
    ):
        expected = HERE / case / name
        if os.environ.get("LAB_LLM_REGENERATE"):
            expected.write_text(text)
        assert text == expected.read_text(), f"{expected} (LAB_LLM_REGENERATE=1 writes it anew)"


@pytest.mark.parametrize("case", CASES)
def test_text_says_what_was_meant(case: str) -> None:
    text = (HERE / case / "config.yaml").read_text()
    config = yaml.safe_load(text)
    names = [entry["model_name"] for entry in config["model_list"]]
    assert all(isinstance(name, str) for name in names)
    assert "&" not in text.replace("\\&", "")  # no anchors
    assert "${" not in text


@pytest.mark.parametrize("case", CASES)
def test_every_deployment_is_given_its_own_key(case: str) -> None:
    for entry in yaml.safe_load((HERE / case / "config.yaml").read_text())["model_list"]:
        params = entry["litellm_params"]
        signed = {"aws_access_key_id", "vertex_project"} & set(params)
        assert params.get("api_key") or signed, entry


@pytest.fixture(scope="module")
def litellm() -> RealLiteLLM:
    return real_litellm()


@pytest.mark.litellm
@pytest.mark.parametrize("case", CASES)
def test_the_real_router_takes_it_whole(case: str, litellm: RealLiteLLM) -> None:
    config: dict[str, Any] = yaml.safe_load((HERE / case / "config.yaml").read_text())
    seen = litellm.load(config)
    entries = config["model_list"]
    assert seen["ids"] == [entry["model_info"]["id"] for entry in entries]
    assert sorted(set(seen["names"])) == sorted({entry["model_name"] for entry in entries})
    for params, entry in zip(seen["params"], entries, strict=True):
        for key, value in entry["litellm_params"].items():
            if not str(value).startswith("os.environ/"):
                assert params[key] == value
    prefixes = [entry["litellm_params"]["model"].split("/")[0] for entry in entries]
    assert seen["providers"] == prefixes
