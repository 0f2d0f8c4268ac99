# ruff: noqa: E501 - one line a case
"""Rules about chains, retries, conditions, budgets and spares: what each says, and when it is silent.

docs/problems.md has an example of each code; here is what else there is to each of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.routing.conditions import agent_expression

HOSTS = {"gw": "10.0.0.1", "gpu01": "10.0.0.2", "gpu02": "10.0.0.3"}
GROUPS = {"gateway": ["gw"], "gpus": ["gpu01", "gpu02"]}
BASE = """\
providers:
  one: {type: vllm, base_url: "http://one:8000", models: [m, {name: n, context_length: 8192}]}
  two: {type: vllm, base_url: "http://two:8000", models: [{name: wide, context_length: 32768}]}
  cloud: {type: openai, models: [{name: gpt, context_length: 4096}]}
  vectors: {type: vllm, base_url: "http://v:8000", models: [{name: e, mode: embedding}]}
"""
C, RULES, M = "fallback_chains:\n  ", "routing_rules:\n  ", "  request_metadata_routing:\n    - "
Q = {"model-without-fallback"}  # said of most cases besides


def compiled(directory: Path, text: str, processes: int = 1) -> Compiled:
    (directory / "lab.yaml").write_text(BASE + text)
    return compile_registry(str(directory), Inventory(GROUPS, HOSTS, processes))


# what is put after BASE; the line of the problem, its code and some of its words
SAID = [
    # chains
    (C + "nn: [gpt]", 7, "unknown-primary", "Did you mean 'n'?"),
    (C + "x: {chain: [{primary: oen}, {secondary: gpt}]}", 7, "unknown-primary", "Did you mean 'one'?"),
    (C + "n: [gtp]", 7, "unknown-fallback", "fallback_chains.n names 'gtp'"),
    (C + "x: {chain: [{primary: one}, {secondary: vectors, tertiary: clodu}]}", 7, "unknown-fallback", "Did you mean 'cloud'?"),
    (RULES + "default_fallback: gptt", 7, "unknown-fallback", "routing_rules.default_fallback names 'gptt'"),
    (C + "n: [gpt]\n  m: [gpt]\n  again: {chain: [n, wide]}", 9, "chain-conflict", "'n' has a chain already"),
    (C + "x: {chain: [{primary: n}, {tertiary: gpt}, {secondary: wide}]}", 7, "chain-order", "secondary stands behind tertiary"),
    (C + "x: {chain: [n, {primary: gpt}]}", 7, "chain-order", "does not begin with its primary"),
    (C + "x: {chain: [{primary: two}, {secondary: one}]}", 7, "ambiguous-model", "which model of 'one' answers for wide cannot be told"),
    (RULES + "default_fallback: one", 7, "ambiguous-model", "a default_model for 'one', one of m, n"),
    (C + "wide: [n]", 7, "smaller-context", "prompts of 32768 tokens, and its fallback 'n' (n) of 8192"),
    (C + "wide: [cloud]", 7, "smaller-context", "its fallback 'cloud' (gpt) of 4096"),
    (C + "wide: {chain: [n], when: context_window}", 7, "no-larger-context", "of 8192 tokens, and 'wide', for which it stands in when a prompt is too long, 32768"),
    (C + "n: [gpt]\n  gpt: [wide]\n  wide: [n]", 9, "fallback-cycle", "n -> gpt -> wide -> n"),
    # retries
    (C + "n: {chain: [wide], when: context_window, retry_attempts: 2}", 7, "retry-without-effect", "for the prompt's sake"),
    (C + "n: {chain: [wide], retry_attempts: 1, retry_delay_ms: 1}\nrouting_rules: {retry_delay_ms: 2}", 7, "delay-conflict", "is 1, and routing_rules.retry_delay_ms is 2"),
    ("  three: {type: vllm, base_url: 'http://t', models: [m]}\n" + C + "m: {chain: [gpt], retry_attempts: 1, retry_delay_ms: 5}", 8, "retry-without-effect", "'m' has 2"),
    ("  more: {type: vllm, base_url: 'http://m', models: [{name: e2, mode: embedding}]}\n" + C + "e: {chain: [e2], retry_attempts: 2}", 8, "retry-without-effect", "nothing again but chats"),
    (RULES + "load_balancing: {enabled: false, strategy: least_loaded}", 7, "balancing-without-effect", "is not enabled"),
    # aliases
    ("aliases:\n  n: gpt", 7, "duplicate-route", "'n' is a public name already"),
    ("aliases:\n  a: wid\n  wied: gone", 7, "unknown-alias", "Did you mean 'wide'?"),
    ("aliases:\n  'end ': gpt", 7, "bad-name", "'end ' cannot be a name here"),
    (C + "n: [wide, wide]", 7, "bad-value", "has an entry twice"),
    (C + "n: {chain: [wide, wide]}", 7, "bad-value", "has an entry twice"),
    ("aliases:\n  a: b\n  b: a", 7, "alias-cycle", "stand for each other"),
    ("aliases:\n  testing/a: gpt", 7, "reserved-name", "begins with 'testing/'"),
    # conditions
    (RULES + M[2:] + "{condition: {user_tier: gold}, provider: two}", 8, "impossible-condition", "looks at 'user_tier', which LiteLLM does not look at"),
    (RULES + M[2:] + "{condition: 'prompt is long', provider: two}", 8, "impossible-condition", "looks at 'prompt is long'"),
    (RULES + M[2:] + "{condition: {tag: a, user_agent: b}, provider: two}", 8, "impossible-condition", "not exactly one condition"),
    (RULES + M[2:] + "{condition: {tag: 'a,b'}, provider: two}", 8, "impossible-condition", "which no request can carry"),
    (RULES + M[2:] + "{condition: {tag: '!a'}, provider: two}", 8, "impossible-condition", "without '!' or '&' in front"),
    (RULES + M[2:] + "{condition: {tag: default}, provider: two}", 8, "impossible-condition", "stands for no tag"),
    (RULES + M[2:] + "{condition: {user_agent: 'curl('}, provider: two}", 8, "impossible-condition", "is none: missing )"),
    (RULES + M[2:] + "{condition: {user_agent: 'a|^b'}, provider: two}", 8, "impossible-condition", "against the header alone"),
    (RULES + M[2:] + "{condition: {user_agent: '(a+)+b'}, provider: two}", 8, "impossible-condition", "may run without end, and the gateway with it: '(a+)+'"),
    (RULES + M[2:] + "{condition: {user_agent: 'a.*b.*c.*d'}, provider: two}", 8, "impossible-condition", "4 repeats in a row can take letters from one another, and 3 are enough"),
    (RULES + M[2:] + "{condition: {user_agent: ''}, provider: two}", 8, "impossible-condition", "does not say which user_agent it looks for"),
    (RULES + M[2:] + "{condition: 'tag:', provider: two}", 8, "impossible-condition", "does not say which tag it looks for. Expected: such as tag: batch"),
    (RULES + M[2:] + "{condition: 'user_agent =', provider: two}", 8, "impossible-condition", "does not say which user_agent it looks for"),
    (RULES + M[2:] + "{condition: {tag: a}, provider: tow}", 8, "unknown-provider", "routing_rules.request_metadata_routing.1.provider"),
    (RULES + M[2:] + "{condition: {tag: a}, provider: two, model: n}", 8, "unknown-model", "does not list"),
    (RULES + M[2:] + "{condition: {tag: a}, model: gptt}", 8, "unknown-model", "no such public name. Did you mean 'gpt'?"),
    (RULES + M[2:] + "{condition: {tag: a}, provider: two, fallback: tow}", 8, "unknown-fallback", "Did you mean 'two'?"),
    # budgets
    ("budgets:\n  clou: {max_budget: 1, budget_duration: 1d}", 7, "unknown-provider", "Did you mean 'cloud'?"),
    ("budgets:\n  cloud: {max_budget: 1, budget_duration: 1d, models: {gptt: {max_budget: 1}}}", 7, "unknown-model", "Did you mean 'gpt'?"),
    ("budgets:\n  cloud: {max_budget: 1, budget_duration: 1d, models: {gpt: {max_budget: 2}}}", 7, "split-exceeds-total", "add up to 2"),
    ("budgets:\n  one: {max_budget: 1, budget_duration: 1d, models: {m: {max_budget: 1}}}", 7, "budget-needs-split", "for each of n"),
    ("budgets:\n  cloud: {max_budget: 1, budget_duration: 1d}", 7, "budget-without-price", "what gpt costs"),
    ("budgets:\n  two: {max_budget: 1, budget_duration: 1d}", 7, "budget-without-price", "what wide costs"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "code", "words"), SAID)
def test_a_rule_says_what_and_where(
    tmp_path: Path, text: str, line: int, code: str, words: str
) -> None:
    found = compiled(tmp_path, text + "\n").problems
    told = [one for one in found if (one.place.line, one.code) == (line, code)]
    assert told, "\n".join(map(str, found))
    assert any(words in str(one) for one in told), "\n".join(map(str, told))
    assert all(one.expected or one.suggestion for one in told)


SILENT = {
    "a chain for each kind of failure": C + "n: {chain: [wide], when: context_window}\n  x: {chain: [n, wide]}\n",
    "two that stand in for each other": C + "n: [wide]\n  wide: {chain: [n], when: content_policy}\n",
    "a default fallback to one that has fallbacks": C + "wide: {chain: [gpt], when: content_policy}\n  gpt: [n]\nrouting_rules: {default_fallback: wide}\n",
    "the same delay everywhere": C + "n: {chain: [wide], retry_attempts: 1, retry_delay_ms: 3}\nrouting_rules: {retry_delay_ms: 3}\n",
    "a vendor's budget": "  known: {type: openai, models: [gpt-4o]}\n" + C + "m: [wide]\n  n: [wide]\n  gpt: [wide]\n  gpt-4o: [wide]\nbudgets: {known: {max_budget: 1, budget_duration: 1d}}\n",
    "a condition in words": C + "m: [wide]\n  n: [wide]\n  gpt: [wide]\n" + RULES + M[2:] + "{condition: \"tag == 'batch'\", provider: two}\n",
}  # fmt: skip


@pytest.mark.parametrize("case", SILENT)
def test_nothing_is_said_of(case: str, tmp_path: Path) -> None:
    found = compiled(tmp_path, SILENT[case]).problems
    assert {one.code for one in found} <= Q, "\n".join(map(str, found))


# Counts in several processes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate_limit_settings: {limits: {cloud: {rpm: 60}}}\n", "2 processes counts by itself, so the real bound is 120 requests a minute. Expected: a part of 30"),
        ("rate_limit_settings: {limits: {one: {models: {m: {tpm: 10}, n: {tpm: 20}}}}}\n", "is 60 tokens a minute"),
        ("budgets: {cloud: {max_budget: 50, budget_duration: 30d}}\n", "is 100 US dollars in 30d. Expected: a part of 25"),
    ],
)  # fmt: skip
def test_several_processes_have_a_limit_each(text: str, words: str, tmp_path: Path) -> None:
    told = [
        str(one) for one in compiled(tmp_path, text, 2).problems if one.code == "counted-by-each"
    ]
    assert len(told) == 1
    assert words in told[0]
    assert not [one for one in compiled(tmp_path, text).problems if one.code == "counted-by-each"]


# Spares on one machine

LAB = """\
providers:
  left: {type: llama_cpp, deploy: {hosts: gpu01, gpus: [0]}, models: [{name: a, source: {path: /a}}]}
  right: {type: llama_cpp, deploy: {hosts: gpu01, port: 8081, gpus: [%s]}, models: [{name: b, source: {path: /b}}]}
  far: {type: llama_cpp, deploy: {hosts: gpu02}, models: [{name: c, source: {path: /c}}]}
  fleet: {type: llama_cpp, deploy: {hosts: gpus, port: 8090}, models: [{name: d, source: {path: /d}}]}
