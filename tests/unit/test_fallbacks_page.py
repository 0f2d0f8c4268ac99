"""The examples of docs/fallbacks.md become what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

PAGE = (Path(__file__).parents[2] / "docs" / "fallbacks.md").read_text()
CHAINS, SPECIAL, RETRIES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.M | re.S)


def compiled(directory: Path, text: str) -> Compiled:
    (directory / "lab.yaml").write_text(text)
    found = compile_registry(str(directory), Inventory())
    assert not has_errors(found.problems), "\n".join(map(str, found.problems))
    return found


def chains(found: Compiled, key: str) -> dict[str, list[str]]:
    settings: dict[str, Any] = (found.gateway_config or {})["router_settings"]
    return {name: to for chain in settings[key] for name, to in chain.items()}


def test_the_chains_are_those_of_the_text(tmp_path: Path) -> None:
    found = chains(compiled(tmp_path, CHAINS), "fallbacks")
    assert found == {
        "qwen3": ["llama3.1", "gpt-4o-mini", "~spare/llama3.1", "~cloud/gpt-4o-mini"],
        "llama3.1": ["~cloud/gpt-4o-mini"],
    }


def test_each_kind_of_failure_has_its_chain(tmp_path: Path) -> None:
    found = compiled(tmp_path, SPECIAL)
    assert chains(found, "context_window_fallbacks") == {"llama3.1": ["qwen3"]}
    assert chains(found, "content_policy_fallbacks") == {"llama3.1": ["~cloud/gpt-4o-mini"]}


def test_retries_and_their_delay_are_those_of_the_text(tmp_path: Path) -> None:
    found = compiled(tmp_path, RETRIES)
    config = found.gateway_config or {}
    retries = {one["model_name"]: one["litellm_params"] for one in config["model_list"]}
    assert {name: one["num_retries"] for name, one in retries.items()} == {
        "llama3.1": 2,
        "mistral": 1,
    }
    assert config["router_settings"]["timeout"] == 120
    assert set(found.environment.values()) == {"0.25", "0"}


@pytest.mark.parametrize("name", ["INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY", "JITTER"])
def test_the_variables_are_named(name: str) -> None:
    assert f"`{name}`" in PAGE
