"""The guide's own snippets as a registry: each is compiled, or its reader told what to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils import compile as compiler
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import ERROR

SNIPPETS = Path(__file__).parents[1] / "registries" / "guide"
INVENTORY = compiler.Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1"})

# file -> line, code, words that tell what to write instead; nothing: it is compiled as it stands
SAYS: dict[str, list[tuple[int, str, str]]] = {
    "01-new-provider": [
        (5, "unknown-provider-type", "openai_compatible"),
        (6, "bad-url", "the real host and port, such as 192.168.1.100:8080"),
    ],
    "02-text-gen-webui": [],
    "03-routing-rules": [
        (6, "unknown-fallback", "existing_provider"),
    ],
    "04-text-gen-webui-routing": [
        (5, "unknown-fallback", "one of"),  # the guide's `ollama` stands in none of its snippets
    ],
    "05-litellm": [
        (1, "litellm-section", "Declare each model under its provider"),
        (15, "litellm-section", "Fallbacks stand at `exact_matches.<name>.fallback`"),
    ],
    "06-text-gen-webui-litellm": [
        (14, "duplicate-key", "05-litellm.yaml:16:3"),
        (19, "duplicate-key", "05-litellm.yaml:21:3"),
    ],
    "07-openai-compatible": [
        (1, "provider-outside-section", "'providers:' in a line above it"),
        (3, "bad-url", "the real host and port"),
    ],
    "08-anthropic": [(1, "provider-outside-section", "'anthropic:' indented below")],
    "09-openai": [(1, "provider-outside-section", "'openai:' indented below")],
    "10-custom": [
        (1, "provider-outside-section", "'custom_provider:' indented below"),
        (3, "bad-url", "the real host and port"),
    ],
    "11-load-balancing": [(7, "unknown-provider", "Did you mean 'new_provider'?")],
    "12-fallback-chain": [],
    "13-health-check": [(3, "bad-url", "the real host and port")],
    "14-rate-limit": [],
    "15-scenario-openai": [
        (3, "duplicate-key", "09-openai.yaml:2:3"),
        (4, "duplicate-key", "09-openai.yaml:3:3"),
        (6, "duplicate-key", "09-openai.yaml:4:3"),
        (7, "duplicate-key", "09-openai.yaml:5:3"),
        (24, "yaml-syntax", "only the variable's name, at the provider: `env_var: NAME`"),
    ],
    "16-scenario-gpu-server": [
        (2, "provider-outside-section", "'local_gpu_server:' indented below"),
    ],
    "17-scenario-sizes": [],
}
# What depends on how much is known of a file that cannot be read to its end.
FOLLOWS = {"unknown-provider", "unknown-fallback"}


@pytest.fixture(scope="module")
def errors() -> dict[str, list[compiler.Problem]]:
    found: dict[str, list[compiler.Problem]] = {path.stem: [] for path in SNIPPETS.iterdir()}
    for problem in compiler.compile_registry(str(SNIPPETS), INVENTORY).problems:
        if problem.severity == ERROR:
            found[Path(problem.place.file).stem].append(problem)
    return found


def test_all_snippets_are_judged() -> None:
    assert sorted(SAYS) == sorted(path.stem for path in SNIPPETS.iterdir())


@pytest.mark.parametrize("name", sorted(SAYS))
def test_a_snippet_is_compiled_or_refused_with_advice(name: str, errors) -> None:
    found = {(problem.place.line, problem.code): str(problem) for problem in errors[name]}
    for line, code, words in SAYS[name]:
        if code not in FOLLOWS or (line, code) in found:
            assert words in found[line, code]
    said = {(line, code) for line, code, _ in SAYS[name]}
    assert {key for key in found if key[1] not in FOLLOWS} <= said


@pytest.mark.parametrize("name", sorted(SAYS))
def test_a_snippet_alone_is_told_what_to_write(name: str, tmp_path: Path) -> None:
    """One by one, as somebody pastes them; nothing raises, and no error is without advice."""
    (tmp_path / "pasted.yaml").write_text((SNIPPETS / f"{name}.yaml").read_text())
    for problem in compiler.compile_registry(str(tmp_path), INVENTORY).problems:
        assert problem.expected or problem.suggestion, problem
        assert not re.search("Zx81|sk-", str(problem))


def test_a_snippet_with_real_values_is_compiled(tmp_path: Path) -> None:
    """What the reports ask for is enough: every provider of the guide, put right, compiles."""
    existing = "{type: ollama, base_url: http://10.0.0.9:11434, models: [m]}"
    text = f"providers:\n  existing_provider: {existing}\n"
    for name in (
        "01-new-provider",
        "07-openai-compatible",
        "08-anthropic",
        "09-openai",
        "10-custom",
    ):
        body = (SNIPPETS / f"{name}.yaml").read_text().removeprefix("providers:\n")
        indent = "" if name.startswith("01") else "  "
        text += "".join(f"{indent}{line}\n" for line in body.splitlines())
    text = re.sub(r"(custom-)?host:port", "10.0.0.8:8000", text).replace("provider_type", "vllm")
    (tmp_path / "providers.yaml").write_text(text)
    (tmp_path / "shares.yaml").write_text((SNIPPETS / "11-load-balancing.yaml").read_text())
    (tmp_path / "limits.yaml").write_text((SNIPPETS / "14-rate-limit.yaml").read_text())
    result = compiler.compile_registry(str(tmp_path), INVENTORY)
    assert [problem for problem in result.problems if problem.severity == ERROR] == []
    assert result.gateway_config
