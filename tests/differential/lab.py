"""What has been drawn of a registry, for the constructs that build on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = st.DrawFn
Parts = dict[str, dict[str, Any]]
# name -> what its providers say of it. gpt-4o has a price in LiteLLM, and is openai's there.
MODELS: dict[str, dict[str, Any]] = {
    "llama3.1:8b": {"size": "8B", "context_length": 128000, "specialty": ["chat", "code"]},
    "qwen3": {"size": "32B", "context_length": 32000, "specialty": "code"},
    "tiny": {"size": "270M", "context_length": 4096, "specialty": "chat"},
    "mixtral": {"size": "8x7B", "context_length": 32000, "specialty": "chat"},
    "gpt-4o": {"context_length": 128000, "specialty": ["chat", "vision"]},
    "meta/llama-3": {"size": "70B", "context_length": 8192},
}
HOSTED = ("vllm", "ollama", "openai_compatible", "lm_studio", "openai", "custom")
WEIGHTS = (1, 2, 9, 0.5, 0.05)
STRATEGIES = (
    *("load_balance", "usage_based", "fastest_response", "least_loaded", "lowest_cost"),
    *("direct", "ordered", "priority"),
)
# A prefix, and names that begin with it.
PREFIXES = ("px/", "gpt-", "gpt-4", "lab.", "p1/")
EXPRESSIONS = ("llama", "(qwen|mix)", "[0-9]$", "(?i)^TINY", "^(gpt|tiny)", "o$")


@dataclass(slots=True)
class Lab:
    """What has been drawn so far, for those who draw next."""

    served: dict[str, list[str]] = field(default_factory=dict)  # live provider -> its chat models
    on_trial: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # public names with rules

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(one for models in self.served.values() for one in models))

    @property
    def providers(self) -> list[str]:
        return list(self.served)

    def takes(self, draw: Draw, *more: str) -> str:
        """A public name that has no rule yet."""
        wanted = [*more, "assistant", "fast", "chat", "coder", "gpt-4", "p1/x", "px/known", "Chat"]
        name = draw(st.sampled_from([one for one in wanted if one not in self.names]))
        self.names.append(name)
        return name

    def fallbacks(self, draw: Draw) -> list[str]:
        """Providers and names, none or some."""
        known = [*self.providers, *self.models, *self.names]
        return draw(st.lists(st.sampled_from(known), max_size=2, unique=True))


def with_fallback(rule: dict[str, Any], names: list[str]) -> None:
    """Names it as one or as several; none is no fallback."""
    if names:
        rule["fallback"] = names[0] if len(names) == 1 else names
