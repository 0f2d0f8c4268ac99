# ruff: noqa: E501 - one line a case
"""The whole way: the same registry gives the same bytes, and no secret ever comes near."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

TEXT = """\
providers:
  one: {type: vllm, base_url: "http://one:8000", env_var: ONE_KEY, models: [m, n]}
  two: {type: custom, base_url: "http://two:8000", custom_config: {headers: {X-Key: "k ${TWO}"}}, models: [m]}
  down: {type: openai, status: disabled, models: [o]}
exact_matches:
  e: {provider: one, backend_model: m, fallback: two}
"""


def test_the_same_registry_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    first = compile_registry(str(tmp_path), Inventory())
    again = compile_registry(str(tmp_path), Inventory())
    assert first.gateway_config_text == again.gateway_config_text
    assert yaml.safe_load(first.gateway_config_text) == first.gateway_config
    assert json.dumps(first.as_dict()) == json.dumps(again.as_dict())


def test_sections_may_stand_in_any_order_and_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    whole = compile_registry(str(tmp_path), Inventory()).gateway_config_text
    (tmp_path / "lab.yaml").unlink()
    before, after = TEXT.split("exact_matches:")
    (tmp_path / "a-rules.yaml").write_text("exact_matches:" + after)
    (tmp_path / "b-providers.yml").write_text(before)
    assert compile_registry(str(tmp_path), Inventory()).gateway_config_text == whole


def test_variables_say_who_needs_them_and_where(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    found = compile_registry(str(tmp_path), Inventory())
    told = [(one["name"], one["needed_by"], one["place"][1]) for one in found.variables]
    assert told == [("ONE_KEY", ["one"], 2), ("TWO", ["two"], 3)]
    assert found.composed == {"LLM_HEADER_TWO_X_KEY_38F4FC98": "k ${TWO}"}


def test_values_of_variables_never_enter(tmp_path: Path, monkeypatch) -> None:
    for name in ("ONE_KEY", "TWO", "OPENAI_API_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.setenv(name, "sk-secret-Zx81")
    (tmp_path / "lab.yaml").write_text(TEXT)
    assert "Zx81" not in json.dumps(compile_registry(str(tmp_path), Inventory()).as_dict())


def test_the_master_key_is_always_asked_for(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    config = compile_registry(str(tmp_path), Inventory()).gateway_config
    assert config
    assert config["general_settings"] == {"master_key": "os.environ/LITELLM_MASTER_KEY"}


def test_nothing_that_is_in_a_file_raises(tmp_path: Path) -> None:
    """A registry with bytes, lines and words of it changed at random: problems, never more."""
    chance = random.Random(81)
    words = TEXT.split()
    for _ in range(150):
        text = list(TEXT)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text[at] = chance.choice(
                ["", " ", "\n", "{", "}", ":", "- ", "~", "#", '"', chance.choice(words)]
            )
        (tmp_path / "lab.yaml").write_text("".join(text))
        found = compile_registry(str(tmp_path), Inventory())
        json.dumps(found.as_dict())


def test_a_registry_that_is_wrong_all_over_is_answered_in_time(tmp_path: Path) -> None:
    lines = [
        "providers:",
        "  real: {type: vllm, base_url: 'http://r:1', models: [m]}",
        "exact_matches:",
    ]
    lines += [
        f"  n{number}: {{provider: rael{number}, fallback: n{number + 1}x}}"
        for number in range(3000)
    ]
    (tmp_path / "lab.yaml").write_text("\n".join(lines) + "\n")
    start = time.process_time()
    found = compile_registry(str(tmp_path), Inventory())
    assert time.process_time() - start < 10
    assert len(found.problems) == 6000


def test_a_chain_may_be_long(tmp_path: Path) -> None:
    lines = [
        "providers:",
        "  real: {type: vllm, base_url: 'http://r:1', models: [m]}",
        "  other: {type: vllm, base_url: 'http://o:1', models: [o]}",
        "exact_matches:",
    ]
    lines += [f"  n{number}: {{provider: real, fallback: n{number + 1}}}" for number in range(3000)]
    lines += ["  n3000: {provider: real, fallback: o}"]
    (tmp_path / "lab.yaml").write_text("\n".join(lines) + "\n")
    found = compile_registry(str(tmp_path), Inventory())
    assert not found.problems
    assert found.gateway_config
    assert found.gateway_config["router_settings"]["max_fallbacks"] == 3001
    circle = "\n".join([*lines[:-1], "  n3000: {provider: real, fallback: n0}"])
    (tmp_path / "lab.yaml").write_text(circle + "\n")
    (error,) = [
        one
        for one in compile_registry(str(tmp_path), Inventory()).problems
        if one.severity == "error"
    ]
    assert error.code == "fallback-cycle"
