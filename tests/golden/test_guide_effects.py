"""Every section and key of the hand procedure, by its name: a registry that has it, requests to
the real proxy, and what is seen of them at the providers. The names are those of
tests/registries/guide.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import compile_registry
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Asker
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe import Proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.questions import Questions
from tools.guide_lab import INVENTORY, Answer, Lab, lab

pytestmark = pytest.mark.litellm

REGISTRY = """\
metadata: {name: the lab, description: of the tests}
providers:
  new_provider:
    type: openai_compatible
    base_url: UP/new_provider/v1
    status: active
    description: What it is for
    features: [GPU acceleration, Web interface]
    models:
      - {name: mistral-7b, size: "7B", context_length: 32768, specialty: instruction_following}
      - {name: both, size: "13B", context_length: 32768, specialty: code}
    default_model: mistral-7b
    health_endpoint: /health
    api_format: openai_compatible
    docs: https://provider.docs.example
    location: ../path/to/provider
  ollama:
    type: ollama
    base_url: UP/ollama
    models:
      - {name: llama3, size: "8B", context_length: 8192, specialty: chat}
      - {name: both, size: "13B", context_length: 8192, specialty: code}
    default_model: llama3
  llama_cpp_python:
    type: llama_cpp_python
    base_url: UP/llama_cpp_python/v1
    models: [{name: small, size: "3B", context_length: 131072, specialty: code}]
  small_models: {type: vllm, base_url: UP/small_models/v1, models: [{name: s, size: "3B"}]}
  middle_models: {type: vllm, base_url: UP/middle_models/v1, models: [s, {name: m, size: "10B"}]}
  large_models: {type: vllm, base_url: UP/large_models/v1, models: [s, m, {name: l, size: "70B"}]}
  last_listed: {type: vllm, base_url: UP/last_listed/v1, models: [l]}
  limited: {type: vllm, base_url: UP/limited/v1, models: [limited-rpm]}
  metered: {type: vllm, base_url: UP/metered/v1, models: [limited-tpm]}
  tried: {type: vllm, base_url: UP/tried/v1, models: [first-tried]}
  anthropic:
    type: anthropic
    base_url: UP/anthropic/v1
    requires_api_key: true
    env_var: ANTHROPIC_API_KEY
    models: [claude-3-opus-20240229]
  openai:
    type: openai
    base_url: UP/openai/v1
    requires_api_key: true
    env_var: OPENAI_API_KEY
    models: [gpt-4]
  custom_provider:
    type: custom
    base_url: UP/custom_provider/v1
    custom_config:
      auth_method: bearer_token
      headers: {Authorization: "Bearer ${CUSTOM_API_KEY}"}
    models: [custom-model]
  header_provider:
    type: custom
    base_url: UP/header_provider/v1
    custom_config: {auth_method: header, headers: {X-API-Key: "${HEADER_KEY}"}}
    models: [header-model]
  on_trial: {type: vllm, base_url: UP/on_trial/v1, status: testing, models: [mistral-7b]}
  batch_box: {type: vllm, base_url: UP/batch_box/v1, models: [both, tagged-only]}
  stopped: {type: vllm, base_url: UP/stopped/v1, status: disabled, models: [never]}
exact_matches:
  assistant:
    provider: new_provider
    backend_model: mistral-7b
    priority: primary
    fallback: ollama
  both: {provider: ollama, backend_model: both, priority: secondary}
aliases: {helper: assistant}
patterns:
  - {pattern: "^new-provider/.*", provider: new_provider, backend_model: both, fallback: ollama}
  - {pattern: "^(sm|tin)all$", provider: llama_cpp_python, fallback: ollama}
capabilities:
  code: {preferred_models: [small, llama3], routing_strategy: direct, fallback: new_provider}
  writing: {preferred_models: [llama3, mistral-7b], routing_strategy: load_balance}
  usage: {preferred_models: [llama3, mistral-7b], routing_strategy: usage_based}
  fast: {preferred_models: [llama3, mistral-7b], routing_strategy: fastest_response}
  idle: {preferred_models: [llama3, mistral-7b], routing_strategy: least_loaded}
  chosen: {preferred_models: [both], provider: new_provider}
  instruction_following: {specialty: instruction_following}
  long_context: {specialty: code, min_context: 100000}