fallback_chains: {a: [%s]}
"""


@pytest.mark.parametrize(
    ("gpu", "chain", "words"),
    [
        ("0", "b", "'a' and its fallback 'b' run on GPU 0 of the host 'gpu01' alone"),
        ("1", "b", "'a' and its fallback 'b' run on the host 'gpu01' alone"),
        ("0", "b, c", ""),
        ("0", "c", ""),
        ("0", "d", ""),
    ],
)
def test_who_stands_in_should_not_fail_together(
    gpu: str, chain: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(LAB % (gpu, chain))
    found = compile_registry(str(tmp_path), Inventory(GROUPS, HOSTS)).problems
    told = [str(one) for one in found if one.code == "same-machine"]
    assert bool(told) == bool(words)
    assert not words or words in told[0]


# What is held against LiteLLM's "User-Agent: <value>"


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("^curl/", "^User-Agent: curl/"),
        ("claude-code|codex", "^User-Agent: .*(?:claude-code|codex)"),
        ("(?i)^curl", "(?i)^User-Agent: curl"),
        ("[^a]b", "^User-Agent: .*(?:[^a]b)"),
        ("a|^b", ""),
        ("^a|b", ""),
        (r"\Aa", ""),
        ("a(?i)b", ""),
    ],
)
def test_an_expression_over_the_user_agent(expression: str, same: str) -> None:
    assert agent_expression(expression) == same
