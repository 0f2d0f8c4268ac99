# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine's options say of the memory that it will take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .bits import CACHE
from .kv_cache import Types

Spec = Mapping[str, Any]
DEFAULT_CONTEXT = 4096
OLLAMA_BATCH = 512
ROUTER = 4  # models, by default
UTILISATION = 0.9  # vLLM's default
F16 = Types()
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+(?=[kmg]))?)([kmgKMG]?)")
_TIMES = {"k": 1000, "m": 10**6, "g": 10**9, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
OFF = ("off", "false", "0", "none", "no")


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one service, as its engine understands them.

    `context`: tokens, 0 if nothing says; of llama-server all sequences together, else of each of
    the `sequences`. `layers`: how many are to be on the GPU, None for all. `adapts`: the engine
    itself takes less where there is less. `at_once`: models in memory, 0 for all. `ranks`: GPUs
    that share each layer (tensor parallel) and `stages` that share the layers out. `utilisation`:
    the part of a GPU's memory that vLLM takes.
    """

    context: int = 0
    sequences: int = 1
    types: Types = F16
    ubatch: int = 512
    flash: bool = True
    layers: int | None = None
    split: bool = True
    adapts: bool = False
    at_once: int = 1
    ranks: int = 1
    stages: int = 1
    utilisation: float | None = None
    batched: int | None = None
    eager: bool = False


def settings_of(spec: Spec) -> Settings:
    """Of a service spec; an engine that is not known takes what its model takes."""
    read = {"llama_cpp": _llama_cpp, "ollama": _ollama, "vllm": _vllm}.get(spec["engine"])
    return read(spec, spec.get("options") or {}) if read else Settings()


def _llama_cpp(spec: Spec, options: Mapping[str, Any]) -> Settings:
    environment = spec.get("environment") or {}
    layers = _number(_either(options, environment, "n_gpu_layers", "gpu_layers", "ngl"))
    asked = options.get("fit", environment.get("LLAMA_ARG_FIT", "on"))
    context = max(0, _number(_either(options, environment, "ctx_size")) or 0)
    both = (
        _either(options, environment, "cache_type_k"),
        _either(options, environment, "cache_type_v"),
    )
    return Settings(
        context=context,
        sequences=max(1, _number(_either(options, environment, "parallel", "n_parallel")) or 1),
        types=Types(*(CACHE.get(str(one or "f16").lower(), 16.0) for one in both)),
        ubatch=_number(_either(options, environment, "ubatch_size")) or 512,
        flash=str(_either(options, environment, "flash_attn") or "auto").lower() not in OFF,
        layers=None if layers is None or layers < 0 else layers,
        split=str(options.get("split_mode", "layer")).lower() != "none",
        at_once=_router(spec, options),
        # Since December 2025 llama-server lowers what nobody has set until it fits.
        adapts=not context and layers is None and str(asked).lower() not in OFF,
    )


def _router(spec: Spec, options: Mapping[str, Any]) -> int:
    """How many models a llama-server with several has at once; 0: all."""
    if len(spec.get("models") or ()) < 2:
        return 1
    most = _number(options.get("models_max"))
    return ROUTER if most is None else most


def _ollama(spec: Spec, options: Mapping[str, Any]) -> Settings:
    """Its options are variables: OLLAMA_NUM_PARALLEL as `num_parallel`."""
    environment = {
        key.removeprefix("OLLAMA_").lower(): value
        for key, value in (spec.get("environment") or {}).items()
    }
    given = {**options, **environment}
    bits = CACHE.get(str(given.get("kv_cache_type", "f16")).lower(), 16.0)
    return Settings(
        context=max(0, _number(given.get("context_length")) or 0),
        sequences=max(1, _number(given.get("num_parallel")) or 1),
        types=Types(bits, bits),
        ubatch=OLLAMA_BATCH,
        flash=str(given.get("flash_attention", "1")).lower() not in OFF,
        at_once=max(1, _number(given.get("max_loaded_models")) or 1),
    )


def _vllm(spec: Spec, options: Mapping[str, Any]) -> Settings:
    bits = CACHE.get(str(options.get("kv_cache_dtype", "auto")).lower(), 16.0)
    given = options.get("gpu_memory_utilization")
    share = float(given) if isinstance(given, int | float) else UTILISATION
    return Settings(
        context=max(0, _number(options.get("max_model_len")) or 0),
        sequences=_number(options.get("max_num_seqs")) or 0,
        types=Types(bits, bits),
        ranks=max(1, _number(options.get("tensor_parallel_size")) or 1),
        stages=max(1, _number(options.get("pipeline_parallel_size")) or 1),
        utilisation=share,
        batched=_number(options.get("max_num_batched_tokens")),
        eager=options.get("enforce_eager") is True,
    )


def _either(options: Mapping[str, Any], environment: Mapping[str, Any], *names: str) -> object:
    """An option of llama-server, or its variable LLAMA_ARG_NAME."""
    for name in names:
        if options.get(name) is not None:
            return options[name]
    found = (environment.get(f"LLAMA_ARG_{name.upper()}") for name in names)
    return next((one for one in found if one is not None), None)


def _number(value: object) -> int | None:
    """Of 8192, "8192", "8K" (8192) and "25.6k" (25600), as vLLM reads them; None of anything
    else."""
    found = _NUMBER.fullmatch(str(value).strip())
    if found is None:
        return None
    times = _TIMES.get(found[2], 1)
    return (
        int(found[1]) * times if found[1].lstrip("-").isdecimal() else int(float(found[1]) * times)
    )
