"""What happens after the first choice is what was declared: requests through the real Router, to
upstreams that say who they are.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    compile_registry,
)
from tools import who_answers
from tools.real_litellm import real_litellm
from tools.who_answers import INVENTORY, who, within_a_minute

pytestmark = pytest.mark.litellm

PROVIDERS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, small]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
  c: {type: vllm, base_url: "http://c:8000", models: [m, other], default_model: other}
  fleet: {type: llama_cpp, deploy: {hosts: gpus}, models: [{name: f, source: {path: /f}}]}
  e: {type: vllm, base_url: "http://e:8000", models: [{name: e1, mode: embedding}]}
"""
A, B, C = "~a/m", "~b/m", "~c/m"
SMALL, OTHER, HOSTS = "~a/small", "~c/other", ("~fleet@g1/f", "~fleet@g2/f")


def compiled(directory: Path, rules: str) -> Compiled:
    return who_answers.compiled(directory, PROVIDERS + rules)


def answers(
    directory: Path,
    rules: str,
    model: str | list[str],
    times: int = 1,
    down: tuple[str, ...] = (),
    **more: Any,
) -> list[dict[str, Any]]:
    return who_answers.answers(directory, PROVIDERS + rules, model, times, down, **more)


def asked(directory: Path, rules: str, model: str, down: tuple[str, ...], **more: Any) -> list[str]:
    """Who is asked for one request, in order; the last one answers, if anybody does."""
    found: list[str] = answers(directory, rules, model, 1, down, **more)[0]["asked"]
    return found


