# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The header of a GGUF file: what the model is, and how large its tensors are.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only the header is read, with
a bound on everything that the file itself claims.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_ENTRIES = 1 << 16  # keys, or tensors
MOST_ITEMS = 1 << 22  # of an array
MOST_TEXT = 1 << 24  # bytes
MOST_DIMENSIONS = 8
_STRING, _ARRAY = 8, 9
_PLAIN = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
          10: "<Q", 11: "<q", 12: "<d"}  # fmt: skip
# Type of a tensor -> (elements of a block, bytes of a block), from ggml.c's type traits.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
EMBEDDING, HEAD = "token_embd.weight", "output.weight"


class GgufError(ValueError):
    """The file is no GGUF, or damaged; the message says so in a sentence."""


def read_gguf(path: Path) -> dict[str, Any]:
    """{metadata, vocabulary, tensor_bytes, embedding_bytes, has_head}, JSON-ready.

    `metadata`: the plain values of the header, by key; lists of numbers stay if they are short, of
    others only the length is kept, as `KEY.length`. `tensor_bytes`: of all tensors of this file, 0
    if a type is unknown; `embedding_bytes`: of the table of token embeddings.
    """
    try:
        with path.open("rb") as file:
            return _Header(file, path).read()
    except OSError as error:
        raise GgufError(f"{path} cannot be read: {error.strerror or error}") from None


class _Header:
    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.size = path.stat().st_size

    def read(self) -> dict[str, Any]:
        if self.take(4) != MAGIC:
            raise GgufError(f"{self.path} is no GGUF file: it does not begin with 'GGUF'")
        version = self.number("<I")
        if version not in VERSIONS:
            raise GgufError(f"{self.path} is GGUF version {version}; known are 2 and 3")
        tensors, keys = self.count(MOST_ENTRIES, "tensors"), self.count(MOST_ENTRIES, "keys")
        metadata: dict[str, Any] = {}
        for _each in range(keys):
            key = self.text()
            self.value(key, metadata)
        sizes = dict([self.tensor() for _each in range(tensors)])
        whole = [size for size in sizes.values() if size is not None]
        return {
            "metadata": metadata,
            "vocabulary": metadata.get("tokenizer.ggml.tokens.length", 0),
            "tensor_bytes": sum(whole) if len(whole) == len(sizes) else 0,
            "embedding_bytes": sizes.get(EMBEDDING) or 0,
            "has_head": HEAD in sizes,
        }

    def take(self, count: int) -> bytes:
        if count > self.size - self.file.tell():
            raise GgufError(f"{self.path} is damaged or cut short: its header goes beyond its end")
        return self.file.read(count)

    def number(self, form: str) -> Any:  # noqa: ANN401 - as struct has it
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, most: int, what: str) -> int:
        found = int(self.number("<Q"))
        if found > most:
            raise GgufError(f"{self.path} is damaged: it claims to have {found} {what}")
        return found

    def text(self) -> str:
        return self.take(self.count(MOST_TEXT, "bytes in a text")).decode("utf-8", "replace")

    def value(self, key: str, into: dict[str, Any]) -> None:
        kind = self.number("<I")
        if kind == _STRING:
            into[key] = self.text()[:200]
        elif kind == _ARRAY:
            self.array(key, into)
        elif kind in _PLAIN:
            found = self.number(_PLAIN[kind])
            into[key] = found if not isinstance(found, float) or math.isfinite(found) else None
        else:
            raise GgufError(f"{self.path} is damaged: its key {key} has the unknown type {kind}")

    def array(self, key: str, into: dict[str, Any]) -> None:
        kind, count = self.number("<I"), self.count(MOST_ITEMS, f"items in {key}")
        into[f"{key}.length"] = count
        if kind == _STRING:
            for _each in range(count):
                self.skip(self.count(MOST_TEXT, "bytes in a text"))
        elif kind not in _PLAIN:
            raise GgufError(f"{self.path} is damaged: {key} is a list of the unknown type {kind}")
        elif count <= 1024:
            into[key] = [self.number(_PLAIN[kind]) for _each in range(count)]
        else:
            self.skip(count * struct.calcsize(_PLAIN[kind]))

    def skip(self, count: int) -> None:
        if count > self.size - self.file.tell():
            raise GgufError(f"{self.path} is damaged or cut short: its header goes beyond its end")
        self.file.seek(count, 1)

    def tensor(self) -> tuple[str, int | None]:
        """(name, bytes or None if its type is unknown)."""
        name, dimensions = self.text(), self.number("<I")
        if dimensions > MOST_DIMENSIONS:
            raise GgufError(f"{self.path} is damaged: {name} has {dimensions} dimensions")
        elements = math.prod(self.number("<Q") for _each in range(dimensions))
        block = BLOCKS.get(self.number("<I"))
        self.number("<Q")  # where its data begin
        return name, elements // block[0] * block[1] if block else None


def parts_of(path: Path) -> Iterator[Path]:
    """All files of a model that is split as NAME-00001-of-00003.gguf; else the file itself."""
    stem, marked, number = path.stem.rpartition("-of-")
    begin, dash, first = stem.rpartition("-")
    if not (marked and dash and number.isdecimal() and first.isdecimal() and len(number) == 5):
        yield path
        return
    for one in range(1, min(int(number), 999) + 1):
        yield path.with_name(f"{begin}-{one:05d}-of-{number}{path.suffix}")
