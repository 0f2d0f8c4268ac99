# ruff: noqa: E501 - one line a case
"""What a proof asks: told by the configuration, so that it agrees with LiteLLM."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

TEXT = """\
providers:
  a: {type: vllm, base_url: "http://a:8000/v1", env_var: A_KEY, models: [m, {name: e, mode: embedding}], default_model: m}
  b: {type: ollama, base_url: "http://b:11434", models: [m]}
  elsewhere: {type: vllm, base_url: "http://c:8000", env_var: C_KEY, health_endpoint: "http://monitor:9/c", models: [c]}
  cloud: {type: anthropic, models: [claude]}
  down: {type: vllm, status: disabled, base_url: "http://off:1", models: [m]}
  trial: {type: vllm, status: testing, base_url: "http://trial:1", models: [m]}
exact_matches:
  x: {provider: b, fallback: [a, c]}
health_checks:
  a: {endpoint: /ready, timeout_seconds: 2.5, retry_attempts: 5, interval_seconds: 90}
"""


def test_questions(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    found = compile_registry(str(tmp_path), Inventory())
    asked = found.probes
    assert asked["models"] == ["x", "m", "e", "c", "claude", "testing/m"]
    assert [(one["model"], one["mode"]) for one in asked["completions"]] == [
        ("x", "chat"), ("m", "chat"), ("e", "embedding"), ("c", "chat"), ("claude", "chat"),
        ("testing/m", "chat"),
    ]  # fmt: skip
    assert [(one["route"], one["targets"]) for one in asked["fallbacks"]] == [
        ("x", ["~a/m", "c"]),
        ("m", ["~b/m"]),  # the second in order
    ]
    assert (asked["fallbacks"][0]["target_ids"], asked["fallbacks"][0]["target_names"]) == (
        ["~a/m"],
        ["c"],
    )
    health = {one.pop("provider"): one for one in asked["health"]}
    assert set(health) == {"a", "b", "elsewhere", "trial"}  # a vendor without an endpoint has none
    assert health["a"] == {
        "host": "", "url": "http://a:8000/ready", "interval_seconds": 90, "timeout_seconds": 2.5,
        "attempts": 6, "key_variable": "A_KEY",
    }  # fmt: skip
    assert health["b"]["url"] == "http://b:11434/api/version"
    assert health["b"]["attempts"] == 2


ENDPOINT = "http://monitor:9/ok"
ADDRESSES = [
    ("{type: gemini, models: [g], health_endpoint: 'http://monitor:9/ok'}\n", [ENDPOINT]),
    ("{type: gemini, models: [g]}\nhealth_checks: {p: {endpoint: 'http://monitor:9/ok'}}", [ENDPOINT]),
    ("{type: bedrock, models: [g]}\nhealth_checks: {p: {endpoint: 'http://monitor:9/ok'}}", [ENDPOINT]),
    ("{type: vertex_ai, models: [g], health_endpoint: 'http://monitor:9/ok'}\n", [ENDPOINT]),
    ("{type: gemini, models: [g]}", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "asked"), ADDRESSES)
def test_a_whole_address_is_asked_also_where_no_base_is_known(
    tmp_path: Path, text: str, asked: list[str]
) -> None:
    (tmp_path / "lab.yaml").write_text("providers:\n  p: " + text)
    health = compile_registry(str(tmp_path), Inventory()).probes["health"]
    assert [(one["url"], one["key_variable"]) for one in health] == [(url, None) for url in asked]


def test_a_key_goes_to_its_provider_only(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(TEXT)
    health = compile_registry(str(tmp_path), Inventory()).probes["health"]
    told = {one["provider"]: (one["url"], one["key_variable"]) for one in health}
    assert told["elsewhere"] == ("http://monitor:9/c", None)


# a provider, what a change may ask of it, what the schedule may, whether a vendor's API
ASKED = [
    ("{type: vllm, base_url: 'http://a:1', models: [m]}", "full", "full", False),
    ("{type: vllm, base_url: 'http://a:1', models: [m], probe: health}", "health", "health", False),
    ("{type: vllm, base_url: 'http://a:1', models: [m], probe: none}", "none", "none", False),
    ("{type: openai, models: [m]}", "full", "health", True),
    ("{type: openai, models: [m], probe: full}", "full", "full", True),
    ("{type: openai, base_url: 'https://api.openai.com/v1', models: [m]}", "full", "health", True),
    ("{type: openai, base_url: 'http://gpu:8000/v1', models: [m]}", "full", "full", False),
    ("{type: anthropic, models: [m]}", "full", "health", True),
    ("{type: gemini, models: [m]}", "full", "health", True),
    ("{type: azure, base_url: 'https://x.openai.azure.com', api_version: '1', models: [m]}", "full", "health", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "probe", "watch", "cloud"), ASKED)
def test_what_costs_money_is_asked_by_the_schedule_only_in_words(
    tmp_path: Path, text: str, probe: str, watch: str, cloud: bool
) -> None:
    (tmp_path / "lab.yaml").write_text("providers:\n  p: " + text)
    asked = compile_registry(str(tmp_path), Inventory()).probes
    told = asked["providers"]["p"]
    assert (told["probe"], told["watch"], told["cloud"]) == (probe, watch, cloud)
    assert not (probe == "none" and asked["health"])


def test_a_deployment_is_the_same_while_its_configuration_is(tmp_path: Path) -> None:
    def configured(text: str) -> dict[str, str]:
        (tmp_path / "lab.yaml").write_text(text)
        rows = compile_registry(str(tmp_path), Inventory()).probes["deployments"]
        return {f"{row['name']} {row['id']}": row["configured"] for row in rows}

    before = configured(TEXT)
    assert {"x ~b/m#x", "m ~a/m", "m ~b/m"} <= set(before)
    assert before["x ~b/m#x"] == before["m ~b/m"]  # whatever its place in the order
    moved = configured(TEXT.replace("http://b:11434", "http://elsewhere:1"))
    other_key = configured(TEXT.replace("A_KEY", "ANOTHER_KEY"))
    assert {name for name in before if before[name] != moved[name]} == {"x ~b/m#x", "m ~b/m"}
    assert {name for name in before if before[name] != other_key[name]} == {"m ~a/m", "e ~a/e"}
    assert before == configured(TEXT + "metadata: {notes: another word}\n")
