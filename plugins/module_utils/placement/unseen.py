# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a model before, or without, a look at its file: by its name and its size.

Where neither file nor configuration is at hand, the sizes of a dense model with that many
parameters are taken: as they are with Llama 3, Qwen 2.5 and Qwen 3. Such an estimate is `assumed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..registry.sizes import parameters
from .shapes import Shape

# Parameters in billions -> layers, width, heads, heads of the cache, head, feed-forward part.
_TYPICAL = (
    (0.2, (30, 576, 9, 3, 64, 1536)),
    (0.8, (28, 1024, 16, 8, 128, 3072)),
    (2.2, (28, 2048, 16, 8, 128, 6144)),
    (5.5, (36, 2560, 32, 8, 128, 9728)),
    (10.0, (36, 4096, 32, 8, 128, 14336)),
    (18.0, (48, 5120, 40, 8, 128, 14336)),
    (28.0, (48, 6144, 48, 8, 128, 16384)),
    (45.0, (64, 5120, 40, 8, 128, 27648)),
    (90.0, (80, 8192, 64, 8, 128, 28672)),
    (1e9, (126, 16384, 128, 8, 128, 53248)),
)
_WORDS = 152_000
_IN_NAME = re.compile(r"(?i)(?<![a-z0-9.])((?:[0-9]+x)?[0-9]+(?:\.[0-9]+)?[bm])(?![a-z0-9])")


def parameters_of(model: Mapping[str, Any]) -> float:
    """By `size`, else by its name, tag or file (`qwen2.5-coder:32b`); 0.0 if nothing tells."""
    source = model.get("source") or {}
    texts = [model.get("size"), model.get("name")]
    texts += [source.get(key) for key in ("ollama", "huggingface", "file", "url", "path", "member")]
    for text in texts:
        found = _IN_NAME.findall(str(text or "").rpartition("/")[2])
        if found:
            return _less_shared(parameters(found[0]), found[0])
    return 0.0


def _less_shared(count: float, text: str) -> float:
    """8x7B have 47 billion, not 56: what is no expert is there once."""
    return count * 0.835 if "x" in text.lower() else count


def typical(count: float) -> Shape:
    """A shape for a dense model with so many parameters."""
    sizes = next(sizes for most, sizes in _TYPICAL if count <= most * 1e9)
    layers, hidden, heads, heads_kv, head, feed_forward = sizes
    return Shape(layers, hidden, heads, heads_kv, head, feed_forward, _WORDS, head_value=head)
