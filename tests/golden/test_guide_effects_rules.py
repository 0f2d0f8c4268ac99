"""The rules of the hand procedure that hold for names of others, as in test_guide_effects.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import compile_registry
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Asker
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe import Proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.questions import Questions
from tools.guide_lab import INVENTORY, REGISTRY, Answer, Lab, guide_lab, who

pytestmark = pytest.mark.litellm


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with guide_lab(tmp_path_factory.mktemp("guide")) as found:
        yield found


def within_a_minute(ask: Callable[[], list[Answer]]) -> list[Answer]:
    """Limits are counted by the minute of the clock, so all is asked within one."""
    while time.time() % 60 > 50:
        time.sleep(0.5)
    return ask()


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
    guide.upstreams.looked.clear()
    checks = Proof(Asker(guide.url, {}), Questions(probes=probes, secrets={})).run()
    return {row["check"]: row["ok"] for row in checks}


def test_health_checks_endpoint(guide: Lab) -> None:
    proven_health(guide)
    assert "/new_provider/custom/health" in guide.upstreams.looked


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
