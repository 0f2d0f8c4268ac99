"""What is meant is what happens: requests through the real Router, to upstreams that say who
they are. Each case was once a way in which a plausible configuration does something else.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tools import who_answers
from tools.who_answers import who, within_a_minute

pytestmark = pytest.mark.litellm

PROVIDERS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, small]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
  c: {type: vllm, base_url: "http://c:8000", models: [m, other], default_model: other}
"""
FLEET = """\
  fleet:
    type: llama_cpp
    deploy: {hosts: gpus}
    models: [{name: f, source: {path: /f.gguf}}]
  backup: {type: vllm, base_url: "http://backup:8000", models: [f]}
  last: {type: vllm, base_url: "http://last:8000", models: [f]}
"""


def answers(
    directory: Path, rules: str, model: str | list[str], times: int = 6, down: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    return who_answers.answers(directory, PROVIDERS + rules, model, times, down)


def test_the_listing_is_the_order_and_goes_on_when_one_is_down(tmp_path: Path) -> None:
    assert who(answers(tmp_path, "", "m")) == {"~a/m": 6}
    found = answers(tmp_path, "", "m", down=("~a/m", "~b/m"))
    assert who(found) == {"~c/m": 6}
    assert found[0]["asked"] == ["~a/m", "~b/m", "~c/m"]


def test_an_exact_match_takes_its_place_among_those_that_serve_the_name(tmp_path: Path) -> None:
    rule = "exact_matches:\n  m: {provider: c, priority: %s, backend_model: m}\n"
    assert who(answers(tmp_path, rule % "primary", "m")) == {"~c/m": 6}
    found = answers(tmp_path, rule % "secondary", "m", down=("~a/m",))
    assert found[0]["asked"] == ["~a/m", "~c/m"]


def test_fallbacks_to_providers_and_names_in_turn(tmp_path: Path) -> None:
    rules = """exact_matches:
  e: {provider: a, backend_model: small, fallback: [c, f]}
  f: {provider: b, backend_model: m, fallback: m}
"""
    found = answers(tmp_path, rules, "e", 1, ("~a/small#e", "~c/other", "~b/m#f", "~a/m"))
    # ~b/m#f and ~b/m are one upstream in truth, but two for the Router.
    assert found[0]["asked"] == ["~a/small#e", "~c/other", "~b/m#f", "~a/m", "~b/m"]


def test_a_long_chain_is_walked_to_its_end(tmp_path: Path) -> None:
    names = "defghijk"
    rule = "  {}: {{provider: a, backend_model: m, fallback: {}}}"
    lines = [rule.format(name, after) for name, after in pairwise([*names, "b"])]
    found = answers(tmp_path, "\n".join(["exact_matches:", *lines, ""]), "d", 1,
                    tuple(f"~a/m#{name}" for name in names))  # fmt: skip
    assert found[0]["who"] == "~b/m"


def test_shares_hold_and_fail_over_inside_the_group_first(tmp_path: Path) -> None:
    rules = """redundant_models:
  r: {providers: [{provider: a, weight: 0.9, model: m}, {provider: b, weight: 0.1, model: m}], fallback: c}
"""  # noqa: E501
    count = who(answers(tmp_path, rules, "r", 300))
    assert 15 < count["~b/m#r"] < 55  # 30 expected, p < 1e-3 outside
    assert who(answers(tmp_path, rules, "r", 10, ("~a/m#r",))) == {"~b/m#r": 10}
    assert who(answers(tmp_path, rules, "r", 4, ("~a/m#r", "~b/m#r"))) == {"~c/m": 4}


def test_a_share_of_none_answers_when_nobody_else_does(tmp_path: Path) -> None:
    rules = "redundant_models:\n  r: {providers: [{provider: a, weight: 1, model: m}, {provider: b, weight: 0}]}\n"  # noqa: E501
    assert who(answers(tmp_path, rules, "r", 30)) == {"~a/m#r": 30}
    assert who(answers(tmp_path, rules, "r", 3, ("~a/m#r",))) == {"~b/m#r": 3}


def test_hosts_of_one_rank_share_and_are_all_tried_before_the_next_rank(tmp_path: Path) -> None:
    hosts = {"~fleet@g1/f", "~fleet@g2/f"}
    count = who(answers(tmp_path, FLEET, "f", 60))
    assert set(count) == hosts
    assert min(count.values()) > 10
    one = answers(tmp_path, FLEET, "f", 20, ("~fleet@g1/f",))
    assert who(one) == {"~fleet@g2/f": 20}
    both = answers(tmp_path, FLEET, "f", 5, tuple(hosts))
    assert who(both) == {"~backup/f": 5}
    assert set(both[0]["asked"]) == hosts | {"~backup/f"}
    three = answers(tmp_path, FLEET, "f", 5, (*hosts, "~backup/f"))
    assert who(three) == {"~last/f": 5}


def test_a_limit_is_one_under_all_names_and_by_id_and_as_a_fallback(tmp_path: Path) -> None:
    rules = """exact_matches:
  x: {provider: b}
  y: {provider: a, backend_model: small, fallback: b}
redundant_models:
  z: {providers: [{provider: b, weight: 9}, {provider: a, weight: 1, model: small}]}
rate_limit_settings: {limits: {b: {rpm: 4}}}
"""
    names = ["x", "y", "z", "~b/m", "m", "x"]
    found = within_a_minute(lambda: answers(tmp_path, rules, names, 4, ("~a/small#y",)))
    assert who(found)["~b/m"] == 4
    later = [answer for answer in found if answer["model"] == "z"][1:]
    assert {answer["who"] for answer in later} == {"~a/small#z"}  # spills over to the other


def test_tokens_are_counted_too(tmp_path: Path) -> None:
    rules = "exact_matches:\n  x: {provider: b, fallback: c}\nrate_limit_settings: {limits: {b: {tpm: 50}}}\n"  # noqa: E501
    count = who(within_a_minute(lambda: answers(tmp_path, rules, "x", 12)))
    assert 3 <= count["~b/m"] <= 5  # 20 tokens each, counted when the answer is there
    assert count["~c/m"] == 12 - count["~b/m"]


def test_a_limit_beside_none_starves_nobody(tmp_path: Path) -> None:
    rules = """redundant_models:
  r: {providers: [{provider: a, model: m}, {provider: b}]}
rate_limit_settings: {limits: {b: {rpm: 1000}}}
"""
    assert min(who(answers(tmp_path, rules, "r", 60)).values()) > 10


def test_a_name_takes_no_fallback_of_a_name_that_looks_like_it(tmp_path: Path) -> None:
    rules = """exact_matches:
  openai/e: {provider: a, backend_model: small}
  e: {provider: a, backend_model: small, fallback: b}
  gpt-4: {provider: a, backend_model: small}
  openai/gpt-4: {provider: a, backend_model: small, fallback: b}
"""
    for name in ("openai/e", "gpt-4"):
        found = answers(tmp_path, rules, name, 1, (f"~a/small#{name}",))
        assert set(found[0]["asked"]) == {f"~a/small#{name}"}


def test_only_what_has_nowhere_else_to_go_is_tried_again(tmp_path: Path) -> None:
    rules = "exact_matches:\n  e: {provider: a, backend_model: small, fallback: b}\n"
    assert len(answers(tmp_path, rules, "small", 1, ("~a/small",))[0]["asked"]) == 3
    assert answers(tmp_path, rules, "e", 1, ("~a/small#e",))[0]["asked"] == ["~a/small#e", "~b/m"]
