# ruff: noqa: E501 - one line a case
"""What LiteLLM takes without a word and without effect, and what we say to it. One case a row.

A row is a way of writing a configuration that LiteLLM starts with: it ignores it, drops the
deployment, sends the wrong key or fails every request. As far as a registry can say the same, it
must be a problem of ours, with its place.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

BASE = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m]}
  b: {type: vllm, base_url: "http://b:8000", models: [n]}
"""
P, M = "  p: ", ", models: [x]}"
VLLM = P + "{type: vllm, base_url: 'http://p'"

# the row; what is put after BASE; line and code of our answer
ROWS = [
    ("unknown key at top level", "modles: []", 4, "unknown-section"),
    ("unknown key in a model_list entry", VLLM + ", modle: x" + M, 4, "unknown-key"),
    ("unknown key in model_info", P + "{type: vllm, base_url: 'http://p', models: [{name: x, tokens: 3}]}", 4, "unknown-key"),
    ("unknown key in litellm_settings", "litellm_settings:\n  drop_parms: true", 4, "litellm-section"),
    ("unknown key in general_settings", "general_settings:\n  master_kee: x", 4, "litellm-section"),
    ("unknown key in router_settings", "router_settings:\n  num_retrys: 3", 4, "litellm-section"),
    ("unknown key in litellm_params, sent upstream", "redundant_models:\n  r: {providers: [{provider: a, wieght: 3}]}", 5, "unknown-key"),
    ("context_window_fallbacks as a dict", "context_window_fallbacks: {m: n}", 4, "unknown-section"),
    ("fallback to a missing model", "exact_matches:\n  e: {provider: a, fallback: missing}", 5, "unknown-fallback"),
    ("fallback from a missing source", "fallback_chains:\n  missing: [m, n]", 5, "unknown-primary"),
    ("a cycle of fallbacks", "exact_matches:\n  e: {provider: a, fallback: f}\n  f: {provider: b, fallback: g}\n  g: {provider: b, fallback: e}", 7, "fallback-cycle"),
    ("two fallback entries with one source", "exact_matches:\n  e: {provider: a, fallback: n}\n  e: {provider: a, fallback: m}", 6, "duplicate-key"),
    ("two rules for one source", "exact_matches:\n  e: {provider: a}\nredundant_models:\n  e: {providers: [{provider: b}]}", 7, "duplicate-route"),
    ("fallbacks in router_settings and litellm_settings", "litellm_settings:\n  fallbacks: [{m: [n]}]", 4, "litellm-section"),
    ("model_group_alias to a list", "model_group_alias: {e: [m, n]}", 4, "unknown-section"),
    ("alias to a missing model", "exact_matches:\n  e: {provider: a, backend_model: missing}", 5, "unknown-model"),
    ("alias of an alias", "exact_matches:\n  e: {provider: a}\n  f: {provider: e}", 6, "unknown-provider"),
    ("alias with a real model's name", "exact_matches:\n  m: {provider: a, backend_model: n}", 5, "unknown-model"),
    ("duplicate model_name load-balances", VLLM + ", models: [x, x]}", 4, "duplicate-model"),
    ("duplicate model_info.id", "redundant_models:\n  r: {providers: [{provider: a, weight: 1}, {provider: a, weight: 1}]}", 5, "duplicate-member"),
    ("api_key: ${VAR} is sent literally", VLLM + ", env_var: '${KEY}'" + M, 4, "bad-variable-name"),
    ("api_key: os.environ/ inside the name", VLLM + ", env_var: os.environ/KEY" + M, 4, "bad-variable-name"),
    ("api_key literally in the file", VLLM + ", env_var: sk-Zx81aaaaaaaaaaaaaaaaaaaa" + M, 4, "literal-secret"),
    ("no key where one is needed: another provider's is sent", VLLM + ", requires_api_key: true" + M, 4, "missing-key-variable"),
    ("api_base: os.environ/MISSING goes to the default URL", P + "{type: openai, base_url: os.environ/MISSING" + M, 4, "bad-url"),
    ("api_base with a variable", P + "{type: openai, base_url: 'http://${HOST}:1'" + M, 4, "bad-url"),
    ("no api_base: goes to OpenAI, or starts Ollama", P + "{type: openai_compatible" + M, 4, "missing-base-url"),
    ("unknown provider prefix drops the deployment", P + "{type: opnai" + M, 4, "unknown-provider-type"),
    ("bare model name drops the deployment", VLLM + ", models: ['']}", 4, "bad-value"),
    ('rpm "abc" drops the deployment', "rate_limit_settings:\n  limits:\n    a: {rpm: abc}", 6, "wrong-type"),
    ("tags as a string drop the deployment", VLLM + ", tags: fast" + M, 4, "wrong-type"),
    ('weight "abc" fails every request', "redundant_models:\n  r: {providers: [{provider: a, weight: abc}]}", 5, "wrong-type"),
    ('timeout "abc" fails every request', VLLM + ", timeout_seconds: abc" + M, 4, "wrong-type"),
    ('max_parallel_requests "abc" fails every request', VLLM + ", max_parallel_requests: abc" + M, 4, "wrong-type"),
    ("extra_headers as a list fail every request", VLLM + ", custom_config: {headers: [X-A]}" + M, 4, "wrong-type"),
    ('order "abc"', "exact_matches:\n  e: {provider: a, priority: abc}", 5, "bad-value"),
    ("timeout -1", VLLM + ", timeout_seconds: -1" + M, 4, "bad-value"),
    ('cooldown_time "abc"', VLLM + ", cooldown_time: abc" + M, 4, "unknown-key"),
    ("negative weight", "redundant_models:\n  r: {providers: [{provider: a, weight: -1}]}", 5, "bad-value"),
    ("weight on only some members", "redundant_models:\n  r: {providers: [{provider: a, weight: 1}, {provider: b}]}", 5, "partial-weights"),
    ("unknown retry_policy key", "router_settings:\n  retry_policy: {TimeoutErorRetries: 3}", 4, "litellm-section"),
    ("duplicate YAML key: the last wins", VLLM + ", status: active, status: disabled" + M, 4, "duplicate-key"),
    ("max_budget without budget_duration", "budgets:\n  a: {max_budget: 3}", 5, "missing-key"),
    ("server_settings", "server_settings: {port: 4000}", 4, "litellm-section"),
    ("lab_extensions", "lab_extensions: {gpu: true}", 4, "litellm-section"),
    ("cooldown_time under litellm_settings", "litellm_settings: {cooldown_time: 30}", 4, "litellm-section"),
    ("master_key under litellm_settings", "litellm_settings: {master_key: x}", 4, "litellm-section"),
    ("router keys under general_settings", "general_settings: {num_retries: 3}", 4, "litellm-section"),
    ("a bearer header made with os.environ/", VLLM + ", custom_config: {headers: {Authorization: 'Bearer os.environ/KEY'}}" + M, 4, "bad-header"),
    ("an Authorization header that the key replaces", P + "{type: groq, custom_config: {headers: {Authorization: 'Token ${KEY}'}}" + M, 4, "key-conflict"),
    ("a wildcard that is none", "exact_matches:\n  'e*': {provider: a}", 5, "bad-name"),
    ("a name that is a deployment's id", "exact_matches:\n  '~a/m': {provider: a}", 5, "bad-name"),
    ("a limit of a provider counts for each of its models", P + "{type: vllm, base_url: 'http://p', models: [x, y]}\nrate_limit_settings:\n  limits:\n    p: {rpm: 3}", 7, "limit-needs-split"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "code"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_what_litellm_swallows_is_said(tmp_path: Path, text: str, line: int, code: str) -> None:
    (tmp_path / "lab.yaml").write_text(BASE + text + "\n")
    found = compile_registry(str(tmp_path), Inventory())
    told = {(problem.place.line, problem.code) for problem in found.problems}
    assert (line, code) in told, "\n".join(map(str, found.problems))
    assert found.gateway_config is None
