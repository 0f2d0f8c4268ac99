"""Configurations as people have them become registries that pass the check."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import (
    Imported,
    import_config,
)
from ansible_collections.lab.llm.plugins.module_utils.importing.report import as_json, as_text
from ansible_collections.lab.llm.plugins.module_utils.importing.target import target
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

GUIDE = Path(__file__).parents[1] / "registries" / "guide"
KEY = "sk-live-0123456789abcdef0123456789abcdef"

GROWN = f"""\
model_list:
  - model_name: gpt-4
    litellm_params:
      model: openai/gpt-4
      api_key: ${{OPENAI_API_KEY}}
      wieght: 3
  - model_name: llama3
    litellm_params:
      model: ollama/llama3.1:8b
      api_base: http://127.0.0.1:11434
  - model_name: mistral
    litellm_params:
      model: hosted_vllm/mistral-7b
      api_base: http://192.168.1.100:8000/v1
      api_key: {KEY}
router_settings:
  model_group_alias:
    chat_tasks:
      - llama3
      - mistral
  fallbacks:
    - model: gpt-4
      fallback_models:
        - llama3
        - mistral
rate_limit_settings:
  limits:
    openai: {{rpm: 60}}
server_settings:
  port: 4000
debug_router: true
lab_extensions:
  gpu: true
