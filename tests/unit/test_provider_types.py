"""One row a type: prefixes, bases and keys, as LiteLLM was seen to want them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.addresses import api_base
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import (
    MODES,
    PROVIDER_TYPES,
    on_the_wire,
)

SCHEMAS = Path(__file__).parents[2] / "schemas"
PROVIDER = json.loads((SCHEMAS / "providers.schema.json").read_text())["additionalProperties"]

# type: chat prefix, embedding prefix, base that http://h:1 becomes, usual key
ROWS = [
    ("ollama", "ollama_chat/", "ollama/", "http://h:1", ""),
    ("vllm", "hosted_vllm/", "hosted_vllm/", "http://h:1/v1", ""),
    ("llama_cpp", "openai/", "openai/", "http://h:1/v1", ""),
    ("llama_cpp_python", "openai/", "openai/", "http://h:1/v1", ""),
    ("sglang", "openai/", "openai/", "http://h:1/v1", ""),
    ("tgi", "openai/", "openai/", "http://h:1/v1", ""),
    ("lm_studio", "lm_studio/", "openai/", "http://h:1/v1", ""),
    ("text_generation_webui", "openai/", "openai/", "http://h:1/v1", ""),
    ("localai", "openai/", "openai/", "http://h:1/v1", ""),
    ("llama_swap", "openai/", "openai/", "http://h:1/v1", ""),
    ("openai_compatible", "openai/", "openai/", "http://h:1/v1", ""),
    ("custom", "openai/", "openai/", "http://h:1/v1", ""),
    ("openai", "openai/", "openai/", "http://h:1/v1", "OPENAI_API_KEY"),
    ("anthropic", "anthropic/", None, "http://h:1", "ANTHROPIC_API_KEY"),
    ("azure", "azure/", "azure/", "http://h:1", "AZURE_API_KEY"),
    ("gemini", "gemini/", "gemini/", "http://h:1", "GEMINI_API_KEY"),
    ("groq", "groq/", None, "http://h:1/v1", "GROQ_API_KEY"),
    ("mistral", "mistral/", "mistral/", "http://h:1/v1", "MISTRAL_API_KEY"),
    ("openrouter", "openrouter/", "openrouter/", "http://h:1/v1", "OPENROUTER_API_KEY"),
    ("xai", "xai/", None, "http://h:1/v1", "XAI_API_KEY"),
    ("deepseek", "deepseek/", None, "http://h:1", "DEEPSEEK_API_KEY"),
    ("together_ai", "together_ai/", "together_ai/", "http://h:1/v1", "TOGETHER_API_KEY"),
    ("bedrock", "bedrock/", "bedrock/", "http://h:1", ""),
    ("vertex_ai", "vertex_ai/", "vertex_ai/", "http://h:1", ""),
]


@pytest.mark.parametrize(("name", "chat", "embedding", "base", "key"), ROWS)
def test_a_type_has_its_prefixes_its_base_and_its_key(
    name: str, chat: str, embedding: str | None, base: str, key: str
) -> None:
    row = PROVIDER_TYPES[name]
    assert row.prefixes["chat"] == chat
    assert row.prefixes.get("embedding") == embedding
    assert api_base("http://h:1", row.base) == base
    assert row.key_variable == key


def test_the_rows_are_what_the_schema_admits() -> None:
    keys = PROVIDER["properties"]
    assert set(PROVIDER_TYPES) == set(keys["type"]["enum"]) == {row[0] for row in ROWS}
    formats = {one for row in PROVIDER_TYPES.values() for one in row.api_formats}
    assert formats == set(keys["api_format"]["enum"])
    modes = keys["models"]["items"]["properties"]["mode"]["enum"]
    assert set(modes) == set(MODES)


@pytest.mark.parametrize("row", PROVIDER_TYPES.values(), ids=list(PROVIDER_TYPES))
def test_a_row_makes_sense(row) -> None:
    assert set(row.prefixes) <= set(MODES)
    assert all(prefix.endswith("/") for prefix in row.prefixes.values())
    assert not (row.default_base and row.own_base)
    if row.default_base:
        assert api_base(row.default_base, row.base) == row.default_base
    assert not (row.key_variable and row.parameters)


def test_a_custom_provider_speaks_like_a_vendor_and_is_none() -> None:
    row = on_the_wire("custom", "anthropic")
    assert row.prefixes["chat"] == "anthropic/"
    assert (row.default_base, row.key_variable) == ("", "")
    assert row.needs_base
    assert on_the_wire("custom", "openai_compatible") == PROVIDER_TYPES["custom"]
