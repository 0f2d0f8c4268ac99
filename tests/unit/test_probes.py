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
  a: {endpoint: /ready, timeout_seconds: 2.5, retry_attempts: 5}
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
        "host": "", "url": "http://a:8000/ready", "timeout_seconds": 2.5, "attempts": 6,
        "key_variable": "A_KEY",
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