"""


def imported(folder: Path, *texts: str, **addresses: str) -> Imported:
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"file{number}.yaml")
        files[-1].write_text(text)
    return import_config([str(file) for file in files], addresses)


def registry_of(result: Imported) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for text in result.files.values():
        whole |= yaml.safe_load(text)
    return whole


def passes(result: Imported, folder: Path) -> None:
    """What was made is put down and checked by itself."""
    assert not result.errors, result.errors
    found = target(str(folder / "registry"), result.files, False)
    found.write()
    compiled = compile_registry(str(folder / "registry"), Inventory())
    assert not has_errors(compiled.problems), "\n".join(map(str, compiled.problems))


def test_a_grown_configuration_lists_its_five_mistakes_and_passes(tmp_path: Path) -> None:
    result = imported(tmp_path, GROWN)
    found = {(one.code, one.place.line) for one in result.findings}
    assert {
        ("fallbacks-shape", 22),
        ("alias-to-list", 18),
        ("key-sent-literally", 5),
        ("sent-upstream", 6),
        ("ignored-section", 26),
        ("ignored-section", 29),
        ("ignored-section", 31),
        ("ignored-section", 32),
        ("literal-key", 15),
        ("ollama-generate", 9),
    } == found
    near = {one.what: one.suggestion for one in result.findings if one.suggestion}
    assert near == {"model_list[gpt-4].wieght": "weight"}
    passes(result, tmp_path)
    registry = registry_of(result)
    assert registry["exact_matches"]["gpt-4"]["fallback"] == ["llama3", "mistral"]
    assert registry["capabilities"]["chat_tasks"]["preferred_models"] == ["llama3", "mistral"]
    assert registry["rate_limit_settings"]["limits"] == {"openai": {"rpm": 60}}


def test_no_key_is_written_or_said(tmp_path: Path) -> None:
    result = imported(tmp_path, GROWN)
    said = [*result.files.values(), as_text(result, "r"), as_json(result, "r"), repr(result)]
    assert not any(KEY in text or "0123456789abcdef" in text for text in said)
    assert registry_of(result)["providers"]["vllm"]["env_var"] == "VLLM_API_KEY"
    assert any("VLLM_API_KEY" in sentence for sentence in result.todo)


@pytest.mark.parametrize(
    "name", ["05-litellm", "06-text-gen-webui-litellm", "15-scenario-openai", "09-openai"]
)
def test_the_guides_own_snippets_are_imported(name: str, tmp_path: Path) -> None:
    result = import_config([str(GUIDE / f"{name}.yaml")])
    passes(result, tmp_path)
    assert result.names


def test_the_guides_snippets_give_what_they_mean() -> None:
    codes = {
        name: {one.code for one in import_config([str(GUIDE / f"{name}.yaml")]).findings}
        for name in ("05-litellm", "06-text-gen-webui-litellm", "15-scenario-openai")
    }
    assert {"alias-to-list", "fallbacks-shape", "deployment-dropped"} <= codes["05-litellm"]
    assert {"alias-to-list", "fallback-unknown"} <= codes["06-text-gen-webui-litellm"]
    assert {"key-sent-literally", "bare-model", "yaml-syntax"} == codes["15-scenario-openai"]


def test_includes_are_read_as_litellm_does(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "local.yaml").write_text(
        "model_list:\n"
        "  - {model_name: m, litellm_params: {model: ollama_chat/m, api_base: 'http://o:11434'}}\n"
        "router_settings: {num_retries: 1}\n"
    )
    result = imported(
        tmp_path,
        "include: [models/local.yaml]\n"
        "router_settings: {fallbacks: [{n: [m]}]}\n"
        "model_list:\n"
        "  - {model_name: n, litellm_params: {model: groq/n}}\n",
    )
    passes(result, tmp_path)
    assert {"m", "n"} <= set(result.names)
    lost = next(one for one in result.findings if one.code == "include-replaces")
    assert (lost.place.line, "router_settings" in lost.what) == (2, True)
    assert "fallback" not in str(registry_of(result).get("exact_matches"))


def test_a_credential_is_followed(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        "credential_list:\n"
        "  - credential_name: eu\n"
        "    credential_values:\n"
        "      {api_key: os.environ/EU_KEY, api_base: 'https://eu.openai.azure.com',\n"
        "       api_version: '2024-10-21'}\n"
        "model_list:\n"
        "  - {model_name: g, litellm_params: {model: azure/g4, litellm_credential_name: eu}}\n",
    )
    passes(result, tmp_path)
    assert registry_of(result)["providers"]["azure"] == {
        "type": "azure",
        "base_url": "https://eu.openai.azure.com",
        "api_version": "2024-10-21",
        "env_var": "EU_KEY",
        "models": ["g4"],
    }


def test_shares_order_and_limits_become_rules(tmp_path: Path) -> None:
    def entry(name: str, where: str, more: str) -> str:
        base = f"model: hosted_vllm/m, api_base: 'http://{where}:8000/v1', {more}"
        return f"  - {{model_name: {name}, litellm_params: {{{base}}}}}\n"

    result = imported(
        tmp_path,
        "model_list:\n"
        + entry("shared", "a", "weight: 9, rpm: 30")
        + entry("shared", "b", "weight: 1")
        + entry("ranked", "b", "order: 1, timeout: 30")
        + entry("ranked", "a", "order: 2, rpm: 10")
        + "router_settings: {enable_pre_call_checks: true}\n",
    )
    passes(result, tmp_path)
    registry = registry_of(result)
    members = [{"provider": "vllm-a", "model": "m", "weight": 9}]
    members += [{"provider": "vllm-b", "model": "m", "weight": 1}]
    assert registry["redundant_models"]["shared"]["providers"] == members
    assert list(registry["providers"]) == ["vllm-b", "vllm-a"]
    ranked = {"preferred_models": ["m"], "routing_strategy": "ordered"}
    assert registry["capabilities"]["ranked"] == ranked
    assert registry["rate_limit_settings"]["limits"] == {"vllm-a": {"rpm": 30}}
    assert registry["providers"]["vllm-b"]["timeout_seconds"] == 30
    assert [one.code for one in result.findings] == ["limit-per-name"]


def test_a_price_that_yaml_reads_as_a_text_is_carried_over(tmp_path: Path) -> None:
    text = """\
model_list:
  - model_name: here
    litellm_params: {model: openai/here, api_key: os.environ/K, input_cost_per_token: 1e-6}
  - model_name: there
    litellm_params: {model: openai/there, api_key: os.environ/K}
    model_info: {output_cost_per_token: "2e-06"}
