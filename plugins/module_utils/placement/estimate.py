# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a service takes on each of its GPUs, with the parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import kv_cache, overhead, unseen, weights
from .bits import Bits, gguf_quantisation, of_file_type, of_gguf, of_vllm
from .settings import DEFAULT_CONTEXT, Settings
from .shapes import Shape, from_config, from_gguf

MIB = overhead.MIB
HOPPER = 70 * 1024  # MiB from which vLLM takes larger batches
FILE, CONFIG, ASSUMED, UNKNOWN = "file", "config", "assumed", "unknown"


@dataclass(frozen=True, slots=True)
class Estimate:
    """MiB on one GPU. `weights`, `kv_cache`, `compute` (buffers, activations, graphs) and `context`
    (driver and kernels) are its parts. `basis` says what it stands on: the model's file, its
    configuration, its size alone (`assumed`), or nothing (`unknown`, and all is 0); `quantisation`
    and `tokens`, of the cache, are what it was made for."""

    weights: float = 0.0
    kv_cache: float = 0.0
    compute: float = 0.0
    context: float = 0.0
    basis: str = UNKNOWN
    quantisation: str = ""
    tokens: int = 0

    @property
    def total(self) -> float:
        return self.weights + self.kv_cache + self.compute + self.context

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, whole MiB."""
        found = {key: round(one) if isinstance(one, float) else one
                 for key, one in asdict(self).items()}  # fmt: skip
        return {**found, "total": round(self.total)}


@dataclass(frozen=True, slots=True)
class Known:
    """A model: its shape and the bytes of its weights that go to the GPU."""

    shape: Shape
    bytes: float
    basis: str
    quantisation: str


def known_model(
    engine: str, model: Mapping[str, Any], found: Mapping[str, Any], options: Mapping[str, Any]
) -> Known | None:
    """By its file (`found`, see model_files.look), else by its configuration, else by its size and
    name; None if nothing is known of it."""
    name = _names(model)
    gguf, config = found.get("gguf"), found.get("config")
    if gguf:
        shape = from_gguf(gguf)
        size = gguf["tensor_bytes"] or found["bytes"]
        if shape and not shape.tied:
            size -= gguf["embedding_bytes"]  # it stays in the memory of the host
        if shape:
            return Known(shape, float(size), FILE, of_file_type(gguf["metadata"]))
    bits = _bits(engine, config, options, name)
    shape = from_config(config) if config else None
    if shape:
        stored = float(found.get("bytes") or 0)
        size = (
            stored if stored and not options.get("quantization") else weights.of_shape(shape, bits)
        )
        return Known(shape, size, FILE if stored else CONFIG, bits.name)
    count = unseen.parameters_of(model)
    if not count:
        return None
    return Known(unseen.typical(count), weights.of_parameters(count, bits), ASSUMED, bits.name)


def _names(model: Mapping[str, Any]) -> str:
    source = model.get("source") or {}
    words = [str(model.get("name", "")), *(str(one) for one in source.values() if one)]
    return " ".join(word.rpartition("/")[2] for word in words)


def _bits(
    engine: str, config: Mapping[str, Any] | None, options: Mapping[str, Any], name: str
) -> Bits:
    if engine == "vllm":
        return of_vllm(config, options, name)
    # Ollama's tags without a quantisation, and most files, are of this one.
    return of_gguf(gguf_quantisation(name) or "Q4_K_M")


def estimate(engine: str, known: Known | None, given: Settings, gpus: int, total: float = 0.0
             ) -> Estimate:  # fmt: skip
    """On each of so many GPUs, of `total` MiB each (0: not known)."""
    if known is None:
        return Estimate()
    if engine == "vllm":
        return _vllm(known, given, total)
    return _llama_cpp(known, given, max(1, gpus), engine == "ollama", total)


def context_of(known: Known, given: Settings, default: int = 0) -> int:
    """Tokens of a sequence: as set, else the engine's default, else as the model was trained."""
    return given.context or default or known.shape.context or DEFAULT_CONTEXT


def _llama_cpp(known: Known, given: Settings, gpus: int, ollama: bool, total: float) -> Estimate:
    shape = known.shape
    tokens = context_of(known, given, ollama_context(total) if ollama else 0)
    cells = tokens * given.sequences if ollama else tokens
    layers = shape.layers + 1  # the last is the output's
    part = 1.0 if given.layers is None else min(given.layers, layers) / layers
    if not part:
        return Estimate(basis=known.basis, quantisation=known.quantisation, tokens=cells)
    cache = kv_cache.llama_cpp(shape, given.types, cells, given.sequences, given.ubatch)
    compute = overhead.llama_cpp_compute(shape, cells, given.ubatch, given.flash)
    return Estimate(
        known.bytes * part / gpus / MIB,
        cache * part / gpus / MIB,
        compute / MIB,
        overhead.LLAMA_CPP_CONTEXT / MIB,
        known.basis,
        known.quantisation,
        cells,
    )


def ollama_context(total: float) -> int:
    """Ollama's own choice, by a GPU's memory in MiB (its envconfig/config.go)."""
    if not total or total < 24_000:
        return DEFAULT_CONTEXT
    return 32_768 if total < 48_000 else 262_144


def _vllm(known: Known, given: Settings, total: float) -> Estimate:
    """What it cannot start without: with room for one sequence of the whole context. What it takes
    is another figure: a part of all memory."""
    shape, ranks, every = known.shape, given.ranks, given.ranks * given.stages
    tokens = context_of(known, given)
    large = total >= HOPPER
    batched = given.batched or (8192 if large else 2048)
    sequences = given.sequences or (1024 if large else 256)
    several = every > 1
    return Estimate(
        known.bytes / every / MIB,
        kv_cache.vllm(shape, given.types, tokens, ranks) / given.stages / MIB,
        (
            overhead.vllm_activations(shape, batched, sequences, ranks)
            + overhead.vllm_other(every, given.eager)
        )
        / MIB,
        (overhead.VLLM_CONTEXT_OF_RANKS if several else overhead.VLLM_CONTEXT) / MIB,
        known.basis,
        known.quantisation,
        tokens,
    )
