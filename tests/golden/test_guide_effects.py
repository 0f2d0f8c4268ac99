"""Every section and key of the hand procedure, by its name: a registry that has it, requests to
the real proxy, and what is seen of them at the providers. The names are those of
tests/registries/guide; test_guide_effects_rules.py has the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tools.guide_lab import Lab, guide_lab, who

pytestmark = pytest.mark.litellm


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with guide_lab(tmp_path_factory.mktemp("guide")) as found:
        yield found


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
