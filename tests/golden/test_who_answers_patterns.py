"""patterns and default_provider, asked through the real Router: who answers a name that matches,
what that one is asked for, and who comes next."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.who_answers import answers, who, within_a_minute

pytestmark = pytest.mark.litellm

PROVIDERS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [llama3, qwen3]}
  b: {type: vllm, base_url: "http://b:8000", models: [llama3, other], default_model: other}
  any: {type: openai_compatible, base_url: "http://any:8000"}
  any-too: {type: openai_compatible, base_url: "http://any-too:8000"}
  new_provider: {type: openai_compatible, base_url: "http://new:8000", models: [mini]}
  fleet:
    type: llama_cpp
    deploy: {hosts: gpus}
    models: [{name: f, source: {path: /f.gguf}}]
"""


def pattern(expression: str, provider: str, more: str = "") -> str:
    return f'  - {{pattern: "{expression}", provider: {provider}{more}}}\n'


def test_a_prefix_answers_what_begins_so_and_nothing_else(tmp_path: Path) -> None:
    text = PROVIDERS + "patterns:\n" + pattern("^gpt-.*", "any")
    found = answers(tmp_path, text, ["gpt-4", "gpt-", "my-gpt-4", "llama3"], 1)
    assert [one["who"] for one in found] == ["~any/gpt-*", "~any/gpt-*", "", "~a/llama3"]
    assert [one["asked_for"] for one in found] == [["gpt-4"], ["gpt-"], [], ["llama3"]]


def test_a_prefix_that_names_the_provider_is_not_sent(tmp_path: Path) -> None:
    text = PROVIDERS + "patterns:\n" + pattern("^new-provider/.*", "new_provider", ", fallback: b")
    up = answers(tmp_path, text, ["new-provider/mini", "new-provider/x"], 1)
    assert [one["asked_for"] for one in up] == [["mini"], ["x"]]
    down = answers(tmp_path, text, "new-provider/x", 1, ("~new_provider/*#new-provider/*",))
    assert down[0]["who"] == "~b/other#new-provider/*"
    assert down[0]["asked_for"] == ["x", "other"]


def test_the_narrower_prefix_and_every_name_of_its_own_come_first(tmp_path: Path) -> None:
    rules = pattern("^gpt-4.*", "any") + pattern("^gpt-.*", "any-too") + pattern("^llama.*", "any")
    exact = "exact_matches:\n  gpt-4o: {provider: a, backend_model: qwen3}\n"
    names = ["gpt-4o", "gpt-4", "gpt-3", "llama3", "llama4"]
    found = answers(tmp_path, PROVIDERS + "patterns:\n" + rules + exact, names, 1)
    assert [one["who"] for one in found] == [
        "~a/qwen3#gpt-4o", "~any/gpt-4*", "~any-too/gpt-*", "~a/llama3", "~any/llama*",
    ]  # fmt: skip


def test_the_fallbacks_of_a_prefix_are_asked_in_turn(tmp_path: Path) -> None:
    exact = "exact_matches:\n  task: {provider: a, backend_model: qwen3, fallback: any-too}\n"
    exact = exact.replace("any-too", "b")
    more = ", fallback: [task, any-too]"
    text = PROVIDERS + exact + "patterns:\n" + pattern("^gpt-.*", "any", more)
    ids = ["~any/gpt-*", "~a/qwen3#gpt-*", "~b/other#gpt-*", "~any-too/gpt-*"]
    for number in range(len(ids)):
        found = answers(tmp_path, text, "gpt-4", 2, tuple(ids[:number]))
        assert found[0]["asked"] == ids[: number + 1]
        assert who(found) == {ids[number]: 2}
    assert found[0]["asked_for"] == ["gpt-4", "qwen3", "other", "gpt-4"]


def test_a_model_of_its_own_is_asked_whatever_the_name(tmp_path: Path) -> None:
    more = ", backend_model: qwen3, fallback: any"
    text = PROVIDERS + "patterns:\n" + pattern("^gpt-", "a", more)
    assert answers(tmp_path, text, "gpt-9", 1)[0]["asked_for"] == ["qwen3"]
    down = answers(tmp_path, text, "gpt-9", 1, ("~a/qwen3#gpt-*",))
    assert down[0]["asked_for"] == ["qwen3", "gpt-9"]


