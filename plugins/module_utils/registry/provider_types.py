# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provider types: one row each. A new type is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

CHAT = "chat"
COMPLETION = "completion"
EMBEDDING = "embedding"
MODES = (CHAT, COMPLETION, EMBEDDING)

# The forms that LiteLLM wants of an API's base.
V1 = "v1"  # ends in /v1 (or another version)
ROOT = "root"  # without /v1: LiteLLM adds the path itself
AS_GIVEN = "as given"


@dataclass(frozen=True, slots=True)
class ProviderType:
    """What LiteLLM needs to know about one type of provider.

    `prefixes` gives the LiteLLM prefix by mode; a mode that is missing is one that LiteLLM
    cannot ask this type for. `default_base` is the vendor's public API: rendered where the
    registry gives none, so that no stray variable of the process redirects it; `own_base` says
    that LiteLLM builds the address by itself (from a region, a project) and needs no base at
    all. `key_variable` is the variable that holds the key unless the registry names another;
    a type without one may go without a key. `parameters` are types that sign requests with
    several variables: LiteLLM's parameter -> the usual variable. `bearer` says that its key goes
    out as `Authorization: Bearer`. `unit_stem` begins the names of the units of an engine that we
    can run ourselves. `own_header` is the LiteLLM prefix by which an Authorization
    header of the registry's reaches it; where that is None, LiteLLM puts the key in its place.
    """

    name: str
    prefixes: Mapping[str, str]
    base: str = V1
    default_base: str = ""
    own_base: bool = False
    key_variable: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    port: int = 0
    unit_stem: str = ""
    health_path: str = ""
    api_formats: tuple[str, ...] = ("openai_compatible",)
    bearer: bool = True
    own_header: str | None = ""

    @property
    def needs_base(self) -> bool:
        """Whether the registry must say where it listens."""
        return not (self.default_base or self.own_base)


def _modes(chat: str, completion: str = "", embedding: str = "") -> Mapping[str, str]:
    table = {CHAT: chat, COMPLETION: completion, EMBEDDING: embedding}
    return MappingProxyType({mode: prefix for mode, prefix in table.items() if prefix})


_OPENAI = _modes("openai/", "openai/", "openai/")


def _openai_like(name: str, port: int = 0, health: str = "/health", **more: str) -> ProviderType:
    prefixes = _modes(more.get("chat", "openai/"), "openai/", more.get("embedding", "openai/"))
    own_header, stem = more.get("own_header", ""), more.get("unit_stem", "")
    return ProviderType(
        name, prefixes, port=port, health_path=health, own_header=own_header, unit_stem=stem
    )


def _vendor(name: str, base: str, key: str, embedding: bool = False) -> ProviderType:
    prefix = f"{name}/"
    return ProviderType(
        name,
        _modes(prefix, "", prefix if embedding else ""),
        base=AS_GIVEN if name == "deepseek" else V1,
        default_base=base,
        key_variable=key,
        health_path="/v1/models",
        api_formats=("openai_compatible", name),
        own_header=None,
    )


_ROWS = (
    # Engines that people run themselves.
    ProviderType(
        "ollama",
        _modes("ollama_chat/", "ollama/", "ollama/"),
        base=ROOT,
        port=11434,
        unit_stem="ollama-",
        health_path="/api/version",
        api_formats=("ollama", "openai_compatible"),
    ),
    _openai_like(
        "vllm",
        8000,
        chat="hosted_vllm/",
        embedding="hosted_vllm/",
        own_header="openai/",
        unit_stem="vllm-",
    ),
    _openai_like("llama_cpp", 8080, unit_stem="llama-server-"),
    _openai_like("llama_cpp_python", 8000, "/v1/models"),
    _openai_like("sglang", 30000),
    _openai_like("tgi", 80),
    _openai_like("lm_studio", 1234, "/v1/models", chat="lm_studio/"),
    _openai_like("text_generation_webui", 5000, "/v1/models"),
    _openai_like("localai", 8080, "/v1/models"),
    _openai_like("llama_swap", 8080),
    _openai_like("openai_compatible", 0, "/v1/models"),
    # Anything else: what it speaks is its api_format (see `on_the_wire`).
    ProviderType(
        "custom",
        _OPENAI,
        health_path="/v1/models",
        api_formats=("openai_compatible", "anthropic", "ollama"),
    ),
    # Vendors.
    ProviderType(
        "openai",
        _OPENAI,
        default_base="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        health_path="/v1/models",
        api_formats=("openai_compatible", "openai"),
    ),
    ProviderType(
        "anthropic",
        _modes("anthropic/"),
        base=ROOT,
        default_base="https://api.anthropic.com",
        key_variable="ANTHROPIC_API_KEY",
        api_formats=("anthropic",),
        bearer=False,
    ),
    ProviderType(
        "azure",
        _modes("azure/", "azure_text/", "azure/"),
        base=ROOT,
        key_variable="AZURE_API_KEY",
        api_formats=("azure", "openai_compatible"),
        bearer=False,
    ),
    ProviderType(
        "gemini",
        _modes("gemini/", "", "gemini/"),
        base=AS_GIVEN,
        own_base=True,
        key_variable="GEMINI_API_KEY",
        api_formats=("gemini",),
        bearer=False,
    ),
    _vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    _vendor("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", embedding=True),
    _vendor("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", embedding=True),
    _vendor("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    _vendor("deepseek", "https://api.deepseek.com/beta", "DEEPSEEK_API_KEY"),
    _vendor("together_ai", "https://api.together.ai/v1", "TOGETHER_API_KEY", embedding=True),
    ProviderType(
        "bedrock",
        _modes("bedrock/", "", "bedrock/"),
        base=AS_GIVEN,
        own_base=True,
        parameters=MappingProxyType(
            {
                "aws_access_key_id": "AWS_ACCESS_KEY_ID",
                "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
                "aws_region_name": "AWS_REGION_NAME",
            }
        ),
        api_formats=("bedrock",),
    ),
    ProviderType(
        "vertex_ai",
        _modes("vertex_ai/", "", "vertex_ai/"),
        base=AS_GIVEN,
        own_base=True,
        parameters=MappingProxyType(
            {
                "vertex_project": "VERTEXAI_PROJECT",
                "vertex_location": "VERTEXAI_LOCATION",
            }
        ),
        api_formats=("vertex_ai",),
    ),
)

PROVIDER_TYPES: Mapping[str, ProviderType] = MappingProxyType({row.name: row for row in _ROWS})

# A custom provider is asked in the way of the type that its api_format names.
_CUSTOM_FORMATS = ("anthropic", "ollama")


@cache
def on_the_wire(type_name: str, api_format: str = "") -> ProviderType:
    """The row that says how a provider is spoken to. `type_name` must be a known type."""
    row = PROVIDER_TYPES[type_name]
    if type_name != "custom" or api_format not in _CUSTOM_FORMATS:
        return row
    # It speaks like that type, but neither its address nor its key is that vendor's.
    spoken = PROVIDER_TYPES[api_format]
    return replace(
        spoken, name="custom", default_base="", key_variable="", api_formats=row.api_formats
    )
