# ruff: noqa: E501 - one line a case
"""Patterns, capabilities and sizes that say nothing, or too much. Each case is put after BASE."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

BASE = """\
providers:
  one: {type: vllm, base_url: "http://one:8000", models: [{name: m, size: 7B, context_length: 8192, specialty: [code, chat]}, {name: gpt-oss, size: 20B}]}
  two: {type: ollama, base_url: "http://two:11434", models: [m, gpt-4.1], default_model: m}
  asleep: {type: vllm, status: disabled, base_url: "http://asleep:8000", models: [z]}
  trial: {type: vllm, status: testing, base_url: "http://trial:8000", models: [t]}
  any: {type: openai}
exact_matches:
  a: {provider: one, backend_model: m, fallback: two}
"""
P, C, S = "patterns:\n  - ", "capabilities:\n  ", "model_size_routing:\n  - "
FIRST = BASE.count("\n") + 2  # the line of what follows the section's name

# what is put after BASE; the problem's line, code and some of its words
CASES = [
    (P + "{pattern: '^gpt(', provider: any}", 0, "bad-pattern", "missing ), unterminated subpattern at character 5"),
    (P + "{pattern: '*gpt', provider: any}", 0, "bad-pattern", "nothing to repeat at character 1"),
    (P + "{pattern: '^gpt-.*', provider: any}\n  - {pattern: '^gpt-4', provider: two, backend_model: m}", 1, "never-matches", "'^gpt-.*' comes first and takes all of it"),
    (P + "{pattern: '^gpt-.*', provider: any}\n  - {pattern: '^gpt-', provider: two, backend_model: m}", 1, "never-matches", "comes first"),
    (P + "{pattern: '.*', provider: any}\n  - {pattern: '^gpt-', provider: two, backend_model: m}", 1, "never-matches", "'.*' comes first"),
    (P + "{pattern: '^gpt-', provider: any}\n  - {pattern: '(gpt)-oss', provider: one}", 1, "never-matches", "'^gpt-' comes first"),
    (P + "{pattern: '[m]', provider: one}\n  - {pattern: '^(m)$', provider: two}", 1, "never-matches", "'[m]' comes first"),
    (P + "{pattern: '^a$', provider: any}", 0, "never-matches", "a has a rule of its own"),
    (P + "{pattern: '.*', provider: any}\nrouting_rules: {default_provider: one}", 1, "never-matches", "routing_rules.default_provider never answers"),
    (P + "{pattern: '(claude|x)-', provider: one}", 0, "pattern-without-match", "none of the models of 'one'"),
    (P + "{pattern: '(claude|x)-', provider: any}", 0, "pattern-without-match", "none of the known models"),
    (P + "{pattern: 'claude-.*', provider: any}", 0, "pattern-without-match", "Expected: ^claude-.*."),
    (P + "{pattern: '^claude-3.5.*', provider: any}", 0, "pattern-without-match", r"Expected: ^claude-3\.5.*."),
    (P + "{pattern: 'claude-*', provider: any}", 0, "pattern-without-match", "Expected: ^claude-.*."),
    (P + "{pattern: '^claude-.*', provider: one, fallback: two}", 0, "pattern-without-match", "'one' is asked for names that begin with 'claude-', and lists none"),
    (P + "{pattern: '^(foo|bar)/.*', provider: any}", 0, "pattern-without-match", "Expected: one pattern for each: ^foo/.*, ^bar/.*."),
    (P + "{pattern: '^(?:gpt-|claude-).+$', provider: one}", 0, "loose-pattern", "one pattern for each: ^gpt-.+$, ^claude-.+$."),
    (P + "{pattern: '^(a+)+$', provider: any}", 0, "bad-pattern", "may run without end: '(a+)+' can read one text in more ways than can be tried"),
    (P + "{pattern: 'x.*.*.*.*.*y', provider: any}", 0, "bad-pattern", "may run without end: 5 repeats in a row can take letters from one another, and 4 are enough"),
    (P + "{pattern: 'x(gpt|.)*y', provider: any}", 0, "bad-pattern", "'(gpt|.)*'"),
    (P + "{pattern: 'gpt-.*', provider: one}", 0, "loose-pattern", "Expected: ^gpt-.*."),
    (P + "{pattern: '^gpt-4.1.*', provider: two}", 0, "loose-pattern", r"Expected: ^gpt-4\.1.*."),
    (P + "{pattern: '^gpt-*', provider: one}", 0, "loose-pattern", "Expected: ^gpt-.*."),
    (P + "{pattern: '^gpt-', provider: nay}", 0, "unknown-provider", "patterns.[pattern=^gpt-].provider names 'nay'; no such provider. Did you mean 'any'?"),
    (P + "{pattern: '^gpt-', provider: one, backend_model: mm}", 0, "unknown-model", "Did you mean 'm'?"),
    (P + "{pattern: '^helper$', provider: one}", 0, "ambiguous-model", "a backend_model, one of m, gpt-oss"),
    (P + "{pattern: '^gpt-', provider: any, fallback: one}", 0, "ambiguous-model", "a default_model for 'one'"),
    (P + "{pattern: '^gpt-', provider: any, fallback: noe}", 0, "unknown-fallback", "Did you mean 'one'?"),
    (P + "{pattern: '^gpt-', provider: any, fallback: z}", 0, "fallback-to-unserved", "which no live provider serves"),
    (P + "{pattern: '^gpt-', provider: asleep, backend_model: z}", 0, "provider-not-served", "is disabled; nobody would answer"),
    (P + "{pattern: '[m]', provider: asleep, backend_model: z}", 0, "provider-not-served", "is disabled; others answer instead"),
    (P + "{pattern: '^gpt-', provider: any}", 0, "no-fallback", "'gpt-*' has one deployment and no fallback"),
    (P + "{pattern: '^gpt-', provider: any, priority: secondary, fallback: two}", 0, "priority-without-effect", "who comes next is a fallback"),
    (P + "{pattern: '(oss)', provider: one, priority: tertiary, fallback: two}", 0, "priority-without-effect", "no other provider serves it"),
    (P + "{pattern: '^~x', provider: any}", 0, "reserved-name", "begins with '~'"),
    (P + "{pattern: '^gpt-', provider: any}\nrate_limit_settings:\n  limits:\n    any: {rpm: 3}", 3, "limit-of-any-name", "LiteLLM counts each name by itself"),
    ("routing_rules: {default_provider: nay}", -1, "unknown-provider", "Did you mean 'any'?"),
    ("routing_rules: {default_provider: asleep}", -1, "provider-not-served", "routing_rules.default_provider leads to 'asleep'"),
    (C + "code: {specialty: []}", 0, "bad-value", "capabilities.code.specialty"),
    (C + "code: {specialty: cod}", 0, "empty-capability", "no model has the specialty cod. Expected: one of code, chat."),
    (C + "code: {min_context: 99999}", 0, "empty-capability", "what does not say its own is left out"),
    (C + "code: {provider: any}", 0, "empty-capability", "lists no models to choose from"),
    (C + "code: {routing_strategy: ordered}", 0, "empty-capability", "nothing says which models are meant"),
    (C + "code: {preferred_models: [z]}", 0, "empty-capability", "none of its preferred models is served"),
    (C + "code: {preferred_models: [z, m]}", 0, "member-left-out", "leads to 'z', which no live provider serves"),
    (C + "code: {preferred_models: [mm]}", 0, "unknown-model", "Did you mean 'm'?"),
    (C + "code: {preferred_models: [m]}\n  chat: {preferred_models: [code]}", 1, "unknown-model", "names the capability 'code'"),
    (C + "code: {preferred_models: [gpt-oss], provider: two}", 0, "member-elsewhere", "it is at one"),
    (C + "code: {preferred_models: [m], min_context: 10000}", 0, "member-does-not-fit", "has a context of 8192, and 10000 are asked for"),
    (C + "code: {preferred_models: [m], min_model_size: 13B}", 0, "member-does-not-fit", "smaller than min_model_size"),
    (C + "code: {preferred_models: [m], specialty: vision}", 0, "member-does-not-fit", "is good at code, chat, and vision is asked for"),
    (C + "code: {preferred_models: [m], routing_strategy: round_robin}", 0, "unknown-strategy", "Did you mean 'load_balance'?"),
    (C + "code: {preferred_models: [m], routing_strategy: least-connections}", 0, "unknown-strategy", "Did you mean 'least_loaded'?"),
    (C + "code: {preferred_models: [m], routing_strategy: sticky}", 0, "unknown-strategy", "Did you mean 'ordered'?"),
    (C + "a: {preferred_models: [m]}", 0, "duplicate-route", "'a' is a public name already"),
    (C + "gpt-oss: {preferred_models: [m]}", 0, "duplicate-route", "another name for the task"),
    (C + "code: {preferred_models: [m], provider: asleep}", 0, "provider-not-served", "nobody would answer"),
    (C + "code: {preferred_models: [m], fallback: nne}", 0, "unknown-fallback", "Did you mean 'one'?"),
    (S + "{size: 13B - 7B, provider: one}", 0, "bad-size-range", '"7B - 13B"'),
    (S + "{size: < 8B, provider: two}\n  - {size: 7B - 9B, provider: one}", 1, "overlapping-sizes", "overlaps with '< 8B'"),
    (S + "{size: 7B - 13B, provider: two}\n  - {size: 8B - 9B, provider: one}", 1, "overlapping-sizes", "overlaps with '7B - 13B'"),
    (S + "{size: 7B - 13B, provider: two}\n  - {size: 13B - 70B, provider: one}", 1, "overlapping-sizes", "overlaps with '7B - 13B'"),
    (S + "{size: < 7B, provider: two}\n  - {size: '> 7B', provider: one}", 1, "size-gap", "nobody is preferred between '< 7B' and this; m is there"),
    (S + "{size: < 8B, provider: two}\n  - {size: '> 80B', provider: one}", 1, "size-without-effect", "no model is known to be of this size"),
    (S + "{size: < 8B, provider: two}\n  - {size: 8B - 80B, provider: one}", 1, "size-without-effect", "has no model of this size that another one has as well"),
    (S + "{size: < 8B, provider: tow}", 0, "unknown-provider", "Did you mean 'two'?"),
    (S + "{size: < 8B, provider: asleep}", 0, "provider-not-served", "others answer instead"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "line", "code", "words"), CASES)
def test_a_rule_finds_it(tmp_path: Path, more: str, line: int, code: str, words: str) -> None:
    (tmp_path / "lab.yaml").write_text(BASE + more + "\n")
    problems = compile_registry(str(tmp_path), Inventory()).problems
    found = {(one.place.line, one.code): str(one) for one in problems}
    assert (FIRST + line, code) in found, "\n".join(map(str, problems))
    assert any(words in str(one) for one in problems if one.code == code), found[FIRST + line, code]


# What is as it should be.
FINE = [
    P + "{pattern: '^gpt-4.*', provider: any, fallback: two}\n  - {pattern: '^gpt-.*', provider: any, fallback: two}",
    P + "{pattern: '^one/.*', provider: one, fallback: two}",
    P + "{pattern: '^(m|n)$', provider: two, fallback: gpt-oss}",
    P + "{pattern: '^(m|(gpt(-[a-z]+)*))$', provider: two, fallback: gpt-oss}",
    P + "{pattern: '(?i)GPT-OSS', provider: one, fallback: two}",
    P + "{pattern: '^new$', provider: any, fallback: two}",
    P + "{pattern: '^m$', provider: two, priority: secondary}",
    C + "code: {specialty: [code, vision], routing_strategy: direct, fallback: two}",
    C + "code: {preferred_models: [a, gpt-oss], fallback: two}",
    C + "code: {preferred_models: [gpt-oss], min_model_size: 13B, fallback: two}",
    S + "{size: < 8B, provider: two}",
]  # fmt: skip


@pytest.mark.parametrize("more", FINE)
def test_nothing_is_said_of_what_is_right(tmp_path: Path, more: str) -> None:
    (tmp_path / "lab.yaml").write_text(BASE + more + "\n")
    problems = compile_registry(str(tmp_path), Inventory()).problems
    assert [str(one) for one in problems if one.place.line >= FIRST] == []
