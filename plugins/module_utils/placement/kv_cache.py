# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory the cache of keys and values takes, in bytes."""

from __future__ import annotations

from typing import NamedTuple

from .shapes import Shape

PAD = 256  # cells of llama.cpp


class Types(NamedTuple):
    """Bits of an element, of keys and of values."""

    keys: float = 16.0
    values: float = 16.0


def of_token(shape: Shape, types: Types, ranks: int = 1) -> tuple[float, float]:
    """(bytes a token in a layer on one of `ranks` GPUs with tensor parallelism, of them those that
    are not keys).

    With GQA the heads of keys and values are few; they are shared out among the ranks, but each has
    one at least. MLA keeps one compressed row for all heads, which each rank holds.
    """
    if shape.latent:
        return (shape.latent + shape.rope) * types.keys / 8, 0.0
    heads = max(1, -(-shape.heads_kv // ranks))
    values = heads * (shape.head_value or shape.head) * types.values / 8
    return heads * shape.head * types.keys / 8 + values, values


def llama_cpp(shape: Shape, types: Types, context: int, sequences: int, ubatch: int) -> float:
    """Bytes, all sequences together: llama-server shares `context` among them. Layers with a window
    keep the window of each sequence and one micro-batch (src/llama-kv-cache-iswa.cpp)."""
    cells = _padded(context)
    each = of_token(shape, types)[0]
    if not shape.window:
        return shape.layers * cells * each
    few = min(cells, _padded(shape.window * sequences + ubatch))
    return (shape.full * cells + (shape.layers - shape.full) * few) * each


def vllm(shape: Shape, types: Types, tokens: float, ranks: int = 1) -> float:
    """Bytes on one GPU for so many tokens. Layers with a window are taken as the others: vLLM gives
    all of a model pages of one size, so that a window saves less than it could."""
    return shape.layers * tokens * of_token(shape, types, ranks)[0]


def _padded(cells: int) -> int:
    return -(-cells // PAD) * PAD
