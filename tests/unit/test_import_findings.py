# ruff: noqa: E501 - one line a case
"""Every mistake that LiteLLM takes, refuses or drops is found, with its place. One case a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import (
    Imported,
    import_config,
)
from ansible_collections.lab.llm.plugins.module_utils.importing.kinds import KINDS

BASE = """\
model_list:
  - {model_name: a, litellm_params: {model: hosted_vllm/a, api_base: "http://a:8000/v1"}}
  - {model_name: b, litellm_params: {model: hosted_vllm/b, api_base: "http://b:8000/v1"}}
"""
B = '"http://c:8000/v1"'
ROUTER, SETTINGS, GENERAL = "router_settings:\n  ", "litellm_settings:\n  ", "general_settings:\n  "


def entry(params: str, name: str = "c", more: str = "") -> str:
    return f"  - {{model_name: {name}, litellm_params: {{{params}}}{more}}}"


VLLM = f"model: hosted_vllm/c, api_base: {B}"
OPENAI = f"model: openai/c, api_base: {B}"

# what is put after BASE; the line of the finding; its code; a part of what is said
ROWS = [
    # Each row of what LiteLLM does with bad input
    ("modles: []", 4, "ignored-section", "modles"),
    ("  - {model_name: c, litellm_params: {model: openai/c}, modle_info: {}}", 4, "ignored-key", "modle_info"),
    (entry(VLLM, more=", model_info: {contxt: 3}"), 4, "ignored-key", "model_info.contxt"),
    (SETTINGS + "drop_parms: true", 5, "ignored-key", "litellm_settings.drop_parms"),
    (GENERAL + "master_kee: os.environ/K", 5, "ignored-key", "general_settings.master_kee"),
    (ROUTER + "num_retrys: 3", 5, "unknown-router-setting", "num_retrys"),
    (entry(VLLM + ", wieght: 3"), 4, "sent-upstream", "wieght"),
    (ROUTER + "fallbacks: [{model: a, fallback_models: [b]}]", 5, "fallbacks-shape", "a"),
    (ROUTER + "fallbacks: {a: [b]}", 5, "fallbacks-shape", "mapping"),
    (ROUTER + "fallbacks: [b]", 5, "fallbacks-shape", "not whose"),
    (ROUTER + "fallbacks: [{a: [b], b: [a]}]", 5, "fallbacks-shape", "2 names"),
    (ROUTER + "fallbacks: [{a: b}]", 5, "fallback-string", "a: b"),
    (ROUTER + "context_window_fallbacks: {a: [b]}", 5, "context-fallbacks-shape", "mapping"),
    (ROUTER + "fallbacks: [{a: [bb]}]", 5, "fallback-unknown", "'bb'"),
    (ROUTER + "fallbacks: [{aa: [b]}]", 5, "fallback-from-unknown", "'aa'"),
    (ROUTER + "fallbacks: [{a: [b]}, {b: [a]}]", 3, "fallback-cycle", "a -> b -> a"),
    (ROUTER + "fallbacks: [{a: [b]}, {a: [c]}]", 5, "fallback-twice", "'a'"),
    (ROUTER + "fallbacks: [{a: [b]}]\n" + SETTINGS + "fallbacks: [{b: [a]}]", 7, "fallbacks-overridden", "litellm_settings"),
    (ROUTER + "model_group_alias: {t: [a, b]}", 5, "alias-to-list", "t: [a, b]"),
    (ROUTER + "model_group_alias: {t: x}", 5, "alias-unknown", "t: x"),
    (ROUTER + "model_group_alias: {t: u, u: a}", 5, "alias-of-alias", "t: u"),
    (ROUTER + "model_group_alias: {a: b}", 5, "alias-hijacks", "a: b"),
    (entry(VLLM, "a"), 4, "shared-name", "'a' stands for 2"),
    (entry(VLLM, more=", model_info: {id: x}") + "\n" + entry(OPENAI, "d", ", model_info: {id: x}"), 5, "duplicate-id", "'d'"),
    (entry(VLLM + ", api_key: '${CK}'"), 4, "key-sent-literally", "${CK}"),
    (entry(OPENAI + ", api_key: os.environ/CK"), 4, "key-may-be-anothers", "CK"),
    (entry(OPENAI), 4, "key-may-be-anothers", "missing"),
    (entry("model: openai/c, api_base: os.environ/CB"), 4, "base-from-environment", "CB"),
    (entry(f"model: nobody/c, api_base: {B}"), 4, "deployment-dropped", "nobody/c"),
    (entry("model: some-model"), 4, "deployment-dropped", "some-model"),
    (entry(VLLM + ", rpm: abc"), 4, "deployment-dropped", "rpm"),
    (entry(VLLM + ", tags: fast"), 4, "deployment-dropped", "tags"),
    (entry(VLLM + ", weight: abc"), 4, "bad-value-fails", "weight"),
    (entry(VLLM + ", timeout: abc"), 4, "bad-value-fails", "timeout"),
    (entry(VLLM + ", max_parallel_requests: abc"), 4, "bad-value-fails", "max_parallel"),
    (entry(VLLM + ", extra_headers: [X-A]"), 4, "bad-value-fails", "extra_headers"),
    (entry(VLLM + ", order: abc"), 4, "bad-value-ignored", "order"),
    (entry(VLLM + ", timeout: -1"), 4, "bad-value-fails", "timeout is negative"),
    (entry(VLLM + ", cooldown_time: abc"), 4, "bad-value-ignored", "cooldown_time"),
    (entry(VLLM + ", weight: -1"), 4, "bad-value-ignored", "weight"),
    (entry(VLLM + ", weight: 1", "a"), 2, "partial-weights", "'a'"),
    (ROUTER + "retry_policy: {TimeoutErorRetries: 3}", 5, "unknown-policy-key", "TimeoutEror"),
    (ROUTER + "routing_groups: 3", 5, "bad-value-refused", "routing_groups is a number, and a list"),
    (ROUTER + "routing_groups: [{group_name: g, models: [a, b]}]", 5, "missing-part", "routing_groups[0] has no routing_strategy"),
    (ROUTER + "routing_groups: [{group_name: g, models: [a, b], routing_strategy: priority, model_priorities: {a: x}}]", 5, "bad-value-refused", "routing group g.model_priorities"),
    (ROUTER + "model_group_alias: {t: [a, 7]}", 5, "alias-unknown", "'t' names what is no name"),
    (ROUTER + "fallbacks: [{a: [b, {}]}]", 5, "fallback-unknown", "nothing in a list of fallbacks"),
    ("credential_list: [3]", 4, "missing-part", "credential_list[0] has no credential_values"),
    ("credential_list: 3", 4, "bad-value-refused", "credential_list, which is not a list"),
    (entry(VLLM, more=", model_info: 3"), 4, "deployment-dropped", "model_info is no mapping"),
    (ROUTER + "routing_strategy: 7", 5, "bad-value-refused", "routing_strategy is a number"),
    (ROUTER + "num_retries: -1", 5, "bad-value-ignored", "router_settings.num_retries is negative"),
    (ROUTER + "retry_policy: []", 5, "bad-value-ignored", "retry_policy is empty, and a mapping"),
    ("litellm_settings: 3", 4, "bad-value-refused", "litellm_settings, which is not a mapping"),
    ("router_settings: 3", 4, "ignored-section", "router_settings, which is not a mapping"),
    (entry(VLLM + ", input_cost_per_token: abc"), 4, "deployment-dropped", "input_cost_per_token is a text"),
    (entry(VLLM, more=", model_info: {max_input_tokens: x}"), 4, "bad-value-fails", "max_input_tokens"),
    (entry(VLLM + ", max_budget: 3, budget_duration: 1d") + "\n" + entry(VLLM, "d"), 4, "budget-per-name", "c, d"),
    (ROUTER + "routing_strategy: least_busy", 5, "unknown-strategy", "least_busy"),
    (ROUTER + "routing_groups: [{group_name: g, models: [a]}, {group_name: h, models: [a]}]", 5, "two-routing-groups", "'a'"),
    (SETTINGS + "drop_params: true\n  drop_params: false", 6, "duplicate-key", "drop_params"),
    ("  - {model_name: c}", 4, "missing-part", "litellm_params"),
    ("  - {litellm_params: {model: openai/c}}", 4, "missing-part", "model_name"),
    (entry("api_key: os.environ/K"), 4, "missing-part", "litellm_params.model"),
    (entry(VLLM + ", max_budget: 3"), 4, "budget-not-enforced", "max_budget"),
    ("rate_limit_settings: {limits: {vllm-a: {rpm: 3}}}", 4, "ignored-section", "rate_limit"),
    ("server_settings: {port: 4000}", 4, "ignored-section", "server_settings"),
    ("debug_router: true", 4, "ignored-section", "debug_router"),
    ("lab_extensions: {gpu: true}", 4, "ignored-section", "lab_extensions"),
    (SETTINGS + "cooldown_time: 30", 5, "misplaced-key", "litellm_settings.cooldown_time"),
    (SETTINGS + "master_key: os.environ/K", 5, "misplaced-key", "litellm_settings.master_key"),
    (GENERAL + "num_retries: 3", 5, "misplaced-key", "general_settings.num_retries"),
    # What else was measured
    (entry(VLLM + ", api_key: Zx81-secret-Zx81"), 4, "literal-key", "at line 4"),
    (GENERAL + "master_key: Zx81-secret-Zx81", 5, "literal-key", "general_settings.master_key"),
    ('environment_variables:\n  C_API_KEY: "Zx81-secret"', 5, "literal-key", "C_API_KEY"),
    (entry('model: openai/c, api_base: "http://me:Zx81pw@c:8000/v1"'), 4, "literal-key", "credentials"),
    (GENERAL + "master_key: sk-1234", 5, "weak-master-key", "master_key"),
    (entry(VLLM + ', extra_headers: {Authorization: "Bearer os.environ/CK"}'), 4, "header-sent-literally", "Authorization"),
    (entry("model: openai/c, api_base: '${CB}'"), 4, "variable-sent-literally", "CB"),
    (entry("model: ollama/c"), 4, "ollama-spawned", "api_base"),
    (entry("model: vllm/c, api_base: " + B), 4, "in-process-vllm", "vllm/c"),
    (entry('model: ollama_chat/nomic-embed-text, api_base: "http://c:11434"'), 4, "embedding-prefix", "nomic"),
    (entry('model: ollama/c, api_base: "http://c:11434/v1"'), 4, "version-in-base", "ollama"),
    (entry('model: openai/c, api_base: "http://c/v1/chat/completions"'), 4, "endpoint-in-base", "/chat/completions"),
    (entry(VLLM + ", rpm: 3", "a"), 4, "limit-as-weight", "rpm"),
    (entry(VLLM + ", rpm: 3"), 4, "limits-not-enforced", "vllm-c"),
    (entry(VLLM + ", rpm: 3") + "\n" + entry(VLLM + ", rpm: 3", "d"), 4, "limit-per-name", "c, d"),
    (entry(VLLM + ", order: 1", "a"), 2, "partial-order", "no order"),
    (entry(VLLM + ", order: 1, weight: 1", "d") + "\n" + entry(OPENAI + ", order: 1, weight: 1", "d") + "\n" + entry("model: openai/e, api_base: 'http://e:1', order: 2, weight: 1", "d"), 4, "order-beside-weights", "'d'"),
    (entry(f"model: 'hosted_vllm/*', api_base: {B}", "'c/*'") + "\n" + ROUTER + "fallbacks: [{'c/*': [a]}]", 6, "wildcard-fallback", "c/*"),
    (ROUTER + "default_fallbacks: [b]", 5, "default-fallback", "default_fallbacks"),
    (ROUTER + "fallbacks: [{'*': [b]}]", 5, "default-fallback", "'*'"),
    (entry("model: gpt-4o"), 4, "bare-model", "gpt-4o"),
    (GENERAL + "x: 0123", 5, "yaml-surprise", "octal"),
    (entry("model: openai/c, api_base: 'http://c:8000'"), 4, "base-without-version", "http://c:8000"),
    (ROUTER + "model_group_alias: {t: a}\n  fallbacks: [{a: [b]}]", 5, "alias-without-fallback", "t: a"),
    (entry("model: ollama/c, api_base: 'http://c:11434'"), 4, "ollama-generate", "ollama/c"),
    ('export KEY="x"', 4, "yaml-syntax", "shell"),
]  # fmt: skip


def imported(text: str, folder: Path) -> Imported:
    file = folder / "litellm.yaml"
    file.write_text(text + "\n")
    return import_config([str(file)])


@pytest.mark.parametrize(
    ("text", "line", "code", "part"), ROWS, ids=[f"{row[2]}: {row[3]}" for row in ROWS]
)
def test_what_stands_there_is_found(
    text: str, line: int, code: str, part: str, tmp_path: Path
) -> None:
    result = imported(BASE + text, tmp_path)
    told = [f"{one.place}: {one.code}: {one.what}" for one in result.findings]
    here = [x for x in result.findings if (x.place.line, x.code) == (line, code) and part in x.what]
    assert here, told
    assert not result.errors, result.errors
    assert result.compiled


def test_a_place_is_the_one_of_the_key_or_the_value(tmp_path: Path) -> None:
    text = "router_settings:\n  num_retrys: 3\n  model_group_alias: {t: x}\n"
    found = {one.code: one.place for one in imported(BASE + text, tmp_path).findings}
    assert found["unknown-router-setting"][1:] == (5, 3)
    assert found["alias-unknown"][1:] == (6, 23)


def test_every_kind_of_finding_has_a_row() -> None:
    elsewhere = {"include-replaces"}  # tests/unit/test_import_config.py
    assert {row[2] for row in ROWS} | elsewhere == set(KINDS)


def test_what_is_right_is_not_found(tmp_path: Path) -> None:
    assert imported(BASE, tmp_path).findings == []