redundant_models:
  popular-model:
    providers:
      - {provider: new_provider, weight: 0.9, model: mistral-7b}
      - {provider: ollama, weight: 0.1, model: llama3}
    fallback: llama_cpp_python
fallback_chains:
  tried_fallback:
    description: When it fails
    chain: [{primary: tried}, {secondary: ollama}, {tertiary: llama_cpp_python}]
    retry_attempts: 3
    retry_delay_ms: 50
  llama3: [small, mistral-7b]
  too_long:
    when: context_window
    chain: [{primary: ollama}, {secondary: llama_cpp_python}]
model_size_routing:
  - {size: "< 8B", provider: small_models}
  - {size: "8B - 13B", provider: large_models}
  - {size: "> 13B", provider: last_listed}
health_checks:
  new_provider:
    endpoint: UP/new_provider/custom/health
    interval_seconds: 30
    timeout_seconds: 10
    retry_attempts: 2
rate_limit_settings:
  enabled: true
  limits: {limited: {rpm: 3}, metered: {tpm: 50}}
routing_rules:
  request_metadata_routing:
    batches: {condition: {tag: batch}, provider: batch_box}
"""
KEYS = {
    "ANTHROPIC_API_KEY": "of-anthropic",
    "OPENAI_API_KEY": "of-openai",
    "CUSTOM_API_KEY": "of-custom",
    "HEADER_KEY": "of-header",
}


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("guide"), REGISTRY, **KEYS) as found:
        yield found


def who(guide: Lab, model: str, times: int) -> Counter[str]:
    return Counter(guide.ask(model).who for _ in range(times))


def within_a_minute(ask: Callable[[], list[Answer]]) -> list[Answer]:
    """Limits are counted by the minute of the clock, so all is asked within one."""
    while time.time() % 60 > 50:
        time.sleep(0.5)
    return ask()


def test_providers_base_url(guide: Lab) -> None:
    assert guide.ask("custom-model").who == "custom_provider"


def test_providers_type(guide: Lab) -> None:
    for model, path in (
        ("mistral-7b", "/new_provider/v1/chat/completions"),
        ("llama3", "/ollama/api/chat"),
        ("claude-3-opus-20240229", "/anthropic/v1/messages"),
    ):
        assert guide.ask(model).status == 200
        assert guide.upstreams.seen[0]["path"] == path


def test_providers_models_name(guide: Lab) -> None:
    assert {"mistral-7b", "llama3", "small", "gpt-4"} <= set(guide.models())
    guide.ask("small")
    assert guide.upstreams.seen[0]["model"] == "small"


def test_status_active(guide: Lab) -> None:
    assert guide.ask("mistral-7b").who == "new_provider"


def test_status_testing(guide: Lab) -> None:
    assert who(guide, "mistral-7b", 5) == {"new_provider": 5}
    assert guide.ask("testing/mistral-7b").who == "on_trial"


def test_status_disabled(guide: Lab) -> None:
    assert guide.ask("never").status == 400
    assert guide.upstreams.asked == []


@pytest.mark.parametrize(
    ("model", "header", "value"),
    [
        ("gpt-4", "authorization", "Bearer of-openai"),
        ("claude-3-opus-20240229", "x-api-key", "of-anthropic"),
    ],
)
def test_requires_api_key_env_var(guide: Lab, model: str, header: str, value: str) -> None:
    guide.ask(model)
    assert guide.upstreams.seen[0]["headers"][header] == value


def test_no_key_is_sent_where_none_is_declared(guide: Lab) -> None:
    guide.ask("mistral-7b")
    assert "of-openai" not in str(guide.upstreams.seen[0]["headers"])


def test_custom_config_auth_method(guide: Lab) -> None:
    guide.ask("custom-model")
    assert guide.upstreams.seen[0]["headers"]["authorization"] == "Bearer of-custom"


def test_custom_config_headers(guide: Lab) -> None:
    guide.ask("header-model")
    assert guide.upstreams.seen[0]["headers"]["x-api-key"] == "of-header"


def test_exact_matches_provider(guide: Lab) -> None:
    assert guide.ask("assistant").who == "new_provider"
    assert guide.upstreams.seen[0]["model"] == "mistral-7b"


def test_exact_matches_priority(guide: Lab) -> None:
    assert guide.ask("both").who == "new_provider"
    with guide.down("new_provider"):
        assert guide.ask("both").who == "ollama"


def test_exact_matches_fallback(guide: Lab) -> None:
    with guide.down("new_provider"):
        assert guide.ask("assistant").who == "ollama"
    assert guide.upstreams.asked == ["new_provider", "ollama"]


def test_aliases(guide: Lab) -> None:
    assert guide.ask("helper").who == "new_provider"
    with guide.down("new_provider"):
        assert guide.ask("helper").who == "ollama"


def test_patterns_pattern(guide: Lab) -> None:
    assert guide.ask("new-provider/whatever").who == "new_provider"
    assert guide.upstreams.seen[0]["model"] == "both"
    assert guide.ask("New-Provider/whatever").status == 400


def test_patterns_pattern_that_is_no_prefix(guide: Lab) -> None:
    assert guide.ask("small").who == "llama_cpp_python"
    with guide.down("llama_cpp_python"):
        assert guide.ask("small").who == "ollama"


def test_patterns_fallback(guide: Lab) -> None:
    with guide.down("new_provider"):
        assert guide.ask("new-provider/whatever").who == "ollama"


def test_capabilities_preferred_models(guide: Lab) -> None:
    assert {"code", "writing"} <= set(guide.models())
    assert set(who(guide, "writing", 30)) == {"ollama", "new_provider"}


def test_capabilities_provider(guide: Lab) -> None:
    assert who(guide, "chosen", 5) == {"new_provider": 5}
    assert guide.upstreams.seen[0]["model"] == "both"


def test_capabilities_specialty(guide: Lab) -> None:
    assert guide.ask("instruction_following").who == "new_provider"


def test_capabilities_min_context(guide: Lab) -> None:
    assert who(guide, "long_context", 5) == {"llama_cpp_python": 5}


def test_capabilities_routing_strategy_direct(guide: Lab) -> None:
    assert who(guide, "code", 5) == {"llama_cpp_python": 5}
    with guide.down("llama_cpp_python"):
        assert guide.ask("code").who == "ollama"


@pytest.mark.parametrize("name", ["writing", "usage", "fast", "idle"])
def test_capabilities_routing_strategy(guide: Lab, name: str) -> None:
    members = {"ollama", "new_provider"}
    assert set(who(guide, name, 4)) <= members
    for one in members:
        with guide.down(one):
            assert {guide.ask(name).who} == members - {one}


def test_capabilities_fallback(guide: Lab) -> None:
    with guide.down("llama_cpp_python", "ollama"):
        assert guide.ask("code").who == "new_provider"


def test_redundant_models_weight(guide: Lab) -> None:
    count = who(guide, "popular-model", 100)
    assert set(count) <= {"new_provider", "ollama"}
    assert count["new_provider"] >= 70  # 90 expected, p < 1e-8 below


def test_redundant_models_providers(guide: Lab) -> None:
    with guide.down("new_provider"):
        assert who(guide, "popular-model", 3) == {"ollama": 3}


def test_redundant_models_fallback(guide: Lab) -> None:
    with guide.down("new_provider", "ollama"):
        assert guide.ask("popular-model").who == "llama_cpp_python"


def test_fallback_chains_chain(guide: Lab) -> None:
    with guide.down("tried", "ollama"):
        assert guide.ask("first-tried").who == "llama_cpp_python"


def test_fallback_chains_of_names(guide: Lab) -> None:
    with guide.down("ollama"):
        assert guide.ask("llama3").who == "llama_cpp_python"
    with guide.down("ollama", "llama_cpp_python"):
        assert guide.ask("llama3").who == "new_provider"


def test_fallback_chains_retry_attempts(guide: Lab) -> None:
    with guide.down("tried"):
        assert guide.ask("first-tried").who == "ollama"
    assert guide.upstreams.asked == ["tried"] * 4 + ["ollama"]


def test_fallback_chains_retry_delay_ms(guide: Lab) -> None:
    assert guide.compiled.environment["INITIAL_RETRY_DELAY"] == "0.05"
    with guide.down("tried"):
        before = time.monotonic()
        assert guide.ask("first-tried").who == "ollama"
    assert 0.15 <= time.monotonic() - before < 1.5  # LiteLLM's own: at least 0.5 + 1 + 2 s


def test_fallback_chains_when_context_window(guide: Lab) -> None:
    with guide.down("ollama", how="long"):
        assert guide.ask("llama3").who == "llama_cpp_python"


@pytest.mark.parametrize(
    ("model", "first", "then"),
    [
        ("s", "small_models", "middle_models"),
        ("m", "large_models", "middle_models"),
        ("l", "last_listed", "large_models"),
    ],
)
def test_model_size_routing_size(guide: Lab, model: str, first: str, then: str) -> None:
    assert guide.ask(model).who == first
    with guide.down(first):
        assert guide.ask(model).who == then


def test_rate_limit_settings_rpm(guide: Lab) -> None:
    found = within_a_minute(lambda: [guide.ask("limited-rpm") for _ in range(5)])
    assert [one.status for one in found] == [200, 200, 200, 429, 429]


def test_rate_limit_settings_tpm(guide: Lab) -> None:
    found = within_a_minute(lambda: [guide.ask("limited-tpm") for _ in range(8)])
    assert [one.status for one in found][:2] == [200, 200]  # 20 tokens each, counted afterwards
    assert found[-1].status == 429


def test_request_metadata_routing_tag(guide: Lab) -> None:
    assert guide.ask("both").who == "new_provider"
    assert guide.ask("both", x_litellm_tags="batch").who == "batch_box"


def proven_health(guide: Lab) -> dict[str, bool]:
    """Provider -> whether the proof found it well, by asking its endpoint itself."""
    health = [row for row in guide.compiled.probes["health"] if row["provider"] == "new_provider"]
    probes = {**guide.compiled.probes, "models": [], "completions": [], "fallbacks": [],
              "deployments": [], "wildcards": [], "health": health}  # fmt: skip
    guide.upstreams.seen.clear()
    checks = Proof(Asker(guide.url, {}), Questions(probes=probes, secrets={})).run()
    return {row["check"]: row["ok"] for row in checks}


def test_health_checks_endpoint(guide: Lab) -> None:
    proven_health(guide)
    assert "/new_provider/custom/health" in [one["path"] for one in guide.upstreams.seen]


def test_health_checks_seconds_and_attempts(guide: Lab) -> None:
    (row,) = (one for one in guide.compiled.probes["health"] if one["provider"] == "new_provider")
    assert (row["interval_seconds"], row["timeout_seconds"], row["attempts"]) == (30, 10, 3)


def test_rate_limit_settings_enabled(tmp_path: Path) -> None:
    off = REGISTRY.replace("enabled: true", "enabled: false")
    assert "'rpm': " in str(config_of(tmp_path, REGISTRY))
    assert "'rpm'" not in str(config_of(tmp_path, off))


@pytest.mark.parametrize(
    "key", ["description", "features", "api_format", "docs", "location", "metadata"]
)
def test_what_only_describes_changes_no_request(key: str, tmp_path: Path) -> None:
    tree = yaml.safe_load(REGISTRY)
    assert key in str(tree)
    text = yaml.safe_dump(without(tree, key), sort_keys=False)
    assert config_of(tmp_path, text) == config_of(tmp_path, REGISTRY)


def without(node: object, key: str) -> object:
    if isinstance(node, dict):
        return {name: without(value, key) for name, value in node.items() if name != key}
    return [without(one, key) for one in node] if isinstance(node, list) else node


def config_of(directory: Path, text: str) -> object:
    (directory / "lab.yaml").write_text(text.replace("UP", "http://up"))
    found = compile_registry(str(directory), INVENTORY)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    return found.gateway_config
