# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a model is made of, as far as its memory goes: from config.json, or from a GGUF's header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a transformer.

    `heads_kv` share the cache (GQA); `latent` and `rope` are MLA's: then the cache holds one
    compressed row of `latent + rope` a token and layer. `full` of the `layers` attend to all, the
    others to the last `window` tokens (0: all attend to everything). `experts` 0: a dense model;
    else `dense` layers have a plain feed-forward part. `matrices` of a feed-forward part: 3 if
    gated, else 2. `context`: tokens that it was trained for, 0 if that is not told.
    """

    layers: int
    hidden: int
    heads: int
    heads_kv: int
    head: int
    feed_forward: int
    vocabulary: int
    tied: bool = False
    head_value: int = 0
    matrices: int = 3
    experts: int = 0
    experts_used: int = 0
    expert: int = 0
    shared: int = 0
    dense: int = 0
    latent: int = 0
    rope: int = 0
    query_latent: int = 0
    window: int = 0
    full: int = 0
    context: int = 0


_NOT_GATED = ("phi", "gpt2", "gpt_neox", "falcon", "opt")


def from_config(config: Config) -> Shape | None:
    """Of Hugging Face's config.json, that of the language part of a model with several; None if it
    lacks what is needed."""
    config = _language_part(config)
    layers = _first(config, "num_hidden_layers", "n_layer")
    hidden = _first(config, "hidden_size", "n_embd")
    heads = _first(config, "num_attention_heads", "n_head")
    vocabulary = _first(config, "vocab_size")
    if not (layers and hidden and heads and vocabulary):
        return None
    latent, rope = _first(config, "kv_lora_rank"), _first(config, "qk_rope_head_dim")
    head = _first(config, "head_dim") or hidden // heads
    window, full = _window(config, layers)
    expert = _first(config, "moe_intermediate_size")
    feed_forward = _first(config, "intermediate_size", "n_inner") or 4 * hidden
    experts = _first(config, "num_local_experts", "n_routed_experts", "num_experts")
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        heads_kv=_first(config, "num_key_value_heads") or heads,
        head=_first(config, "qk_nope_head_dim") + rope if latent else head,
        head_value=_first(config, "v_head_dim") if latent else head,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        tied=_tied(config),
        matrices=2 if config.get("model_type") in _NOT_GATED else 3,
        experts=experts,
        experts_used=_first(config, "num_experts_per_tok", "experts_per_token"),
        expert=(expert or feed_forward) if experts else 0,
        shared=_first(config, "shared_expert_intermediate_size")
        or _first(config, "n_shared_experts") * expert,
        dense=_first(config, "first_k_dense_replace") if experts else 0,
        latent=latent,
        rope=rope,
        query_latent=_first(config, "q_lora_rank"),
        window=window,
        full=full,
        context=_first(config, "max_position_embeddings", "n_positions"),
    )


def _language_part(config: Config) -> Config:
    for inner in ("text_config", "language_config", "llm_config"):
        if isinstance(config.get(inner), Mapping):
            config = {**config, **config[inner]}
    return config


def _tied(config: Config) -> bool:
    """Hugging Face's own default is True, which the families below override in their classes."""
    written = config.get("tie_word_embeddings")
    if isinstance(written, bool):
        return written
    kind = str(config.get("model_type", ""))
    return kind.startswith("gemma") or kind in ("gpt2", "falcon", "opt")


def _window(config: Config, layers: int) -> tuple[int, int]:
    """(the window, how many layers have none)."""
    window = _first(config, "sliding_window")
    if not window or config.get("use_sliding_window") is False:
        return 0, 0
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and kinds:
        full = sum(kind == "full_attention" for kind in kinds)
        return (window, full) if full < layers else (0, 0)
    pattern = _first(config, "sliding_window_pattern")
    if not pattern and config.get("model_type") == "gemma2":
        pattern = 2
    return window, layers // pattern if pattern else 0


def from_gguf(known: Mapping[str, Any]) -> Shape | None:
    """Of what read_gguf says; None if it lacks what is needed."""
    found = known.get("metadata", {})
    kind = str(found.get("general.architecture", ""))
    own = {key.removeprefix(f"{kind}."): value for key, value in found.items()}
    layers, hidden = _first(own, "block_count"), _first(own, "embedding_length")
    heads = _most(own.get("attention.head_count"))
    if not (layers and hidden and heads):
        return None
    latent, rope = _first(own, "attention.kv_lora_rank"), _first(own, "rope.dimension_count")
    head = _first(own, "attention.key_length") or hidden // heads
    window, full = _gguf_window(own, kind, layers)
    experts, expert = _first(own, "expert_count"), _first(own, "expert_feed_forward_length")
    feed_forward = _most(own.get("feed_forward_length"))
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        heads_kv=_most(own.get("attention.head_count_kv")) or heads,
        head=head,
        head_value=_first(own, "attention.value_length") or head,
        feed_forward=feed_forward,
        vocabulary=_first(known, "vocabulary") or _first(own, "vocab_size"),
        tied=not known.get("has_head"),
        experts=experts,
        experts_used=_first(own, "expert_used_count"),
        expert=(expert or feed_forward) if experts else 0,
        shared=_first(own, "expert_shared_count") * expert,
        dense=_first(own, "leading_dense_block_count"),
        latent=latent,
        rope=rope if latent else 0,
        query_latent=_first(own, "attention.q_lora_rank"),
        window=window,
        full=full,
        context=_first(own, "context_length"),
    )


# Every how many layers one attends to everything, where the header does not say it (llama.cpp sets
# it in its code, src/llama-model.cpp).
_EVERY = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "llama4": 4, "cohere2": 4, "olmo2": 4}


def _gguf_window(own: Config, kind: str, layers: int) -> tuple[int, int]:
    window = _first(own, "attention.sliding_window")
    every = own.get("attention.sliding_window_pattern", _EVERY.get(kind, 0))
    if isinstance(every, list) and every:
        return (window, sum(not one for one in every)) if window else (0, 0)
    if not window or not isinstance(every, int) or every < 2:
        return 0, 0
    return window, layers // every


def _first(found: Config, *names: str) -> int:
    """The first that is a number; 0 if none is."""
    for name in names:
        value = found.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0


def _most(value: object) -> int:
    """A number, or the largest of those that layers have each."""
    values = value if isinstance(value, list) else [value]
    numbers = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    return max(numbers, default=0)
