# ruff: noqa: E501 - one line a case
"""What a schema cannot see. Each case is put after BASE; it says line, code and words."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["gpu01", "gpu02"], "none": []},
    {"gw": "10.0.0.1", "gpu01": "10.0.0.11", "gpu02": "10.0.0.12", "named": "named.lab"},
)
BASE = """\
providers:
  one: {type: vllm, base_url: "http://one:8000", models: [m, n]}
  two: {type: ollama, base_url: "http://two:11434", models: [only]}
  asleep: {type: vllm, status: disabled, base_url: "http://asleep:8000", models: [z]}
  trial: {type: vllm, status: testing, base_url: "http://trial:8000", models: [t]}
  vendor: {type: openai}
  embedder: {type: vllm, base_url: "http://e:8000", models: [{name: e, mode: embedding}]}
"""
E, R, L = "exact_matches:\n  ", "redundant_models:\n  ", "rate_limit_settings:\n  limits:\n    "
P = "  p: "  # one provider more

# what is put after BASE; the problem's line, code and some of its words
CASES = [
    # names
    (E + "a: {provider: oen}", 9, "unknown-provider", "exact_matches.a.provider names 'oen'; no such provider. Did you mean 'one'?"),
    (E + "a: {provider: xyz}", 9, "unknown-provider", "Expected: one of one, two"),
    (R + "a: {providers: [{provider: oen}, {provider: two}]}", 9, "unknown-provider", "Did you mean 'one'?"),
    ("health_checks:\n  tow: {timeout_seconds: 3}", 9, "unknown-provider", "Did you mean 'two'?"),
    (L + "tow: {rpm: 3}", 10, "unknown-provider", "Did you mean 'two'?"),
    (E + "a: {provider: one, backend_model: mm}", 9, "unknown-model", "provider 'one' does not list. Did you mean 'm'?"),
    (R + "a: {providers: [{provider: two, model: onli}]}", 9, "unknown-model", "Did you mean 'only'?"),
    (P + "{type: vllm, base_url: 'http://p', models: [abc], default_model: abd}", 8, "unknown-model", "Did you mean 'abc'?"),
    (L + "one: {models: {mn: {rpm: 3}}}", 10, "unknown-model", "rate_limit_settings.limits.one.models"),
    (E + "a: {provider: two, fallback: [oen]}", 9, "unknown-fallback", "no such provider or public name. Did you mean 'one'?"),
    (E + "a: {provider: two, fallback: onyl}", 9, "unknown-fallback", "Did you mean 'only'?"),
    (R + "a: {providers: [{provider: two}], fallback: nnn}", 9, "unknown-fallback", "redundant_models.a.fallback"),
    (E + "one: {provider: two}\n  b: {provider: two, fallback: one}", 10, "ambiguous-name", "a provider and a public name"),
    (E + "a: {provider: one}", 9, "ambiguous-model", "a backend_model, one of m, n"),
    (R + "a: {providers: [{provider: one}]}", 9, "ambiguous-model", "a model, one of m, n"),
    (E + "a: {provider: two, fallback: one}", 9, "ambiguous-model", "a default_model for 'one', one of m, n"),
    (E + "a: {provider: two, fallback: vendor}", 9, "ambiguous-model", "lists no models"),
    (E + "testing/a: {provider: two}", 9, "reserved-name", "begins with 'testing/'"),
    (P + "{type: vllm, base_url: 'http://p', models: [testing/x]}", 8, "reserved-name", "begins with 'testing/'"),
    (E + "a\u200bb: {provider: two}", 9, "reserved-name", "a character that no public name may have"),
    (P + "{type: vllm, base_url: 'http://p', models: [k, l, k]}", 8, "duplicate-model", "lists 'k' a second time"),
    (E + "a: {provider: two}\n" + R + "a: {providers: [{provider: two}]}", 11, "duplicate-route", "'a' has a rule already"),
    (R + "a: {providers: [{provider: two}]}\nload_balancing:\n  a: {providers: [{provider: two}]}", 11, "duplicate-route", "has a rule already"),
    # providers
    (P + "{type: vllm, models: [x]}", 8, "missing-base-url", "base_url (someone else runs it) or deploy"),
    (P + "{type: azure, api_version: '1', models: [x]}", 8, "missing-base-url", "nothing says where it listens"),
    (P + "{type: azure, base_url: 'http://p', models: [x]}", 8, "missing-api-version", "Azure needs its api_version"),
    (P + "{type: vllm, base_url: 'http://p/v1/chat/completions', models: [x]}", 8, "bad-base-url", "Expected: http://p/v1."),
    (P + "{type: vllm, base_url: 'http://p/v1?a=b', models: [x]}", 8, "bad-base-url", "Expected: http://p/v1."),
    (P + "{type: vllm, base_url: 'http://p', api_format: anthropic, models: [x]}", 8, "wrong-api-format", "which type 'vllm' is not"),
    (P + "{type: custom, base_url: 'http://p', api_format: gemini, models: [x]}", 8, "wrong-api-format", "anthropic, ollama"),
    (P + "{type: vllm, base_url: 'http://p', requires_api_key: true, models: [x]}", 8, "missing-key-variable", "env_var: A_NAME"),
    (P + "{type: custom, base_url: 'http://p', custom_config: {auth_method: bearer_token}, models: [x]}", 8, "missing-key-variable", "bearer_token"),
    (P + "{type: custom, base_url: 'http://p', custom_config: {auth_method: header}, models: [x]}", 8, "missing-key-variable", "X-API-Key"),
    (P + "{type: vllm, base_url: 'http://p', env_var: A, custom_config: {headers: {Authorization: 'Bearer ${B}'}}, models: [x]}", 8, "key-conflict", "env_var is A, but its Authorization header sends B"),
    (P + "{type: vllm, base_url: 'http://p', env_var: A, custom_config: {headers: {Authorization: 'Token ${B}'}}, models: [x]}", 8, "key-conflict", "would both be sent"),
    (P + "{type: vllm, base_url: 'http://p', env_var: A, requires_api_key: false, models: [x]}", 8, "key-conflict", "takes no key, and names one (A)"),
    (P + "{type: custom, base_url: 'http://p', custom_config: {auth_method: none, headers: {Authorization: 'Bearer ${B}'}}, models: [x]}", 8, "key-conflict", "names one (B)"),
    (P + "{type: groq, custom_config: {headers: {Authorization: 'Token ${B}'}}, models: [x]}", 8, "key-conflict", "LiteLLM puts a key into Authorization"),
    (P + "{type: custom, base_url: 'http://p', env_var: A, custom_config: {auth_method: header}, models: [x]}", 8, "missing-key-variable", 'X-API-Key: "${A}"'),
    (P + "{type: custom, base_url: 'http://p', env_var: A, custom_config: {auth_method: header, headers: {X-Team: a}}, models: [x]}", 8, "missing-key-variable", "no header has one"),
    (P + "{type: custom, base_url: 'http://p', env_var: A, custom_config: {auth_method: header, headers: {X-Key: '${B}'}}, models: [x]}", 8, "key-conflict", "A is in no header and would be sent"),
    (P + "{type: vllm, base_url: 'http://p', env_var: LITELLM_MASTER_KEY, models: [x]}", 8, "reserved-variable", "the gateway's own key"),
    (P + "{type: vllm, base_url: 'http://p', env_vars: [LITELLM_MASTER_KEY], models: [x]}", 8, "reserved-variable", "the gateway's own key"),
    (P + "{type: vllm, base_url: 'http://p', custom_config: {headers: {X-Key: 'a ${LITELLM_MASTER_KEY}'}}, models: [x]}", 8, "reserved-variable", "the gateway's own key"),
    (P + "{type: gemini, models: [x], health_endpoint: /health}", 8, "health-without-effect", "a whole address"),
    (P + "{type: anthropic, models: [x]}\nhealth_checks:\n  p: {timeout_seconds: 3}", 10, "health-without-effect", "nothing says where"),
    (P + "{type: bedrock, env_vars: [AWS_REGION_NAME, COLOUR], models: [x]}", 8, "variable-without-use", "nothing would read COLOUR"),
    (P + "{type: groq, models: [{name: x, mode: embedding}]}", 8, "unsupported-mode", "type 'groq' has no mode 'embedding'"),
    (P + "{type: vllm, base_url: 'http://p'}", 8, "unused-provider", "no name leads to providers.p"),
    (R + "n: {providers: [{provider: two}]}\n", 2, "unused-model", "no name leads to the model 'n' of providers.one"),
    # shares
    (R + "a: {providers: [{provider: two, weight: 1}, {provider: one, model: m}]}", 9, "partial-weights", "'one' has no weight"),
    (R + "a: {providers: [{provider: two, weight: 0}, {provider: one, model: m, weight: 0}]}", 9, "zero-weights", "nobody answers"),
    (R + "a: {providers: [{provider: two}, {provider: two}]}", 9, "duplicate-member", "names 'two' twice"),
    (R + "a: {providers: [{provider: two}, {provider: two, model: only}]}", 9, "duplicate-member", "names 'two' twice, both times for 'only'"),
    (R + "m: {providers: [{provider: one, model: m}, {provider: one}]}", 9, "duplicate-member", "both times for 'm'"),
    (R + "a: {providers: [{provider: two}, {provider: embedder}]}", 9, "mixed-modes", "chat, embedding"),
    (E + "a: {provider: two, fallback: e}", 9, "mixed-modes", "chat, embedding"),
    # ways
    (E + "a: {provider: asleep}", 9, "provider-not-served", "which is disabled; nobody would answer"),
    (E + "a: {provider: trial}", 9, "provider-not-served", "a request for testing/<model>"),
    (E + "only: {provider: asleep}", 9, "provider-not-served", "others answer instead"),
    (R + "a: {providers: [{provider: two}, {provider: asleep}]}", 9, "provider-not-served", "others answer instead"),
    (E + "a: {provider: two, fallback: asleep}", 9, "fallback-to-unserved", "which is disabled; it is left out"),
    (E + "a: {provider: two, fallback: z}", 9, "fallback-to-unserved", "no live provider serves"),
    (E + "a: {provider: two, fallback: two}", 9, "fallback-without-effect", "the fallback of 'a' to 'two' leads only to what has failed already"),
    (E + "a: {provider: two, fallback: [m, two]}", 9, "fallback-without-effect", "to 'two'"),
    (E + "a: {provider: two, fallback: only}", 9, "fallback-without-effect", "to 'only'"),
    (R + "a: {providers: [{provider: two}, {provider: one, model: m}], fallback: two}", 9, "fallback-without-effect", "to 'two'"),
    (E + "a: {provider: two, fallback: a}", 9, "fallback-cycle", "a -> a"),
    (E + "a: {provider: two, fallback: b}\n  b: {provider: two, fallback: [m, c]}\n  c: {provider: two, fallback: a}", 11, "fallback-cycle", "a -> b -> c -> a"),
    (E + "a: {provider: two}", 9, "no-fallback", "'a' has one deployment and no fallback"),
    (E + "a: {provider: two, priority: secondary}", 9, "priority-without-effect", "no other provider serves it"),
    # limits
    (L + "one: {rpm: 10}", 10, "limit-needs-split", "one limit for 2 models"),
    (L + "one: {rpm: 10, models: {m: {rpm: 5}}}", 10, "limit-needs-split", "a part of it, for each of n"),
    (L + "one: {rpm: 10, models: {m: {rpm: 5}, n: {rpm: 6}}}", 10, "split-exceeds-total", "add up to 11"),
    (L + "one: {tpm: 10, models: {m: {tpm: 9}, n: {tpm: 6}}}", 10, "split-exceeds-total", "add up to 15"),
    (L + "one: {tpm: 10, models: {m: {tpm: 5}, n: {rpm: 6}}}", 10, "limit-needs-split", "models: with tpm, a part of it, for each of n"),
    (L + "one: {rpm: 10, models: {m: {tpm: 5}, n: {tpm: 6}}}", 10, "limit-needs-split", "with rpm, a part of it, for each of m, n"),
    (L + "asleep: {rpm: 10}", 10, "limit-without-effect", "no request reaches this provider"),
    (L + "p: {rpm: 1}\nx-more:\n", 10, "unknown-provider", "names 'p'"),
    # what we run
    (P + "{type: llama_cpp, deploy: {hosts: gpu1}, models: [{name: x, source: {path: /x}}]}", 8, "unknown-host", "no such host or group. Did you mean 'gpu01'?"),
    (P + "{type: llama_cpp, deploy: {hosts: none}, models: [{name: x, source: {path: /x}}]}", 8, "unknown-host", "the group 'none' has no hosts"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus}, models: [x]}", 8, "missing-source", "nothing says where 'x' is from"),
    (P + "{type: vllm, base_url: 'http://p', models: [{name: x, source: {path: /x}}]}", 8, "source-without-deploy", "nothing is fetched for 'x'"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus}}", 8, "missing-source", "lists no model"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus}, models: [{name: x, source: {huggingface: o/x, revision: " + "0f" * 20 + "}}]}", 8, "unfit-source", "cannot serve a whole repository ('x')"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus}, models: [{name: x, source: {path: /x, token_env: HF_TOKEN}}]}", 8, "source-without-effect", "token_env has no effect on 'x'"),
    (P + "{type: ollama, deploy: {hosts: gpu01, options: {keep_alife: 1h}}, models: [{name: x, source: {ollama: x}}]}", 8, "unknown-option", "Did you mean 'keep_alive'?"),
    (P + "{type: ollama, deploy: {hosts: gpu01, options: {models: /srv}}, models: [{name: x, source: {ollama: x}}]}", 8, "option-set-elsewhere", "options.models is set by the role (ollama_shared_models)"),
    (P + "{type: ollama, deploy: {hosts: gpu01, environment: {OLLAMA_MODELS: /srv}}, models: [{name: x, source: {ollama: x}}]}", 8, "option-set-elsewhere", "OLLAMA_MODELS is set by the role"),
    (P + "{type: ollama, deploy: {hosts: gpu01, options: {debug: true}, environment: {OLLAMA_DEBUG: 2}}, models: [{name: x, source: {ollama: x}}]}", 8, "option-set-elsewhere", "OLLAMA_DEBUG is set by options.debug"),
    (P + "{type: ollama, deploy: {hosts: gpu01}, models: [{name: x, source: {ollama: x}, options: {num_ctx: 9}}]}", 8, "option-without-effect", "or source.modelfile.parameters"),
    (P + "{type: ollama, deploy: {hosts: gpu01}, models: [{name: x, source: {ollama: x}}], env_var: OLLAMA_KEY}", 8, "key-without-effect", "Ollama cannot demand a key (OLLAMA_KEY)"),
    (P + "{type: llama_cpp, deploy: {hosts: gpu01}, models: [{name: x, source: {path: /x}}]}\n  q: {type: llama_cpp, deploy: {hosts: gpus}, models: [{name: y, source: {path: /y}}]}", 9, "port-conflict", "port 8080 of gpu01 is p's already"),
    (P + "{type: vllm, deploy: {hosts: gpus, distributed: ray, port: 8000}, models: [{name: x, source: {path: /x}}]}\n  q: {type: llama_cpp, deploy: {hosts: gpu01, port: 8105}, models: [{name: y, source: {path: /y}}]}", 9, "port-conflict", "port 8105 of gpu01 is one of those that the cluster of p has"),
    (P + "{type: vllm, deploy: {hosts: gpu01, distributed: ray}, models: [{name: x, source: {path: /x}}]}", 8, "unfit-cluster", "a cluster of one host"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus, distributed: ray}, models: [{name: x, source: {path: /x}}]}", 8, "unfit-cluster", "llama_cpp does not run on Ray"),
    (P + "{type: vllm, deploy: {hosts: gpu01, gpus: [0], options: {tensor_parallel_size: 2}}, models: [{name: x, source: {path: /x}}]}", 8, "too-few-gpus", "tensor_parallel_size 2 needs 2 GPUs, deploy.gpus gives 1"),
    (P + "{type: vllm, deploy: {hosts: gpus, distributed: ray, gpus: [0], options: {tensor_parallel_size: 2, pipeline_parallel_size: 2}}, models: [{name: x, source: {path: /x}}]}", 8, "too-few-gpus", "needs 4 GPUs, deploy.gpus gives 2 hosts with 1 each"),
    (P + "{type: llama_cpp, deploy: {hosts: gpu01, bind: 127.0.0.1}, models: [{name: x, source: {path: /x}}]}", 8, "unreachable-bind", "the gateway is elsewhere"),
    (P + "{type: llama_cpp, deploy: {hosts: named}, models: [{name: x, source: {path: /x}}]}", 8, "listens-everywhere", "listens on all addresses of named"),
    (P + "{type: llama_cpp, deploy: {hosts: gpus}, models: [{name: x, source: {path: /x}}]}\n" + L + "p: {rpm: 1}", 11, "limit-below-hosts", "to be shared by 2 hosts"),
]  # fmt: skip
QUIET = {"no-fallback", "model-without-fallback"}  # said of most cases besides


def compiled(tmp_path: Path, text: str):
    (tmp_path / "lab.yaml").write_text(BASE + text)
    return compile_registry(str(tmp_path), INVENTORY)


def test_the_base_is_clean_but_for_the_vendor_that_nothing_uses(tmp_path: Path) -> None:
    assert [problem.code for problem in compiled(tmp_path, "").problems] == ["unused-provider"]


@pytest.mark.parametrize(("text", "line", "code", "words"), CASES)
def test_a_rule_says_what_and_where(
    tmp_path: Path, text: str, line: int, code: str, words: str
) -> None:
    found = compiled(tmp_path, text).problems
    told = [problem for problem in found if (problem.place.line, problem.code) == (line, code)]
    assert told, "\n".join(map(str, found))
    assert any(words in str(problem) for problem in told), told
    assert all(problem.expected or problem.suggestion for problem in told)
    others = {problem.code for problem in found} - {code, "unused-provider"} - QUIET
    assert not others, "\n".join(map(str, found))


def test_all_findings_come_at_once_and_sorted(tmp_path: Path) -> None:
    text = "".join(
        case[0].removeprefix(E) + "\n  "
        for case in CASES
        if case[0].startswith(E) and case[0].count("\n") == 1 and "fallback" not in case[0]
    )
    names = iter("bcdefghijklmnopqrstuvwxy")
    lines = [
        f"{next(names)}{line[line.index(':') :]}"
        for line in text.strip().splitlines()
        for line in [line.strip()]
    ]
    found = compiled(tmp_path, E + "\n  ".join(lines)).problems
    assert {"unknown-provider", "unknown-model", "ambiguous-model"} <= {p.code for p in found}
    assert found == sorted(found, key=lambda problem: problem.place)


def test_what_refers_to_a_broken_provider_is_not_reported_too(tmp_path: Path) -> None:
    broken = P + "{type: vlm, base_url: 'http://p', models: [pm, {name: pn}]}\n"
    rules = E + "a: {provider: p, fallback: [pm, pn]}\n  b: {provider: two, fallback: p}"
    found = compiled(tmp_path, broken + rules).problems
    assert [(p.place.line, p.code) for p in found if p.severity == "error"] == [
        (8, "unknown-provider-type")
    ]


def test_what_refers_to_a_broken_rule_is_not_reported_too(tmp_path: Path) -> None:
    rules = (
        E
        + "a: {provider: two, priority: first}\n  b: {provider: two, fallback: a}\n  c: {provider: oen}"
    )
    found = compiled(tmp_path, rules).problems
    assert [(p.place.line, p.code) for p in found if p.severity == "error"] == [
        (9, "bad-value"),
        (11, "unknown-provider"),
    ]


def test_what_refers_to_a_provider_outside_of_its_section_is_not_reported_too(
    tmp_path: Path,
) -> None:
    rules = E + "a: {provider: p, fallback: pm}\n  b: {provider: two, fallback: p}\n"
    outside = "p: {type: vllm, base_url: 'http://p', models: [pm]}\n" + L + "p: {rpm: 3}"
    found = compiled(tmp_path, rules + outside).problems
    assert [(p.place.line, p.code) for p in found] == [
        (6, "unused-provider"),
        (11, "provider-outside-section"),
    ]


NO_FALLBACK = [
    ("", True),
    (", fallback: two", True),
    (", fallback: asleep", True),
    (", fallback: z", True),
    (", fallback: m", False),
    (", fallback: oen", False),
    (", fallback: one", False),  # which model is meant cannot be told
    (", fallback: [asleep, oen]", False),
    (", fallback: broken", False),
]


@pytest.mark.parametrize(("fallback", "warned"), NO_FALLBACK)
def test_no_fallback_is_said_where_none_is_rendered_and_nothing_else_is_wrong(
    tmp_path: Path, fallback: str, warned: bool
) -> None:
    broken = "  broken: {type: vlm, base_url: 'http://p'}\n"
    found = compiled(tmp_path, broken + E + f"a: {{provider: two{fallback}}}").problems
    assert warned == any(problem.code == "no-fallback" for problem in found)


@pytest.mark.parametrize("content", [b"providers: [", b"\xff", b"x-a: 1\nx-b: ]"])
def test_beside_an_unread_file_no_rule_is_asked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.yaml").write_bytes(content)
    found = compiled(tmp_path, E + "a: {provider: in-the-other-file}").problems
    assert [Path(problem.place.file).name for problem in found] == ["other.yaml"]


def test_with_errors_nothing_is_handed_on(tmp_path: Path) -> None:
    found = compiled(tmp_path, E + "a: {provider: oen}")
    assert has_errors(found.problems)
    assert found.gateway_config is None
    assert not found.gateway_config_text
    assert not found.services
