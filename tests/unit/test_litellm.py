# ruff: noqa: E501 - one line a case
"""The shapes that LiteLLM is given. That they do what is meant: tests/golden/test_who_answers.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)

INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["g1", "g2"]}, {"g1": "10.0.0.11", "g2": "g2.lab"}
)
BASE = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, n]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
  c: {type: openai, models: [gpt-4]}
  fleet: {type: llama_cpp, deploy: {hosts: gpus}, models: [{name: f, source: {path: /f}}]}
"""


def compiled(tmp_path: Path, rules: str = "") -> Compiled:
    (tmp_path / "lab.yaml").write_text(BASE + rules)
    found = compile_registry(str(tmp_path), INVENTORY)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    return found


def params(found: Compiled, name: str, key: str) -> list[Any]:
    """One of the parameters of a name's deployments, None where it is not set."""
    config = found.gateway_config or {}
    entries = [entry for entry in config["model_list"] if entry["model_name"] == name]
    return [entry["litellm_params"].get(key) for entry in entries]


def settings(found: Compiled) -> dict[str, Any]:
    return dict((found.gateway_config or {})["router_settings"])


@pytest.mark.parametrize(
    ("rules", "name", "key", "values"),
    [
        ("", "m", "order", [1, 2]),
        ("", "m", "weight", [None, None]),
        ("", "n", "num_retries", [2]),
        ("", "m", "num_retries", [None, None]),
        ("exact_matches: {e: {provider: b, fallback: c}}", "e", "num_retries", [None]),
        ("", "f", "order", [None, None]),  # hosts of one rank: no order, and a failover
        ("", "f", "api_base", ["http://10.0.0.11:8080/v1", "http://g2.lab:8080/v1"]),
        ("exact_matches: {f: {provider: b, priority: secondary}}", "f", "weight", [1.0, 1.0, 1e-9]),
        ("exact_matches: {f: {provider: b, priority: secondary}}", "f", "order", [None] * 3),
        ("redundant_models: {r: {providers: [{provider: b}, {provider: c}]}}", "r", "weight", [1.0, 1.0]),
        ("", "gpt-4", "api_key", ["os.environ/OPENAI_API_KEY"]),
        ("", "n", "api_key", ["no-key-needed"]),
        ("rate_limit_settings: {limits: {c: {rpm: 5, tpm: 9}}}", "gpt-4", "tpm", [9]),
    ],
)  # fmt: skip
def test_a_parameter(tmp_path: Path, rules: str, name: str, key: str, values: list[Any]) -> None:
    assert params(compiled(tmp_path, rules), name, key) == values


def test_settings_are_only_what_is_needed(tmp_path: Path) -> None:
    plain = settings(compiled(tmp_path))
    assert plain == {
        "routing_strategy": "simple-shuffle",
        "num_retries": 0,
        "enable_weighted_failover": True,
    }
    limited = settings(compiled(tmp_path, "rate_limit_settings: {limits: {c: {rpm: 5}}}"))
    assert limited["optional_pre_call_checks"] == ["enforce_model_rate_limits"]


def test_fallbacks_leave_out_who_is_asked_anyway(tmp_path: Path) -> None:
    rules = "exact_matches: {m: {provider: a, fallback: [b, c]}, e: {provider: b, fallback: [m, fleet]}}"
    found = settings(compiled(tmp_path, rules))
    assert found["fallbacks"] == [
        {"m": ["~c/gpt-4"]},
        {"e": ["m", "~fleet@g1/f", "~fleet@g2/f"]},
    ]
    assert "max_fallbacks" not in found  # LiteLLM's own bound is enough


def test_a_long_way_is_allowed_for(tmp_path: Path) -> None:
    names = "opqrstu"
    chain = ", ".join(
        f"{one}: {{provider: c, fallback: {after}}}"
        for one, after in zip(names, [*names[1:], "m"], strict=True)
    )
    assert settings(compiled(tmp_path, f"exact_matches: {{{chain}}}"))["max_fallbacks"] == 8


def test_a_deployment_that_only_a_fallback_leads_to_has_an_entry(tmp_path: Path) -> None:
    rules = """redundant_models:
  m: {providers: [{provider: a}, {provider: c}], fallback: b}
"""
    found = compiled(tmp_path, rules)
    assert settings(found)["fallbacks"] == [{"m": ["~b/m"]}]
    assert params(found, "~b/m", "api_base") == ["http://b:8000/v1"]
    assert found.rules["~b/m@~b/m"].endswith("lab.yaml:7")


def test_rules_stand_beside_the_configuration(tmp_path: Path) -> None:
    found = compiled(tmp_path, "exact_matches:\n  e: {provider: b}\n")
    assert found.rules["~b/m#e@e"].endswith("lab.yaml:7")
    moved = compiled(tmp_path, "\n\n\nexact_matches:\n  e: {provider: b}\n")
    assert moved.rules["~b/m#e@e"].endswith("lab.yaml:10")
    assert moved.gateway_config_text == found.gateway_config_text
    entries = (found.gateway_config or {})["model_list"]
    of_entries = [f"{one['model_info']['id']}@{one['model_name']}" for one in entries]
    names = [one["model_name"] for one in entries]
    assert list(found.rules) == list(dict.fromkeys([*of_entries, *names]))


def test_a_fallback_has_the_rule_that_names_it(tmp_path: Path) -> None:
    rules = "exact_matches:\n  e:\n    provider: b\n    fallback: [a, m]\n"
    found = compiled(tmp_path, rules).rules
    assert found["e"].endswith("lab.yaml:7")
    assert found["e->m"].endswith("lab.yaml:9")
    assert [key for key in found if key.startswith("e->")] == ["e->~a/m", "e->m"]
