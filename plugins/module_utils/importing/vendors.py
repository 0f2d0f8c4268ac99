# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From LiteLLM's prefix of a model to a type of provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from ..registry.provider_types import CHAT, COMPLETION, EMBEDDING, PROVIDER_TYPES
from ..routing.litellm_known import MODELS
from ..routing.litellm_providers import PROVIDERS
from .keys import words

COMPATIBLE = "openai_compatible"

# LiteLLM's prefix -> our type, where the two are not called the same.
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "ollama_chat": "ollama",
        "hosted_vllm": "vllm",
        "text-completion-openai": "openai",
        "anthropic_text": "anthropic",
        "azure_text": "azure",
        "vertex_ai_beta": "vertex_ai",
        "oobabooga": "text_generation_webui",
    }
)
# Prefixes that speak OpenAI's API to any address.
_SPEAK_OPENAI = words(
    "custom_openai openai_like aiohttp_openai litellm_proxy llamafile xinference infinity lemonade"
    " docker_model_runner azure_ai databricks custom nvidia_nim"
)
# Vendors that speak OpenAI's API and have no type of their own: address, variable of the key.
_VENDORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "codestral": ("https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
        "dashscope": (
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "DASHSCOPE_API_KEY",
        ),
        "deepinfra": ("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "featherless_ai": ("https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY"),
        "fireworks_ai": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
        "hyperbolic": ("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
        "lambda_ai": ("https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
        "moonshot": ("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "nebius": ("https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
        "novita": ("https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
        "nvidia_nim": ("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
        "sambanova": ("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
        "volcengine": ("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
    }
)
_MODES = MappingProxyType(
    {"text-completion-openai": COMPLETION, "azure_text": COMPLETION, "anthropic_text": COMPLETION}
)
_EMBEDS = re.compile(r"embed|(^|[-/])bge-|(^|[-/])e5-|(^|[-/])gte-", re.IGNORECASE)


@dataclass(frozen=True)
class Vendor:
    """What a prefix stands for: our type ("" if there is none), its address and key's variable."""

    type: str
    base: str = ""
    key_variable: str = ""


def split_model(model: str, given: str = "") -> tuple[str, str]:
    """(prefix, the rest); the prefix is "" where LiteLLM knows none such."""
    if given:
        return given, model.removeprefix(f"{given}/")
    prefix, slash, rest = model.partition("/")
    return (prefix, rest) if slash and prefix in PROVIDERS and rest else ("", model)


def bare_vendor(model: str) -> str:
    """The prefix that LiteLLM takes for a well-known name without one, or ""."""
    if model.startswith(("ft:gpt-", "gpt-image")):
        return "openai"
    return next((vendor for vendor, names in MODELS.items() if model in names), "")


def vendor_of(prefix: str, base: str) -> Vendor:
    """The type of provider behind a prefix and an address ("" if none is given)."""
    name = _TYPES.get(prefix, prefix)
    if name == "openai" and base:
        own = (urlsplit(base).hostname or "").endswith("openai.com") if "://" in base else False
        return Vendor("openai" if own else COMPATIBLE)
    if name in PROVIDER_TYPES and name != "custom":
        return Vendor(name, "", PROVIDER_TYPES[name].key_variable)
    if name in _VENDORS:
        return Vendor(COMPATIBLE, *_VENDORS[name])
    return Vendor(COMPATIBLE if base and prefix in _SPEAK_OPENAI else "")


def mode_of(prefix: str, model: str, given: object) -> str:
    """What the model answers; "" where the registry has no such mode."""
    if isinstance(given, str):
        return given if given in (CHAT, COMPLETION, EMBEDDING) else ""
    if prefix in _MODES:
        return _MODES[prefix]
    return EMBEDDING if _EMBEDS.search(model) else CHAT
