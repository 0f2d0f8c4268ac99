"""Writes GGUF headers, for tests: what llama.cpp's own writer would write, without the data."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

TYPES = {"F32": 0, "F16": 1, "Q4_K": 12, "Q6_K": 14, "Q8_0": 8}


def write_gguf(
    path: Path,
    metadata: dict[str, Any],
    tensors: list[tuple[str, list[int], str]],
    version: int = 3,
) -> Path:
    """`tensors`: (name, dimensions, type)."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(metadata))]
    for key, value in metadata.items():
        parts += [_text(key), _value(value)]
    for name, dimensions, kind in tensors:
        parts += [_text(name), struct.pack("<I", len(dimensions))]
        parts += [struct.pack("<Q", size) for size in dimensions]
        parts += [struct.pack("<IQ", TYPES[kind], 0)]
    path.write_bytes(b"".join(parts))
    return path


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    texts = bool(value) and isinstance(value[0], str)
    head = struct.pack("<IIQ", 9, 8 if texts else 5, len(value))
    return head + b"".join(_text(one) if texts else struct.pack("<i", one) for one in value)


LLAMA = {
    "general.architecture": "llama",
    "general.file_type": 15,
    "llama.block_count": 2,
    "llama.context_length": 8192,
    "llama.embedding_length": 512,
    "llama.feed_forward_length": 1024,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "llama.rope.freq_base": 10000.0,
    "tokenizer.ggml.tokens": [f"word{number}" for number in range(2000)],
    "tokenizer.ggml.scores": list(range(2000)),
}
LLAMA_TENSORS = [
    ("token_embd.weight", [512, 2000], "Q4_K"),
    ("blk.0.ffn_up.weight", [512, 1024], "Q4_K"),
    ("output_norm.weight", [512], "F32"),
    ("output.weight", [512, 2000], "Q6_K"),
]