"""
    result = imported(tmp_path, text)
    assert registry_of(result)["providers"]["openai"]["models"] == [
        {"name": "here", "input_cost_per_million_tokens": 1.0},
        {"name": "there", "output_cost_per_million_tokens": 2.0},
    ]


def test_an_address_from_a_variable_is_asked_for_or_given(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: m, litellm_params: {model: hosted_vllm/m, api_base: os.environ/GPU}}\n"
    )
    result = imported(tmp_path, text)
    passes(result, tmp_path)
    assert registry_of(result)["providers"]["vllm"]["base_url"] == "http://gpu.invalid"
    assert "http://gpu.invalid" in result.todo[0]
    given = imported(tmp_path, text, GPU="http://10.0.0.7:8000/v1")
    assert registry_of(given)["providers"]["vllm"]["base_url"] == "http://10.0.0.7:8000/v1"
    assert given.todo == []


def test_wildcards_become_patterns_and_their_names_stay(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        "model_list:\n"
        "  - {model_name: '*', litellm_params: {model: 'openai/*'}}\n"
        "  - {model_name: 'groq/*', litellm_params: {model: 'groq/*'}}\n"
        "  - {model_name: 'claude-*', litellm_params: {model: 'anthropic/claude-*'}}\n"
        "  - {model_name: 'gpt-*', litellm_params: {model: openai/gpt-4o}}\n",
    )
    passes(result, tmp_path)
    registry = registry_of(result)
    assert registry["routing_rules"] == {"default_provider": "openai"}
    assert registry["patterns"] == [
        {"pattern": "^claude-.*", "provider": "anthropic"},
        {"pattern": "^groq/.*", "provider": "groq"},
        {"pattern": "^gpt-.*", "provider": "openai", "backend_model": "gpt-4o"},
    ]


def test_a_hand_kept_pair_is_taken_over_with_what_it_can_be(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        "providers:\n"
        "  ollama: {type: ollama, base_url: 'http://127.0.0.1:11434', models: [llama3.1]}\n"
        "  gpu:\n"
        "    type: vllm\n"
        "    base_url: http://10.0.0.5:8000\n"
        "    models: [mistral-7b]\n"
        "    custom_config: {headers: {Authorization: 'Bearer ${GPU_KEY}'}}\n"
        f"    api_key: {KEY}\n"
        "    colour: blue\n"
        "team_notes: {who: us}\n",
        "exact_matches:\n  chat: {provider: gpu, fallback: olama}\n  lost: {provider: nobody}\n",
    )
    passes(result, tmp_path)
    left = {one.what: one.place for one in result.left}
    assert left["providers.gpu.colour in the registry"][1:] == (9, 5)
    assert left["section team_notes"][1:] == (10, 1)
    assert left["exact_matches.chat.fallback in the registry"][1:] == (2, 25)
    assert left["exact_matches.lost in the registry"][1:] == (3, 3)
    assert [one.code for one in result.findings] == ["literal-key"]
    assert "chat" in result.names


def test_a_pair_and_a_litellm_file_are_one_registry(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        "providers:\n  house: {type: vllm, base_url: 'http://g:8000', models: [m], notes: big}\n",
        "model_list:\n"
        "  - {model_name: n, litellm_params: {model: hosted_vllm/n, api_base: 'http://g:8000/v1'}}\n",
    )
    passes(result, tmp_path)
    house = {"type": "vllm", "base_url": "http://g:8000", "models": ["m", "n"], "notes": "big"}
    assert registry_of(result)["providers"] == {"house": house}


def test_what_was_read_says_where_it_stood(tmp_path: Path) -> None:
    result = imported(tmp_path, GROWN)
    line = f"  # from {tmp_path}/file0.yaml:7\n  ollama:\n"
    assert line in result.files["providers.yaml"]
    again = import_config([str(tmp_path / "file0.yaml")])
    assert again.files == result.files


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    result = imported(tmp_path, GROWN)
    folder = str(tmp_path / "registry")
    first = target(folder, result.files, False)
    assert not first.errors
    assert sorted(first.new) == ["model-mappings.yaml", "providers.yaml"]
    first.write()
    assert target(folder, result.files, False).new == {}
    (tmp_path / "registry" / "providers.yaml").write_text("providers: {}\n")
    differs = target(folder, result.files, False)
    assert "nothing is overwritten" in differs.errors[0]
    forced = target(folder, result.files, True)
    assert (forced.errors, list(forced.new)) == ([], ["providers.yaml"])
    assert forced.diff()[0]["before"] == "providers: {}\n"
    (tmp_path / "registry" / "mine.yaml").write_text("x-a: 1\n")
    assert "mine.yaml" in target(folder, result.files, True).errors[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no mapping of sections"),
        ("- a\n", "no mapping of sections"),
        ("some: thing\n", "Nothing to import"),
        ("model_list: []\n", "Nothing to import"),
        ("a\x00b: 1\n", "is no text file, so it is no configuration"),
    ],
)
def test_what_is_no_configuration_is_an_error(text: str, said: str, tmp_path: Path) -> None:
    result = imported(tmp_path, text)
    assert any(said in error for error in result.errors), result.errors
    assert result.files == {}
    assert "Nothing was written" in as_text(result, "r")


ONE = "model: hosted_vllm/m, api_base: 'http://h:8000/v1'"
# what two names of one model say of themselves, and a model beside it; what is told, and where
SEVERAL = [
    ("input_cost_per_token: 1e-6", "input_cost_per_token: 2e-6", "", 3, "model_list[a] counts"),
    ("input_cost_per_token: 1e-6", "", "", 2, "that model_list[b] had no input_cost_per_token"),
    ("timeout: 30", "timeout: 60", "", 2, "model_list[b] has 60"),
    ("timeout: 30", "", "", 2, "that model_list[b], model_list[other] had no timeout of its own"),
    ("max_parallel_requests: 3", "", "", 2, "and holds there too"),
    ("num_retries: 3", "num_retries: 4", "", 2, "holds for all, and is 4"),
    ("num_retries: 3", "", "", 2, "that model_list[b], model_list[other] had no num_retries"),
    ("max_budget: 3, budget_duration: 1d", "max_budget: 4, budget_duration: 7d", "", 3, "1d, 7d"),
    ("", "", ", model_info: {max_input_tokens: 7}", 3, "model_list[a] counts"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "info", "line", "part"), SEVERAL)
def test_what_names_of_one_model_do_not_agree_on_is_told(
    first: str, second: str, info: str, line: int, part: str, tmp_path: Path
) -> None:
    rows = [("a", ONE, first), ("b", ONE, second), ("other", ONE.replace("/m", "/o"), "")]
    text = "model_list:\n"
    for number, (name, base, more) in enumerate(rows):
        params = ", ".join(filter(None, (base, more)))
        its = info.replace("7", str(7 + number))
        text += f"  - {{model_name: {name}, litellm_params: {{{params}}}{its}}}\n"
    result = imported(tmp_path, text)
    passes(result, tmp_path)
    told = [f"{one.what}: {one.why}" for one in result.left if one.place.line == line]
    assert any(part in one for one in told), result.left


# an entry that the registry refuses; what is said of it
REFUSED = [
    ("sk-live-0123456789abcdef0123", "m", "what looks like a key is nowhere written"),
    ("n", "sk-live-0123456789abcdef0123", "what looks like a key is nowhere written"),
    ("0123456789abcdef0123456789abcdef", "m", "what looks like a key is nowhere written"),
    ("my model", "m", "right is a name without spaces"),
    ("'end '", "m", "right is a name without spaces"),
    ("my model", "my model", "right is a model's name (no spaces"),
]


@pytest.mark.parametrize(("name", "model", "why"), REFUSED)
def test_an_entry_that_the_registry_refuses_is_told_and_the_rest_is_carried_over(
    name: str, model: str, why: str, tmp_path: Path
) -> None:
    where = "api_base: 'http://b:8000/v1'"
    result = imported(
        tmp_path,
        f"model_list:\n  - {{model_name: good, litellm_params: {{{ONE}}}}}\n"
        f"  - {{model_name: {name}, litellm_params: {{model: hosted_vllm/{model}, {where}}}}}\n"
        f"  - {{model_name: good2, litellm_params: {{{ONE}}}}}\n"
        f"router_settings: {{fallbacks: [{{good: [{name}, good2]}}]}}\n",
    )
    passes(result, tmp_path)
    assert {"good", "good2"} <= set(result.names)
    assert any(why in one.why and one.place.line == 3 for one in result.left), result.left
    assert "not shown" not in str(registry_of(result))
    assert "good2" in str(registry_of(result)["exact_matches"]["good"]["fallback"])


def test_an_expression_that_may_run_without_end_is_told_with_its_line(tmp_path: Path) -> None:
    entries = "".join(
        f"  - {{model_name: a, litellm_params: {{model: hosted_vllm/{model}, {more}}}}}\n"
        for model, more in (
            ("a", "api_base: 'http://a:1'"),
            ("b", "api_base: 'http://b:1', tag_regex: ['^User-Agent: (a+)+$', '^User-Agent: ok']"),
        )
    )
    result = imported(
        tmp_path, f"model_list:\n{entries}router_settings: {{enable_tag_filtering: true}}\n"
    )
    passes(result, tmp_path)
    (lost,) = [one for one in result.left if "'(a+)+'" in one.why]
    assert (lost.place.line, "missing-key" in lost.why) == (3, False)
    rules = registry_of(result)["routing_rules"]["request_metadata_routing"]
    assert [one["condition"] for one in rules] == [{"user_agent": "^ok"}]


def test_many_keys_in_a_file_are_looked_for_in_time(tmp_path: Path) -> None:
    some = (
        f"  - {{model_name: n{one}, litellm_params: {{model: hosted_vllm/m{one},"
        f" api_base: 'http://h{one}:1', api_key: Zx81-{one:032d}}}}}\n"
        for one in range(600)
    )
    before = time.process_time()
    passes(imported(tmp_path, "model_list:\n" + "".join(some)), tmp_path)
    assert time.process_time() - before < 10  # not each key sorted anew for each text


def test_a_circle_of_aliases_is_shown_as_a_way(tmp_path: Path) -> None:
    aliases = "router_settings: {model_group_alias: {x: y, y: x, w: x}}\n"
    entry = f"model_list:\n  - {{model_name: a, litellm_params: {{{ONE}}}}}\n"
    told = {one.what: one.instead for one in imported(tmp_path, entry + aliases).findings}
    for way in ("x -> y -> x", "y -> x -> y", "w -> x -> y -> x"):
        assert told[f"{way}, which is a circle"] == "nothing: it leads nowhere"


def test_no_file_is_an_error_that_says_so() -> None:
    assert import_config([""]).errors == [
        "No file is named. Name the configuration: -e file=litellm.yaml"
    ]


def test_base_url_counts_as_in_litellm(tmp_path: Path) -> None:
    entry = f"model_list:\n  - {{model_name: a, litellm_params: {{{ONE}, base_url: 'http://u:1'}}}}"
    result = imported(tmp_path, entry)
    assert registry_of(result)["providers"]["vllm"]["base_url"] == "http://u:1"
    assert [one.what for one in result.left] == ["model_list[a].api_base"]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = import_config([str(tmp_path / "none.yaml")])
    assert "cannot be read" in result.errors[0]


def test_the_report_groups_and_ends_with_a_summary(tmp_path: Path) -> None:
    text = as_text(imported(tmp_path, GROWN), "registry", "Next: check")
    titles = [line for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert titles == [
        "Secrets in the file:",
        "LiteLLM does not start with this:",
        "Requests fail:",
        "Goes where it should not:",
        "Has no effect:",
        "Works, and is worth knowing:",
        "Not carried over:",
        "To do by hand:",
    ]
    summary = text.splitlines()[-2]
    assert summary.endswith("3 providers, 6 names in registry; 10 findings, 2 not carried over.")
    assert text.splitlines()[-1] == "Next: check"


def test_the_report_for_programs_says_the_same(tmp_path: Path) -> None:
    result = imported(tmp_path, GROWN)
    told = json.loads(as_json(result, "registry"))
    assert told["ok"] is True
    assert {one["code"] for one in told["findings"]} == {one.code for one in result.findings}
    assert told["findings"][0]["line"] == 5
    assert told["new_names"] == ["chat_tasks", "llama3.1:8b", "mistral-7b"]
    assert told["files"] == ["model-mappings.yaml", "providers.yaml"]