def test_hosts_behind_a_prefix_share_and_are_all_tried(tmp_path: Path) -> None:
    more = ", backend_model: f, fallback: any"
    text = PROVIDERS + "patterns:\n" + pattern("^tiny-", "fleet", more)
    hosts = ("~fleet@g1/f#tiny-*", "~fleet@g2/f#tiny-*")
    count = who(answers(tmp_path, text, "tiny-1", 60))
    assert set(count) == set(hosts)
    assert min(count.values()) > 10
    assert who(answers(tmp_path, text, "tiny-1", 10, hosts[:1])) == {hosts[1]: 10}
    both = answers(tmp_path, text, "tiny-1", 3, hosts)
    assert set(both[0]["asked"]) == {*hosts, "~any/tiny-*"}
    assert who(both) == {"~any/tiny-*": 3}


def test_any_other_expression_takes_the_names_that_it_is_found_in(tmp_path: Path) -> None:
    text = PROVIDERS + "patterns:\n" + pattern("^(llama|mistral)", "b", ", fallback: qwen3")
    found = answers(tmp_path, text, ["llama3", "qwen3", "mistral"], 1)
    assert [one["who"] for one in found] == ["~b/llama3", "~a/qwen3", ""]
    down = answers(tmp_path, text, "llama3", 1, ("~b/llama3", "~a/llama3"))
    assert down[0]["asked"] == ["~b/llama3", "~a/llama3", "~a/qwen3"]


def test_a_place_among_those_that_have_the_name(tmp_path: Path) -> None:
    rule = pattern("[ao]3$", "any", ", backend_model: big, priority: secondary")
    found = answers(tmp_path, PROVIDERS + "patterns:\n" + rule, "llama3", 1, ("~a/llama3",))
    assert found[0]["asked"] == ["~a/llama3", "~any/big#llama3"]
    assert found[0]["asked_for"] == ["llama3", "big"]


def test_one_whole_name_needs_nobody_to_know_it(tmp_path: Path) -> None:
    rule = pattern("^helper$", "any", ", fallback: qwen3")
    found = answers(tmp_path, PROVIDERS + "patterns:\n" + rule, ["helper", "helper2"], 1)
    assert [one["who"] for one in found] == ["~any/helper", ""]


def test_a_limit_behind_a_prefix_is_one_with_a_model_for_all_names(tmp_path: Path) -> None:
    rules = pattern("^gpt-", "new_provider", ", backend_model: mini, fallback: a-name")
    text = f"""{PROVIDERS}patterns:
{rules}exact_matches:
  a-name: {{provider: a, backend_model: qwen3}}
rate_limit_settings: {{limits: {{new_provider: {{rpm: 4}}}}}}
"""
    names = ["gpt-4", "gpt-5", "mini"]
    found = within_a_minute(lambda: answers(tmp_path, text, names, 4))
    assert who(found)["~new_provider/mini"] == 4
    assert {one["who"] for one in found[6:] if one["model"] != "mini"} == {"~a/qwen3#gpt-*"}


def test_embeddings_go_through_a_prefix_too(tmp_path: Path) -> None:
    text = PROVIDERS + "patterns:\n" + pattern("^embed-", "any", ", fallback: any-too")
    found = answers(tmp_path, text, "embed-x", 2, ("~any/embed-*",), mode="embedding")
    assert who(found) == {"~any-too/embed-*": 2}


def test_the_default_provider_answers_what_nothing_else_does(tmp_path: Path) -> None:
    text = PROVIDERS + "patterns:\n" + pattern("^gpt-", "any")
    text += "routing_rules: {default_provider: b}\n"
    found = answers(tmp_path, text, ["gpt-4", "llama3", "nobody", "x/y", "~nobody"], 1)
    assert [one["who"] for one in found] == [
        "~any/gpt-*", "~a/llama3", "~b/other#*", "~b/other#*", "~b/other#*",
    ]  # fmt: skip
    assert found[2]["asked_for"] == ["other"]


def test_a_default_provider_without_models_is_asked_for_the_name(tmp_path: Path) -> None:
    text = PROVIDERS + "routing_rules: {default_provider: any}\n"
    assert answers(tmp_path, text, "x/y", 1)[0]["asked_for"] == ["x/y"]
