"""A canary's share in the registry: how it may be written, what it leads to, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.routing.canaries import canaries

INVENTORY = Inventory(
    {"gateway": ["gw"], "two": ["g1", "g2"]}, {"g1": "10.0.0.1", "g2": "10.0.0.2"}
)
A = '  a: {type: vllm, base_url: "http://a:8000", models: [m]}\n'
B = '  b: {type: vllm, base_url: "http://b:8000", models: [m]}\n'


def canary(words: str, models: str = "[m]", name: str = "c") -> str:
    return f'  {name}: {{type: vllm, base_url: "http://{name}:8000", models: {models}, {words}}}\n'


def compiled(directory: Path, *providers: str, rules: str = "") -> Compiled:
    (directory / "lab.yaml").write_text("providers:\n" + "".join(providers) + rules)
    return compile_registry(str(directory), INVENTORY)


def told(found: Compiled) -> list[tuple[str, str]]:
    return [(problem.severity, problem.code) for problem in found.problems]


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("5%", 0.05),
        ('"5%"', 0.05),
        ("0.05", 0.05),
        ("12.5%", 0.125),
        ("05%", 0.05),
        ("0.1%", 0.001),
        ("99.9%", 0.999),
        ("100%", 1.0),
    ],
)
def test_a_share_is_a_percentage_or_a_part_of_one(
    written: str, share: float, tmp_path: Path
) -> None:
    found = compiled(tmp_path, A, canary(f"status: testing, traffic: {written}"))
    assert not found.problems
    (route,) = found.routes.routes["m"].canaries
    assert route.traffic == pytest.approx(share)


@pytest.mark.parametrize("written", ["0%", "0", "0.0", "0.0%"])
def test_a_share_of_nothing_leaves_it_its_own_name(written: str, tmp_path: Path) -> None:
    found = compiled(tmp_path, A, canary(f"status: testing, traffic: {written}"))
    assert not found.problems
    assert not found.routes.routes["m"].canaries
    assert found.routes.routes["testing/m"].targets
    assert found.gateway_config
    assert "litellm_settings" not in found.gateway_config


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("5", "bad-value"),  # 5 percent or five times?
        ("1", "bad-value"),  # one percent or all of it?
        ("1.0", "bad-value"),
        ("-5%", "bad-value"),
        ("-0.1", "bad-value"),
        ("101%", "bad-value"),
        ("100.5%", "bad-value"),
        ('"0.05"', "bad-value"),
        ("5 %", "bad-value"),
        ("half", "bad-value"),
        ("true", "wrong-type"),
        ("[5%]", "wrong-type"),
    ],
)
def test_another_share_is_refused_in_words(written: str, code: str, tmp_path: Path) -> None:
    found = compiled(tmp_path, A, canary(f"status: testing, traffic: {written}"))
    (problem,) = found.problems
    assert (problem.code, problem.place.line) == (code, 3)
    assert 'a share such as "5%", or 0.05' in problem.expected
    assert "providers.c.traffic is" in problem.message


FIVE, SIXTY = "status: testing, traffic: 5%", "status: testing, traffic: 60%"
WEIGHTS = """redundant_models:
  r: {providers: [{provider: a, weight: 1}, {provider: c, weight: 1}]}
