# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a model's weights take, in bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from .bits import Bits
from .shapes import Shape


class Weights(NamedTuple):
    """How many there are of each kind."""

    words: int
    attention: int
    feed_forward: int

    @property
    def all(self) -> int:
        return self.words + self.attention + self.feed_forward


def count(shape: Shape) -> Weights:
    """Norms and biases, less than a thousandth, are left out."""
    tables = 1 if shape.tied else 2
    return Weights(
        shape.vocabulary * shape.hidden * tables,
        shape.layers * _attention(shape),
        _feed_forward(shape),
    )


def _attention(shape: Shape) -> int:
    """Of a layer: queries, keys, values and the way back; with MLA through their latent forms
    (https://arxiv.org/abs/2405.04434, section 2.1)."""
    out = shape.heads * (shape.head_value or shape.head) * shape.hidden
    if not shape.latent:
        return (
            out
            + shape.hidden * shape.head * (shape.heads + shape.heads_kv)
            + (shape.hidden * shape.heads_kv * (shape.head_value or shape.head))
        )
    query = shape.query_latent * (shape.hidden + shape.heads * shape.head)
    plain = shape.hidden * shape.heads * shape.head
    inner = shape.heads * (shape.head - shape.rope + shape.head_value)
    return (
        (query or plain) + shape.hidden * (shape.latent + shape.rope) + shape.latent * inner + out
    )


def _feed_forward(shape: Shape) -> int:
    plain = shape.matrices * shape.hidden * shape.feed_forward
    if not shape.experts:
        return shape.layers * plain
    wide = shape.experts * shape.expert + shape.shared
    each = shape.matrices * shape.hidden * wide + shape.hidden * shape.experts
    return shape.dense * plain + (shape.layers - shape.dense) * each


def of_shape(shape: Shape, bits: Bits) -> float:
    """Bytes."""
    if bits.padded:
        shape = replace(shape, hidden=_padded(shape.hidden, 256), expert=_padded(shape.expert, 128))
    many = count(shape)
    total = many.words * bits.words + many.attention * bits.attention
    return (total + many.feed_forward * bits.layers) / 8


def _padded(size: int, to: int) -> int:
    return -(-size // to) * to


def of_parameters(parameters: float, bits: Bits) -> float:
    """Bytes of a model of which nothing but the number of its parameters is known. Where the tables
    of words stay wide, they are taken for 128,000 words by the width of a model of that size."""
    if bits.whole:
        return parameters * bits.layers / 8
    words = min(2 * 128_000 * _width(parameters), parameters / 3)
    return (words * bits.words + (parameters - words) * bits.layers) / 8


def _width(parameters: float) -> float:
    """Dense models have about 12 x layers x width² parameters, and layers = width / 128."""
    return float((parameters * 128 / 12) ** (1 / 3))
