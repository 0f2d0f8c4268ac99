"""capabilities and model_size_routing, asked through the real Router: each strategy, models that
are good at several things, and members that are down."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.who_answers import answers, who, within_a_minute

pytestmark = pytest.mark.litellm

PROVIDERS = """\
providers:
  a:
    type: vllm
    base_url: http://a:8000
    models: [{name: m, specialty: code, size: 7B}, {name: n, specialty: [code, chat]}]
  b:
    type: vllm
    base_url: http://b:8000
    models: [{name: m, size: 7B}, {name: o, specialty: code}]
  c: {type: vllm, base_url: "http://c:8000", models: [last]}
  vendor: {type: openai, models: [gpt-4o-mini]}
  embedder: {type: ollama, base_url: "http://e:11434", models: [{name: e, mode: embedding}]}
  embedder-too: {type: vllm, base_url: "http://f:8000", models: [{name: e, mode: embedding}]}
  fleet:
    type: llama_cpp
    deploy: {hosts: gpus}
    models: [{name: f, source: {path: /f.gguf}}]
"""
STRATEGIES = ("fastest_response", "least_loaded", "usage_based", "lowest_cost")


def task(name: str, words: str) -> str:
    return f"  {name}: {{{words}}}\n"


def capability(words: str) -> str:
    return PROVIDERS + "capabilities:\n" + task("code", words)


def test_members_share_evenly_and_fail_over_among_themselves(tmp_path: Path) -> None:
    text = capability("preferred_models: [n, o, f], routing_strategy: load_balance, fallback: last")
    members = ["~a/n#code", "~b/o#code", "~fleet@g1/f#code", "~fleet@g2/f#code"]
    count = who(answers(tmp_path, text, "code", 240))
    assert set(count) == set(members)
    assert 50 <= count[members[0]] <= 110  # 80 expected, p < 1e-4 outside
    assert 50 <= count[members[2]] + count[members[3]] <= 110  # hosts share their provider's part
    one = answers(tmp_path, text, "code", 6, tuple(members[:3]))
    assert who(one) == {members[3]: 6}
    assert who(answers(tmp_path, text, "code", 3, tuple(members))) == {"~c/last": 3}


def test_shares_of_a_name_are_kept_among_its_members(tmp_path: Path) -> None:
    text = capability("preferred_models: [r, last], routing_strategy: load_balance")
    text += "redundant_models:\n  r: {providers: [{provider: a, model: n, weight: 9}, {provider: b, model: o, weight: 1}]}\n"  # noqa: E501
    count = who(answers(tmp_path, text, "code", 240))
    assert 110 <= count["~a/n#code"] <= 176  # 144 expected: nine tenths of two thirds
    assert 4 <= count["~b/o#code"] <= 36  # 16 expected


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_answers_with_members_until_none_is_left(tmp_path: Path, strategy: str) -> None:
    text = capability(f"specialty: code, routing_strategy: {strategy}, fallback: last")
    members = ["~a/m#code", "~a/n#code", "~b/o#code"]
    assert set(who(answers(tmp_path, text, "code", 30))) <= set(members)
    for number in range(1, 4):
        down = members[:number]
        found = who(answers(tmp_path, text, "code", 8, tuple(down)))
        assert set(found) <= set(members[number:] or ["~c/last"])
        assert sum(found.values()) == 8


def test_usage_is_spread_and_load_too(tmp_path: Path) -> None:
    for strategy in ("usage_based", "least_loaded"):
        text = capability(f"preferred_models: [n, o], routing_strategy: {strategy}")
        count = who(answers(tmp_path, text, "code", 40))
        assert min(count["~a/n#code"], count["~b/o#code"]) >= 10


def test_the_cheapest_is_what_runs_in_the_lab_then_by_price(tmp_path: Path) -> None:
    text = capability("preferred_models: [gpt-4o-mini, last], routing_strategy: lowest_cost")
    assert who(answers(tmp_path, text, "code", 8)) == {"~c/last#code": 8}
    found = answers(tmp_path, text, "code", 4, ("~c/last#code",))
    assert who(found) == {"~vendor/gpt-4o-mini#code": 4}


@pytest.mark.parametrize("word", ["direct", "ordered", "priority"])
def test_an_order_is_kept(tmp_path: Path, word: str) -> None:
    text = capability(f"preferred_models: [f, m, n], routing_strategy: {word}, fallback: last")
    hosts = ("~fleet@g1/f#code", "~fleet@g2/f#code")
    assert set(who(answers(tmp_path, text, "code", 20))) == set(hosts)
    down = (*hosts, "~a/m#code", "~b/m#code", "~a/n#code")
    found = answers(tmp_path, text, "code", 1, down)
    assert set(found[0]["asked"][:2]) == set(hosts)
    assert found[0]["asked"][2:] == ["~a/m#code", "~b/m#code", "~a/n#code", "~c/last"]


def test_a_model_in_several_with_different_strategies_and_one_member_down(tmp_path: Path) -> None:
    text = PROVIDERS + "capabilities:\n"
    text += task("fast", "preferred_models: [n, o], routing_strategy: fastest_response")
    text += task("busy", "preferred_models: [o, n], routing_strategy: least_loaded")
    text += task("even", "preferred_models: [n, o], routing_strategy: load_balance")
    text += task("first", "preferred_models: [n, o], routing_strategy: ordered")
    names = ["fast", "busy", "even", "first", "n", "o"]
    down = tuple(f"~a/n#{name}" for name in names)
    found = answers(tmp_path, text, names, 3, down)
    assert {one["model"]: one["who"] for one in found} == {
        "fast": "~b/o#fast", "busy": "~b/o#busy", "even": "~b/o#even", "first": "~b/o#first",
        "n": "~a/n", "o": "~b/o",
    }  # fmt: skip


def test_only_the_members_of_its_provider(tmp_path: Path) -> None:
    text = capability("preferred_models: [m], provider: b, routing_strategy: ordered")
    assert who(answers(tmp_path, text, "code", 4)) == {"~b/m#code": 4}
    assert who(answers(tmp_path, text, "code", 2, ("~b/m#code",))) == {"": 2}


@pytest.mark.parametrize("strategy", ["least_loaded", "usage_based", "load_balance", "ordered"])
def test_a_limit_is_one_under_all_names_also_in_capabilities(tmp_path: Path, strategy: str) -> None:
    text = capability(f"preferred_models: [last, n], routing_strategy: {strategy}")
    text += task("other", f"preferred_models: [last, o], routing_strategy: {strategy}")
    text += "rate_limit_settings: {limits: {c: {rpm: 4}}}\n"
    found = within_a_minute(lambda: answers(tmp_path, text, ["code", "other", "last"], 6))
    assert who(found)["~c/last"] == 4
    left = [one["who"] for one in found if one["model"] == "code"]
    assert set(left) <= {"~c/last", "~a/n#code"}  # spills over, and nobody gets a 429


@pytest.mark.parametrize("strategy", ["usage_based", "least_loaded"])
def test_tokens_are_counted_once_also_beside_usage(tmp_path: Path, strategy: str) -> None:
    text = capability(f"preferred_models: [n, o], routing_strategy: {strategy}")
    text += "exact_matches:\n  x: {provider: c, fallback: code}\n"
    text += "rate_limit_settings: {limits: {c: {tpm: 100}}}\n"
    found = within_a_minute(lambda: answers(tmp_path, text, "x", 8, patient=True))
    assert who(found)["~c/last"] == 5  # 20 tokens each
    assert sum(who(found).values()) == 8


def test_embeddings_are_a_task_too(tmp_path: Path) -> None:
    text = capability("preferred_models: [e], routing_strategy: fastest_response")
    found = answers(tmp_path, text, "code", 4, ("~embedder/e#code",), mode="embedding")
    assert who(found) == {"~embedder-too/e#code": 4}


def test_a_capability_beside_wildcards_and_a_default(tmp_path: Path) -> None:
    text = capability("preferred_models: [n, o], routing_strategy: fastest_response")
    text += 'patterns: [{pattern: "^co.*", provider: c, backend_model: last}]\n'
    text += "routing_rules: {default_provider: c}\n"
    found = answers(tmp_path, text, ["code", "cod", "x"], 3, ("~a/n#code",))
    assert {one["model"]: one["who"] for one in found} == {
        "code": "~b/o#code", "cod": "~c/last#co*", "x": "~c/last#*",
    }  # fmt: skip


def test_a_capability_is_somebodys_fallback(tmp_path: Path) -> None:
    text = capability("preferred_models: [n, o], routing_strategy: fastest_response")
    text += "exact_matches:\n  x: {provider: c, fallback: code}\n"
    found = answers(tmp_path, text, "x", 4, ("~c/last#x", "~a/n#code"))
    assert who(found) == {"~b/o#code": 4}


def test_a_size_says_which_provider_comes_first(tmp_path: Path) -> None:
    sizes = 'model_size_routing: [{size: "< 8B", provider: b}, {size: ">= 8B", provider: a}]\n'
    assert who(answers(tmp_path, PROVIDERS, "m", 3)) == {"~a/m": 3}
    assert who(answers(tmp_path, PROVIDERS + sizes, "m", 3)) == {"~b/m": 3}
    found = answers(tmp_path, PROVIDERS + sizes, "m", 1, ("~b/m",))
    assert found[0]["asked"] == ["~b/m", "~a/m"]