RANKED = """fallback_chains:
  a_fails:
    chain:
      - primary: a
      - secondary: c
      - tertiary: b
"""
# rules; the name asked for; who is down; who is asked, in order
CHAINS = {
    "a list is the chain of its name": (
        "fallback_chains:\n  small: [b, c]\n", "small", (SMALL, B), [SMALL, B, OTHER],
    ),
    "ranks are for every name that the provider answers first": (
        RANKED, "small", (SMALL, OTHER), [SMALL, OTHER, B],
    ),
    "others that serve the name come before the chain": (RANKED, "m", (A,), [A, B]),
    "plain steps begin with who may fail": (
        "fallback_chains:\n  local: {chain: [small, m]}\n", "small", (SMALL, A), [SMALL, A, B],
    ),
    "an entry's own fallback comes first": (
        "exact_matches:\n  x: {provider: a, backend_model: small, fallback: c}\n"
        "fallback_chains:\n  x: [b]\n",
        "x", ("~a/small#x", OTHER), ["~a/small#x", OTHER, B],
    ),
    "a name's chain comes before its provider's": (
        "fallback_chains:\n  small: [b]\n  p: {chain: [{primary: a}, {secondary: c}]}\n",
        "small", (SMALL, B), [SMALL, B, OTHER],
    ),
    "the default fallback comes last": (
        "fallback_chains:\n  small: [b]\nrouting_rules: {default_fallback: c}\n",
        "small", (SMALL, B), [SMALL, B, OTHER],
    ),
    "the default fallback is for all names": (
        "routing_rules: {default_fallback: c}\n", "f", HOSTS, [*HOSTS, OTHER],
    ),
    "two names may be each other's fallback": (
        "fallback_chains:\n  small: [other]\n  other: [small]\n",
        "other", (OTHER,), [OTHER, SMALL],
    ),
    "and neither is asked twice": (
        "fallback_chains:\n  small: [other]\n  other: [small]\n",
        "small", (SMALL, OTHER), [SMALL, OTHER],
    ),
    "a chain behind shares waits for all of them": (
        "redundant_models:\n"
        "  r: {providers: [{provider: a, model: m, weight: 1}, {provider: b, weight: 0}]}\n"
        "fallback_chains:\n  r: [c]\n",
        "r", ("~a/m#r", "~b/m#r"), ["~a/m#r", "~b/m#r", C],
    ),
    "a chain to a name goes on with that name's own": (
        "fallback_chains:\n  small: [f]\n  f: [other]\n",
        "small", (SMALL, *HOSTS), [SMALL, *HOSTS, OTHER],
    ),
    "an alias has the fallbacks of its name": (
        "aliases: {nick: small}\nfallback_chains:\n  small: [b]\n",
        "nick", ("~a/small#nick",), ["~a/small#nick", B],
    ),
    "an alias of an alias, too": (
        "aliases: {nick: small, nicker: nick}\nfallback_chains:\n  small: [b]\n",
        "nicker", ("~a/small#nicker",), ["~a/small#nicker", B],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHAINS)
def test_a_chain_is_walked_as_declared(case: str, tmp_path: Path) -> None:
    rules, name, down, expected = CHAINS[case]
    found = asked(tmp_path, rules, name, down)
    if HOSTS[0] in expected:  # which of the hosts comes first is a matter of chance
        assert sorted(found) == sorted(expected)
        assert found[-1] == expected[-1]
    else:
        assert found == expected


def test_embeddings_are_not_sent_to_a_chat_model(tmp_path: Path) -> None:
    config = compiled(tmp_path, "routing_rules: {default_fallback: other}\n").gateway_config
    assert config
    sources = {name for chain in config["router_settings"]["fallbacks"] for name in chain}
    assert {"small", "m", "f"} <= sources
    assert "e1" not in sources


def test_who_is_on_trial_is_not_answered_for_by_others(tmp_path: Path) -> None:
    trial = '  t: {type: vllm, base_url: "http://t:8000", status: testing, models: [m]}\n'
    rules = trial + "routing_rules: {default_fallback: c}\n"
    assert set(asked(tmp_path, rules, "testing/m", ("~t/m#testing/m",))) == {"~t/m#testing/m"}


# Prompts that are too long, and content that is refused

SPECIAL = """fallback_chains:
  small: {chain: [c], when: context_window}
  other: {chain: [b], when: content_policy}
  m: [f]
"""


def test_a_prompt_that_is_too_long_has_a_chain_of_its_own(tmp_path: Path) -> None:
    assert asked(tmp_path, SPECIAL, "small", (), failing={SMALL: "context"}) == [SMALL, OTHER]


def test_and_that_chain_is_for_nothing_else(tmp_path: Path) -> None:
    assert set(asked(tmp_path, SPECIAL, "small", (SMALL,))) == {SMALL}


def test_content_that_is_refused_has_a_chain_of_its_own(tmp_path: Path) -> None:
    assert asked(tmp_path, SPECIAL, "other", (), failing={OTHER: "policy"}) == [OTHER, B]


def test_names_without_such_a_chain_keep_their_fallbacks_for_it(tmp_path: Path) -> None:
    # LiteLLM forgets them as soon as anybody has one.
    for failure in ("context", "policy"):
        failing = dict.fromkeys((A, B, C), failure)
        found = asked(tmp_path, SPECIAL, "m", (), failing=failing)
        assert found[0] == A
        assert found[-1] in HOSTS


# Retries


def test_the_primary_is_tried_as_often_as_declared_and_nobody_else(tmp_path: Path) -> None:
    rules = "fallback_chains:\n  small: {chain: [b, c], retry_attempts: 2, retry_delay_ms: 1}\n"
    assert asked(tmp_path, rules, "small", (SMALL, B)) == [SMALL] * 3 + [B, OTHER]


def test_without_retries_a_failure_costs_one_request(tmp_path: Path) -> None:
    rules = "fallback_chains:\n  small: {chain: [b], retry_attempts: 0}\n"
    assert asked(tmp_path, rules, "small", (SMALL,)) == [SMALL, B]


def test_retries_for_all_hold_where_no_chain_says_otherwise(tmp_path: Path) -> None:
    rules = (
        "fallback_chains:\n  small: {chain: [b], retry_attempts: 0}\n  other: [b]\n"
        "routing_rules: {retry_attempts: 1}\n"
    )
    assert asked(tmp_path, rules, "small", (SMALL,)) == [SMALL, B]
    assert asked(tmp_path, rules, "other", (OTHER,)) == [OTHER, OTHER, B]


def test_what_the_prompt_is_to_blame_for_is_not_tried_again(tmp_path: Path) -> None:
    rules = "routing_rules: {retry_attempts: 3}\n"
    assert asked(tmp_path, rules, "small", (), failing={SMALL: "context"}) == [SMALL]


def test_the_delay_is_the_same_before_each_try(tmp_path: Path) -> None:
    """LiteLLM reads its delays when it is imported: in a process of its own."""
    rules = "fallback_chains:\n  small: {chain: [b], retry_attempts: 3, retry_delay_ms: 250}\n"
    environment = compiled(tmp_path, rules).environment
    code = (
        "import litellm; print([litellm.calculate_retry_after(remaining_retries=3 - n,"
        " max_retries=3, min_timeout=0) for n in range(4)])"
    )
    python = real_litellm().python
    told = {**os.environ, **environment, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    run = subprocess.run(
        [str(python), "-c", code], env=told, check=True, capture_output=True, text=True
    )
    assert run.stdout.split("\n")[-2] == "[0.25, 0.25, 0.25, 0.25]"


def test_without_a_declared_delay_nothing_is_set(tmp_path: Path) -> None:
    assert compiled(tmp_path, "fallback_chains:\n  small: [b]\n").environment == {}


def test_a_delay_of_nothing_is_one(tmp_path: Path) -> None:
    found = compiled(tmp_path, "routing_rules: {retry_delay_ms: 0}\n").environment
    assert found == {"INITIAL_RETRY_DELAY": "0", "MAX_RETRY_DELAY": "0", "JITTER": "0"}


# Budgets: each answer costs 20 US dollars

PRICED = """\
providers:
  p:
    type: vllm
    base_url: "http://p:8000"
    models:
      - {name: m, input_cost_per_million_tokens: 1000000, output_cost_per_million_tokens: 1000000}
      - {name: n, input_cost_per_million_tokens: 1000000, output_cost_per_million_tokens: 1000000}
  q: {type: vllm, base_url: "http://q:8000", models: [m]}
"""
P, Q = "~p/m", "~q/m"
SPLIT = "budgets: {p: {max_budget: 80, budget_duration: 1h, models: {m: {max_budget: 50}, n: {max_budget: 30}}}}\n"  # noqa: E501


def spent(directory: Path, rules: str, model: str | list[str], times: int = 1, **more: Any) -> Any:
    (directory / "lab.yaml").write_text(PRICED + rules)
    found = compile_registry(str(directory), INVENTORY)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    return real_litellm().ask(found.gateway_config, model, times, patient=True, **more)


def test_a_budget_that_is_spent_leaves_others_to_answer(tmp_path: Path) -> None:
    count = who(spent(tmp_path, SPLIT, "m", 8))
    assert count == {P: 3, Q: 5}  # 20, 40, 60: the third is the first beyond


def test_each_model_has_its_own_part(tmp_path: Path) -> None:
    count = who(spent(tmp_path, SPLIT, ["m", "n"], 6))
    assert (count[P], count["~p/n"]) == (3, 2)


def test_a_budget_is_one_under_all_names_and_as_a_fallback(tmp_path: Path) -> None:
    rules = SPLIT + (
        "exact_matches:\n  x: {provider: p, backend_model: m}\n"
        "  y: {provider: q, backend_model: m, fallback: p}\n"
    )
    count = who(spent(tmp_path, rules, ["x", "m", "y"], 3, down=("~q/m#y",)))
    assert count[P] == 3


def test_a_strategy_does_not_go_past_a_budget(tmp_path: Path) -> None:
    rules = (
        SPLIT + "capabilities:\n  task: {preferred_models: [m], routing_strategy: least_loaded}\n"
    )
    count = who(spent(tmp_path, rules, "task", 9, down=("~q/m#task",)))
    assert count[P] == 3


def test_nobody_left_within_a_budget_is_an_answer_of_its_own(tmp_path: Path) -> None:
    found = spent(tmp_path, SPLIT, "n", 4)
    assert [one["who"] for one in found] == ["~p/n", "~p/n", "", ""]
    assert found[-1]["asked"] == []


# Conditions

BATCH = """routing_rules:
  request_metadata_routing:
    - {condition: {tag: batch}, provider: c, fallback: b}
    - {condition: {user_agent: "^curl/"}, provider: b}
    - {condition: 'tag: small', model: small}
"""
AGENT = {"user_agent": "OpenAI/Python"}
# what the proxy notes of a request; who is down; who is asked for `m`, in order
CONDITIONS = {
    "without a tag all is as ever": ({}, (), [A]),
    "with a tag that nobody has as well": ({"tags": ["else"]}, (), [A]),
    "a tag leads to its provider": ({"tags": ["batch"]}, (), ["~c/m#m#batch"]),
    "with another tag beside it, too": ({"tags": ["else", "batch"]}, (), ["~c/m#m#batch"]),
    "its fallback is asked next": (
        {"tags": ["batch"]}, ("~c/m#m#batch",), ["~c/m#m#batch", "~b/m#m#batch"],
    ),
    "and then those who answer without it": (
        {"tags": ["batch"]}, ("~c/m#m#batch", "~b/m#m#batch"),
        ["~c/m#m#batch", "~b/m#m#batch", A],
    ),
    "the others fall back among themselves": ({}, (A,), [A, B]),
    "a User-Agent leads to its provider": ({"user_agent": "curl/8.1"}, (), ["~b/m#m#user-agent-3"]),
    "a User-Agent that only looks like it does not": ({"user_agent": "libcurl/8"}, (), [A]),
    "the first condition that holds counts": (
        {"user_agent": "curl/8.1", "tags": ["batch"]}, (), ["~c/m#m#batch"],
    ),
    "a tag leads to a name": ({"tags": ["small"]}, (), ["~a/small#m#small"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CONDITIONS)
def test_a_condition_says_who_answers(case: str, tmp_path: Path) -> None:
    noted, down, expected = CONDITIONS[case]
    assert asked(tmp_path, BATCH, "m", down, metadata={**AGENT, **noted}) == expected


def test_a_provider_without_such_a_model_answers_with_its_default(tmp_path: Path) -> None:
    found = asked(tmp_path, BATCH, "small", (), metadata={"tags": ["batch"]})
    assert found == ["~c/other#small#batch"]


def test_who_is_there_under_a_condition_is_nobodys_last_resort(tmp_path: Path) -> None:
    found = answers(tmp_path, BATCH, "m", 6, (A, B, C), metadata=AGENT)
    assert {one["who"] for one in found} == {""}
    assert not any("#m#" in one for answer in found for one in answer["asked"])


def test_shares_hold_among_those_without_a_condition(tmp_path: Path) -> None:
    rules = BATCH + (
        "redundant_models:\n"
        "  r:\n    providers:\n"
        "      - {provider: a, model: m, weight: 3}\n"
        "      - {provider: c, model: m, weight: 1}\n"
    )
    count = who(answers(tmp_path, rules, "r", 120, metadata=AGENT))
    assert 12 < count["~c/m#r"] < 50  # 30 expected, p < 1e-4 outside
    count = who(answers(tmp_path, rules, "r", 5, metadata={"tags": ["batch"]}))
    assert count == {"~c/m#r#batch": 5}


def test_a_limit_counts_once_under_a_condition_too(tmp_path: Path) -> None:
    rules = BATCH + "rate_limit_settings: {limits: {b: {rpm: 3}}}\n"

    def ask() -> list[dict[str, Any]]:
        return answers(tmp_path, rules, "m", 6, metadata={"user_agent": "curl/8"})

    assert who(within_a_minute(ask)) == {B: 3, A: 3}


# Limits of models, wherever they are asked from

LIMITS = """rate_limit_settings:
  limits:
    c: {rpm: 9, models: {m: {rpm: 3}, other: {rpm: 2}}}
"""


def test_a_models_limit_holds_in_a_chain_and_the_next_step_answers(tmp_path: Path) -> None:
    rules = LIMITS + "fallback_chains:\n  small: [c, b]\n"

    def ask() -> list[dict[str, Any]]:
        return answers(tmp_path, rules, "small", 6, (SMALL,))

    assert who(within_a_minute(ask)) == {OTHER: 2, B: 4}


def test_a_models_limit_is_one_for_tasks_patterns_and_names(tmp_path: Path) -> None:
    rules = LIMITS + (
        "capabilities:\n  task: {provider: c, preferred_models: [m], fallback: b}\n"
        'patterns:\n  - {pattern: "^any-", provider: c, backend_model: m, fallback: b}\n'
        "exact_matches:\n  x: {provider: c, backend_model: m, fallback: b}\n"
    )

    def ask() -> list[dict[str, Any]]:
        return answers(tmp_path, rules, ["task", "any-thing", "x"], 3)

    count = who(within_a_minute(ask))
    assert count[C] == 3
    assert sum(count.values()) == 9


def test_where_a_limit_is_reached_and_nobody_is_left_nobody_is_asked(tmp_path: Path) -> None:
    rules = LIMITS + "exact_matches:\n  x: {provider: c, backend_model: other}\n"

    def ask() -> list[dict[str, Any]]:
        return answers(tmp_path, rules, "x", 4)

    found = within_a_minute(ask)
    assert [one["who"] for one in found] == [OTHER, OTHER, "", ""]
    assert found[-1]["asked"] == []


# Load balancing, decisions, time


def test_requests_for_one_model_are_spread(tmp_path: Path) -> None:
    rules = "routing_rules: {load_balancing: {enabled: true}}\n"
    count = who(answers(tmp_path, rules, "m", 60))
    assert set(count) == {A, B, C}
    assert min(count.values()) >= 5
    assert who(answers(tmp_path, rules, "m", 10, (A, B))) == {C: 10}


def test_a_strategy_for_all_has_a_group_for_each_name(tmp_path: Path) -> None:
    rules = "routing_rules: {load_balancing: {strategy: least_loaded}}\n"
    assert set(who(answers(tmp_path, rules, "m", 30))) <= {A, B, C}
    assert who(answers(tmp_path, rules, "m", 10, (A, C))) == {B: 10}


def test_a_decision_is_a_line_without_what_was_asked(tmp_path: Path) -> None:
    rules = "debug_router: true\nfallback_chains:\n  small: [b]\n"
    (found,) = answers(tmp_path, rules, "small", 1, (SMALL,))
    assert {line.split(" in ")[0] for line in found["said"]} >= {
        "ROUTER small: one of ~a/small",
        "ROUTER small: ~a/small failed: InternalServerError 500",
        "ROUTER small: fell back to ~b/m after InternalServerError",
        "ROUTER ~b/m: ~b/m answered",
    }
    assert "Hello" not in str(found["said"])


def test_a_time_for_all_is_the_routers(tmp_path: Path) -> None:
    config = compiled(tmp_path, "routing_rules: {timeout_seconds: 30}\n").gateway_config
    assert config
    assert config["router_settings"]["timeout"] == 30
    assert real_litellm().load(config)["names"]