"""
# what c is, more providers, rules, (severity, code) of what is said
CASES = [
    ("status: active, traffic: 5%", "[m]", A, "", [("error", "traffic-without-effect")]),
    ("traffic: 5%", "[m]", A, "", [("error", "traffic-without-effect")]),
    ("status: disabled, traffic: 5%", "[m]", A, "", [("warning", "traffic-without-effect")]),
    (FIVE, "[o]", A, "", [("error", "canary-without-peer")]),
    (FIVE, "[m]", "", "", [("error", "canary-without-peer")]),
    # Another one on trial is no peer: who would answer when both fail?
    (
        FIVE, "[m]", canary(FIVE, name="d"), "",
        [("error", "canary-without-peer")] * 2,
    ),
    (FIVE, "[m, o]", A, "", []),
    (
        SIXTY, "[m]", A + canary("status: testing, traffic: 0.5", name="d"), "",
        [("error", "too-much-traffic")],
    ),
    (
        SIXTY, "[m]", A + canary("status: testing, traffic: 40%", name="d"),
        "", [],
    ),
    (
        FIVE, "[m]", A,
        WEIGHTS,
        [("warning", "canary-in-rule")],
    ),
    (
        FIVE, "[m]", A,
        "redundant_models:\n  r: {providers: [{provider: a}, {provider: c}]}\n", [],
    ),
    (
        FIVE, "[m]", A, "exact_matches:\n  m: {provider: c}\n",
        [("warning", "canary-in-rule")],
    ),
    # A name that nobody else serves is not a canary's.
    (
        FIVE, "[m]", A, "exact_matches:\n  x: {provider: c, fallback: a}\n",
        [("error", "provider-not-served")],
    ),
    # A fallback is for those who are known to be good.
    (
        FIVE, "[m]", A + B,
        "exact_matches:\n  x: {provider: b, fallback: [a, c]}\n",
        [("warning", "fallback-to-unserved")],
    ),
    (
        FIVE, "[{name: m, mode: embedding}]", A, "",
        [("error", "mixed-modes")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("words", "models", "more", "rules", "expected"), CASES)
def test_what_is_said_of_a_canary(
    words: str,
    models: str,
    more: str,
    rules: str,
    expected: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    found = compiled(tmp_path, more, canary(words, models), rules=rules)
    assert told(found) == expected, "\n".join(map(str, found.problems))


def test_the_problem_of_too_much_stands_at_the_share_and_counts(tmp_path: Path) -> None:
    more = canary("status: testing, traffic: 50%", name="d")
    found = compiled(tmp_path, A, canary("status: testing, traffic: 60%"), more)
    (problem,) = found.problems
    assert problem.place.line == 4
    assert "c 60%, d 50%" in problem.message


def test_a_rule_for_a_name_leaves_out_a_canary_that_it_does_not_name(tmp_path: Path) -> None:
    rules = "redundant_models:\n  m: {providers: [{provider: a}, {provider: b}]}\n"
    other = canary("status: active", "[n]", name="e")
    found = compiled(tmp_path, A, B, canary(FIVE, "[m, n]"), other, rules=rules)
    assert not found.routes.routes["m"].canaries
    assert found.routes.routes["n"].canaries


def test_a_judge_is_told_who_is_compared_with_whom(tmp_path: Path) -> None:
    fleet = "  f: {type: llama_cpp, status: testing, traffic: 10%, deploy: {hosts: two}, models: [{name: m, source: {path: /m}}]}\n"  # noqa: E501
    rules = "redundant_models:\n  r: {providers: [{provider: b}, {provider: c}]}\n"
    found = compiled(tmp_path, A, B, canary("status: testing, traffic: 5%"), fleet, rules=rules)
    assert found.gateway_config
    peers = ["~a/m", "~b/m"]
    in_r = {"canary": ["~c/m#r"], "peers": ["~b/m#r"], "share": 0.05}
    in_m = {"canary": ["~c/m"], "peers": peers, "share": 0.05}
    hosts = {"canary": ["~f@g1/m", "~f@g2/m"], "peers": peers, "share": 0.1}
    assert canaries(found.gateway_config) == found.probes["canaries"]
    assert found.probes["canaries"] == [
        {"provider": "c", "share": 0.05, "routes": {"r": in_r, "m": in_m}},
        {"provider": "f", "share": 0.1, "routes": {"m": hosts}},
    ]


def test_the_configuration_deals_and_counts_only_where_a_canary_is(tmp_path: Path) -> None:
    without = compiled(tmp_path, A, B).gateway_config
    assert without
    assert "litellm_settings" not in without
    found = compiled(tmp_path, A, B, canary("status: testing, traffic: 5%"))
    assert found.gateway_config
    settings = found.gateway_config["litellm_settings"]
    assert settings["callbacks"] == ["prometheus", "program.shares.shares"]
    weights = {
        entry["model_info"]["id"]: entry["litellm_params"].get("weight")
        for entry in found.gateway_config["model_list"]
        if entry["model_name"] == "m"
    }
    assert weights == {"~a/m": 1, "~b/m": 1e-9, "~c/m": 0}
    orders = [entry["litellm_params"].get("order") for entry in found.gateway_config["model_list"]]
    assert orders == [None] * 4  # never beside weights
