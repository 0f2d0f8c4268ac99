# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine takes beside weights and cache, in bytes on each GPU.

The constants are measured, on models that judge no estimate (docs/gpus.md says on which).
"""

from __future__ import annotations

from .shapes import Shape

MIB = 1 << 20
GIB = 1 << 30
# What the driver keeps for a process with a context, its kernels and cuBLAS' workspace.
LLAMA_CPP_CONTEXT = 456 * MIB
VLLM_CONTEXT = 0.51 * GIB
VLLM_CONTEXT_OF_RANKS = 1.51 * GIB  # with NCCL
VLLM_OTHER = 0.25 * GIB
VLLM_OTHER_OF_RANKS = 2.1 * GIB
VLLM_GRAPHS = 0.91 * GIB
# Of a sampler, for each word of each sequence: logits in 16 bits, then three copies in 32.
SAMPLER = 2 + 3 * 4
HIDDEN_STATES = 3  # of 16 bits, alive at once


def llama_cpp_compute(shape: Shape, context: int, ubatch: int, flash: bool) -> float:
    """llama.cpp's compute buffer: the largest of what lives at once for a micro-batch, in 32 bits.

    At the end the logits of all words; within a layer the products of queries and keys, which flash
    attention does not keep, the mask, and the feed-forward part. `0.00 MiB` off from published logs
    of Llama-2-7B (4,096 tokens, without) and Qwen2.5-3B (with).
    """
    state = shape.hidden * ubatch * 4
    mask = context * ubatch * (6 if flash else 4)
    logits = shape.vocabulary * ubatch * 4 + state
    scores = 0 if flash else shape.heads * context * ubatch * 4
    attention = scores + mask + 4 * state
    wide = (shape.expert * shape.experts_used + shape.shared) or shape.feed_forward
    return float(max(logits, attention, 3 * wide * ubatch * 4 + mask + 2 * state))


def vllm_activations(shape: Shape, tokens: int, sequences: int, ranks: int) -> float:
    """What vLLM's profile run has at once, in 16 bits: hidden states, and the larger of one layer's
    feed-forward part and the sampler's copies of the logits."""
    wide = shape.feed_forward
    if shape.experts:
        wide = max(shape.expert * shape.experts_used + shape.shared, wide if shape.dense else 0)
    states = HIDDEN_STATES * tokens * shape.hidden * 2
    feed_forward = 3 * tokens * wide / ranks * 2
    return states + max(feed_forward, sequences * shape.vocabulary * SAMPLER)


def vllm_other(ranks: int, eager: bool) -> float:
    """NCCL's buffers, kernels that are loaded, and the graphs of CUDA, but for the context."""
    return (VLLM_OTHER_OF_RANKS if ranks > 1 else VLLM_OTHER) + (0 if eager else VLLM_GRAPHS)
