"""The examples of docs/routing.md compile, and become what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.M | re.S)


def leads_to(directory: Path, text: str) -> dict[str, list[str]]:
    (directory / "lab.yaml").write_text(text)
    found = compile_registry(str(directory), Inventory())
    assert not has_errors(found.problems)
    return {
        name: [
            *(target.id for target in route.targets),
            *(one.called for fallback in route.fallbacks for one in fallback.deployments),
            *(fallback.name for fallback in route.fallbacks if not fallback.deployments),
        ]
        for name, route in found.routes.routes.items()
    }


def test_the_first_example_is_what_its_text_says(tmp_path: Path) -> None:
    assert leads_to(tmp_path, EXAMPLES[0]) == {
        "assistant": ["~gpu/qwen3#assistant", "~spare/llama3.1", "gpt-4o-mini"],
        "chat": ["~gpu/llama3.1#chat", "~spare/llama3.1#chat", "~cloud/gpt-4o-mini"],
        "llama3.1": ["~gpu/llama3.1", "~spare/llama3.1"],
        "qwen3": ["~gpu/qwen3"],
        "gpt-4o-mini": ["~cloud/gpt-4o-mini"],
    }


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_compiles(text: str, tmp_path: Path) -> None:
    assert leads_to(tmp_path, text)


def test_every_setting_that_is_rendered_stands_on_the_page() -> None:
    steps = Path(__file__).parents[2] / "plugins" / "module_utils" / "routing" / "lowering"
    source = "".join(path.read_text() for path in sorted(steps.glob("*.py")))
    settings = re.findall(r'settings\["([a-z_]+)"\] = ', source)
    assert settings
    missing = [name for name in settings if name not in PAGE and name != "fallbacks"]
    assert not missing


# part of an example -> name, who answers in turn
SAYS = {
    "new-provider/": {
        "gpt-4*": ["~cloud/gpt-4*", "~spare/llama3#gpt-4*"],
        "gpt-*": ["~local/qwen3#gpt-*", "~spare/llama3#gpt-*"],
        "new-provider/*": [
            "~new_provider/*#new-provider/*", "~local/qwen3#new-provider/*",
            "~spare/llama3#new-provider/*",
        ],
        "llama3": ["~spare/llama3", "~local/llama3"],
        "qwen3": ["~local/qwen3"],
    },
    "capabilities:": {
        "code": ["~gpu/coder#code", "~spare/coder#code", "~cloud/gpt-4o-mini"],
        "talk": ["~gpu/writer#talk", "~cloud/gpt-4o-mini#talk"],
        "long": ["~gpu/coder#long", "gpt-4o-mini"],
    },
    "model_size_routing:": {
        "llama3": ["~box/llama3", "~gpu/llama3"],
        "mixtral": ["~gpu/mixtral", "~box/mixtral"],
    },
    "default_provider:": {"*": ["~local/llama3#*"]},
}  # fmt: skip


@pytest.mark.parametrize("part", SAYS)
def test_an_example_is_what_its_text_says(part: str, tmp_path: Path) -> None:
    example = next(text for text in EXAMPLES if part in text)
    found = leads_to(tmp_path, example)
    for name, expected in SAYS[part].items():
        assert list(dict.fromkeys(found[name]))[: len(expected)] == expected
