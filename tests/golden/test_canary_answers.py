"""A canary gets its share and nothing else: requests through the real Router, to upstreams that say
who they are. Each case was measured with LiteLLM's own weights too, and came out wrong there: see
docs/routing.md.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import compile_registry
from tools import who_answers
from tools.real_litellm import real_litellm
from tools.who_answers import INVENTORY

pytestmark = pytest.mark.litellm

PROVIDERS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
  c: {type: vllm, base_url: "http://c:8000", models: [m], status: testing, traffic: 20%}
"""
A, B, C = "~a/m", "~b/m", "~c/m"


def answers(
    directory: Path, rules: str, model: str | list[str], times: int, down: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    return who_answers.answers(directory, PROVIDERS + rules, model, times, down)


def who(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(answer["who"] for answer in found)


def holds(share: float, seen: int, of: int) -> bool:
    """Whether so many are what a share gives, by chance outside of it once in 30,000 times."""
    return abs(seen - share * of) <= 4.2 * math.sqrt(of * share * (1 - share))


def test_a_canary_gets_its_share_and_the_others_keep_their_order(tmp_path: Path) -> None:
    count = who(answers(tmp_path, "", "m", 120))
    assert holds(0.2, count[C], 120)
    assert count[A] == 120 - count[C]


def test_a_canary_that_fails_costs_nobody_an_answer(tmp_path: Path) -> None:
    found = answers(tmp_path, "", "m", 80, (C,))
    assert who(found) == {A: 80}
    failed = [one["asked"] for one in found if C in one["asked"]]
    assert failed
    assert all(asked == [C, A] for asked in failed)  # the first of the others, not just any


def test_a_dead_peer_sends_the_canary_no_more_than_its_share(tmp_path: Path) -> None:
    # Most of these requests find the dead one cooling down: LiteLLM does not offer it then.
    found = answers(tmp_path, "", "m", 120, (A,))
    count = who(found)
    assert set(count) == {B, C}
    assert holds(0.2, count[C], 120)
    assert sum(A in one["asked"] for one in found) < 60


def test_a_canary_is_the_last_one_when_all_others_are_dead(tmp_path: Path) -> None:
    found = answers(tmp_path, "", "m", 8, (A, B))
    assert who(found) == {C: 8}


def test_what_fails_at_a_peer_goes_to_the_peers_first(tmp_path: Path) -> None:
    found = answers(tmp_path, "", "m", 3, (A,))
    assert all(one["asked"][:2] == [A, B] for one in found if A in one["asked"])


def test_a_proof_is_answered_by_the_peers(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(PROVIDERS)
    config = compile_registry(str(tmp_path), INVENTORY).gateway_config
    assert config
    assert who(real_litellm().ask(config, "m", 40, private=True)) == {A: 40}
    assert who(real_litellm().ask(config, ["m", C], 2, (A, B), private=True)) == {C: 4}


def test_a_share_of_nothing_and_testing_alone_are_reached_by_their_own_name(tmp_path: Path) -> None:
    for traffic in ("", ", traffic: 0%"):
        rules = f'  d: {{type: vllm, base_url: "http://d:8000", models: [m], status: testing{traffic}}}\n'  # noqa: E501
        found = answers(tmp_path, rules, ["m", "testing/m"], 5)
        assert {answer["who"] for answer in found if answer["model"] == "m"} <= {A, C}
        assert {answer["who"] for answer in found if answer["model"] != "m"} == {f"{C}#testing/m"}


def test_several_canaries_have_a_share_each(tmp_path: Path) -> None:
    rules = """\
  d: {type: vllm, base_url: "http://d:8000", models: [m], status: testing, traffic: 0.3}
  fleet: {type: llama_cpp, status: testing, traffic: 20%, deploy: {hosts: gpus}, models: [{name: m, source: {path: /m}}]}
"""  # noqa: E501
    count = who(answers(tmp_path, rules, "m", 150))
    assert holds(0.2, count[C], 150)
    assert holds(0.3, count["~d/m"], 150)
    assert holds(0.1, count["~fleet@g1/m"], 150)
    assert holds(0.1, count["~fleet@g2/m"], 150)
    assert holds(0.3, count[A], 150)
    found = answers(tmp_path, rules, "m", 30, (C, "~d/m", "~fleet@g1/m", "~fleet@g2/m"))
    assert who(found) == {A: 30}


def test_beside_weights_the_rest_is_shared_by_weight(tmp_path: Path) -> None:
    rules = """redundant_models:
  r: {providers: [{provider: a, weight: 3, model: m}, {provider: b, weight: 1}, {provider: c, weight: 9}]}
"""  # noqa: E501
    count = who(answers(tmp_path, rules, "r", 150))
    assert holds(0.2, count[f"{C}#r"], 150)
    assert holds(0.6, count[f"{A}#r"], 150)
    assert holds(0.2, count[f"{B}#r"], 150)
    count = who(answers(tmp_path, rules, "r", 100, (f"{A}#r",)))
    assert holds(0.2, count[f"{C}#r"], 100)


def test_a_weight_of_nothing_still_comes_before_a_canary(tmp_path: Path) -> None:
    rules = """redundant_models:
  r: {providers: [{provider: a, weight: 1, model: m}, {provider: b, weight: 0}, {provider: c, weight: 1}]}
"""  # noqa: E501
    found = answers(tmp_path, rules, "r", 60, (f"{A}#r",))
    assert holds(0.2, who(found)[f"{C}#r"], 60)


def test_in_the_place_of_an_exact_match_the_others_answer(tmp_path: Path) -> None:
    rules = "exact_matches:\n  m: {provider: c, backend_model: m, priority: primary}\n"
    count = who(answers(tmp_path, rules, "m", 60))
    assert holds(0.2, count[C], 60)
    assert count[A] == 60 - count[C]


def test_a_limited_canary_counts_once_under_all_its_names(tmp_path: Path) -> None:
    rules = """redundant_models:
  r: {providers: [{provider: a, weight: 1, model: m}, {provider: c, weight: 1, model: m}]}
rate_limit_settings: {limits: {c: {rpm: 6}}}
"""
    found = answers(tmp_path, rules, ["m", "r", "testing/m"], 30)
    asked = sum(C in one["asked"] for one in found)
    assert asked in (6, 12)  # 12 where the minute of the clock has changed meanwhile
    assert all(one["who"] for one in found if one["model"] != "testing/m")


def test_a_request_that_has_failed_elsewhere_comes_to_the_peers(tmp_path: Path) -> None:
    rules = """exact_matches:
  x: {provider: b, backend_model: m, fallback: m}
"""
    assert who(answers(tmp_path, rules, "x", 20, (f"{B}#x",))) == {A: 20}
