# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a GPU must be, and its driver, for an engine to run on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Gpu = Mapping[str, Any]
Spec = Mapping[str, Any]
ERROR, WARNING = "error", "warning"
# CUDA 12 runs on driver 525 and later, CUDA 13 on 580 and later:
# https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
CUDA_12, CUDA_13 = 525, 580
DRIVERS = {"llama_cpp": CUDA_12, "vllm": CUDA_12, "ollama": 550}
CAPABILITIES = {"llama_cpp": 5.0, "ollama": 5.0, "vllm": 7.0}
BFLOAT16, FP8_WEIGHTS, FP8 = 8.0, 8.0, 8.9


def too_old(spec: Spec, gpu: Gpu, quantisation: str) -> Iterator[tuple[str, str, str]]:
    """(severity, code, sentence) of each thing that it lacks. AMD's drivers and chips are not
    judged: which of them works depends on the build."""
    version = str(gpu["driver"]).partition(".")[0]
    if not gpu["compute_capability"].replace(".", "").isdigit() and not gpu["uuid"].startswith(
        "GPU-"
    ):
        return
    if version.isdigit():
        yield from _driver(spec["engine"], int(version), gpu)
    if gpu["compute_capability"].replace(".", "").isdigit():
        yield from _capability(spec, float(gpu["compute_capability"]), gpu, quantisation)


def _driver(engine: str, version: int, gpu: Gpu) -> Iterator[tuple[str, str, str]]:
    least = DRIVERS.get(engine, 0)
    has = f"GPU {gpu['index']} has driver {gpu['driver']}"
    if version < least:
        yield ERROR, "driver-too-old", f"{has}; {engine} needs {least} or later"
    elif engine == "vllm" and version < CUDA_13:
        yield (
            WARNING,
            "driver-too-old",
            f"{has}; vLLM's builds for CUDA 13 need {CUDA_13} or later: pin a version that has a "
            "build for CUDA 12, or renew the driver",
        )


def _capability(
    spec: Spec, has: float, gpu: Gpu, quantisation: str
) -> Iterator[tuple[str, str, str]]:
    engine, options = spec["engine"], spec.get("options") or {}
    card = f"GPU {gpu['index']} ({gpu['model']}) has compute capability {has}"
    code = "compute-capability"
    least = CAPABILITIES.get(engine, 0.0)
    if has < least:
        yield ERROR, code, f"{card}; {engine} needs {least} or higher"
        return
    if engine != "vllm":
        return
    if str(options.get("dtype", "")) == "bfloat16" and has < BFLOAT16:
        yield ERROR, code, f"{card}; bfloat16 needs {BFLOAT16}: write dtype: half"
    if "fp8" in str(options.get("quantization", quantisation)).lower():
        if has < FP8_WEIGHTS:
            yield ERROR, code, f"{card}; fp8 needs {FP8}, and for the weights alone {FP8_WEIGHTS}"
        elif has < FP8:
            yield (
                WARNING,
                code,
                f"{card}; fp8 needs {FP8}: vLLM keeps the weights in 8 bits and computes in 16",
            )
    if str(options.get("kv_cache_dtype", "")).startswith("fp8") and has < FP8:
        yield WARNING, code, f"{card}; a cache in fp8 is made for {FP8} and higher"
