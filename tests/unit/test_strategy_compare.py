# ruff: noqa: E501 - one line a case
"""Capabilities and patterns where two configurations are compared: in words, nothing lost."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer

PROVIDERS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, n]}
  b: {type: vllm, base_url: "http://b:8000", models: [o], default_model: o}
"""
SPEED = "capabilities: {code: {preferred_models: [m, n], routing_strategy: fastest_response}}"
THEN = "capabilities: {code: {preferred_models: [m, n], routing_strategy: fastest_response, fallback: b}}"
LOAD = "capabilities: {code: {preferred_models: [m, n], routing_strategy: least_loaded}}"
SHARES = "capabilities: {code: {preferred_models: [m, n]}}"
ONE = (
    "capabilities: {code: {preferred_models: [m], routing_strategy: fastest_response, fallback: b}}"
)
PREFIX = 'patterns: [{pattern: "^gpt-.*", provider: a, backend_model: m, fallback: b}]'
OTHER = 'patterns: [{pattern: "^gpt-.*", provider: b, backend_model: o, fallback: n}]'
BOTH = "m at a or n at a, whoever is fastest"

CASES = [
    ("", SPEED, [f"code is new: answered by {BOTH}"]),
    ("", THEN, [f"code is new: answered by {BOTH}, with o at b as the fallback"]),
    (SPEED, "", ["code is gone"]),
    (SPEED, THEN, ["code: the fallback is o at b now, before nobody"]),
    (SPEED, LOAD, [f"code: answered by m at a or n at a, whoever has least to do; before by {BOTH}"]),
    (SPEED, SHARES, [f"code: answered by m at a 50 %, n at a 50 %; before by {BOTH}"]),
    (THEN, ONE, [f"code: answered by m at a; before by {BOTH}"]),
    ("", PREFIX, ["gpt-* is new: answered by m at a, then o at b"]),
    (PREFIX, OTHER, ["gpt-*: answered by o at b, then n at a; before by m at a, then o at b"]),
    (PREFIX, PREFIX, []),
]  # fmt: skip


def config(directory: Path, rules: str) -> dict[str, Any]:
    (directory / "lab.yaml").write_text(PROVIDERS + rules + "\n")
    found = compile_registry(str(directory), Inventory()).gateway_config
    assert found
    return found


@pytest.mark.parametrize(("before", "after", "said"), CASES)
def test_it_is_told_in_words(tmp_path: Path, before: str, after: str, said: list[str]) -> None:
    found = compare(config(tmp_path, before), config(tmp_path, after))
    assert [one.text for one in found if one.kind not in ("order", "setting")] == said


def test_a_group_that_is_made_otherwise_is_told_as_it_is(tmp_path: Path) -> None:
    ours = config(tmp_path, THEN)
    for change in (
        lambda one: one["fallbacks"][0]["code"].pop(0),
        lambda one: one["fallbacks"].clear(),
        lambda one: one["fallbacks"][0]["code"].reverse(),
        lambda one: one["routing_groups"][0]["models"].append("m"),
        lambda one: one["routing_groups"][0].update(routing_strategy_args={"ttl": 5}),
        lambda one: one["routing_groups"].append(one["routing_groups"][0]),
        lambda one: one["routing_groups"].clear(),
        lambda one: one.pop("routing_groups"),
    ):
        other = copy.deepcopy(ours)
        change(other["router_settings"])
        assert compare(ours, other)
        assert compare(other, ours)


def test_a_limit_that_is_counted_twice_is_told_as_it_holds(tmp_path: Path) -> None:
    limit = "\nrate_limit_settings: {limits: {b: {rpm: 7, tpm: 500}}}"
    usage = SPEED.replace("fastest_response", "usage_based")
    before, after = (config(tmp_path, rules + limit) for rules in ("", usage))
    written = {one["litellm_params"].get("rpm") for one in after["model_list"]}
    assert written == {None, 14}
    assert not [one for one in compare(before, after) if one.kind == "limit"]
    (target,) = Explainer(after).explain("o").steps[0].targets
    assert (target.rpm, target.tpm) == (7, 500)
