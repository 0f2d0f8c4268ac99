# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bits that a weight takes, by the quantisation's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Measured by llama.cpp on Llama-3.1-8B, larger tensors such as the embeddings included:
# https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md. The legacy types are
# their blocks (18 bytes for 32 weights, ...) with the last matrix in 6.56 bits; MXFP4 likewise.
GGUF = {
    "IQ1_S": 2.0042, "IQ1_M": 2.1460, "IQ2_XXS": 2.3824, "IQ2_XS": 2.5882, "IQ2_S": 2.7403,
    "IQ2_M": 2.9294, "IQ3_XXS": 3.2548, "IQ3_XS": 3.4977, "IQ3_S": 3.6606, "IQ3_M": 3.7628,
    "IQ4_XS": 4.4597, "IQ4_NL": 4.6818, "Q2_K_S": 2.9697, "Q2_K": 3.1593, "Q3_K_S": 3.6429,
    "Q3_K_M": 3.9960, "Q3_K_L": 4.2979, "Q4_0": 4.64, "Q4_1": 5.13, "Q4_K_S": 4.6672,
    "Q4_K_M": 4.8944, "Q5_0": 5.57, "Q5_1": 6.05, "Q5_K_S": 5.5704, "Q5_K_M": 5.7036,
    "Q6_K": 6.5633, "Q8_0": 8.5008, "F16": 16.0005, "BF16": 16.0005, "F32": 32.0,
    "MXFP4": 4.35,
}  # fmt: skip
# What Ollama and people write for them.
_ALSO = {"Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "Q3_K": "Q3_K_M", "FP16": "F16", "Q4KM": "Q4_K_M"}
# A cache's element, with the scales of its block: ggml-common.h; fp8 by vLLM.
CACHE = {
    "f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q5_1": 6.0, "q5_0": 5.5, "q4_1": 5.0,
    "q4_0": 4.5, "iq4_nl": 4.5, "auto": 16.0, "float16": 16.0, "bfloat16": 16.0, "float32": 32.0,
    "fp8": 8.0, "fp8_e4m3": 8.0, "fp8_e5m2": 8.0, "fp8_inc": 8.0,
}  # fmt: skip
DTYPES = {"float32": 32.0, "float": 32.0, "float16": 16.0, "half": 16.0, "bfloat16": 16.0}
GROUP = 128
SCALE = 16.0
MXFP4 = "MXFP4"


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits a weight: of the matrices within the layers, of attention among them, and of the tables
    of words at both ends. `whole`: the same for all, as with GGUF, whose average it is. `padded`:
    vLLM rounds the sizes of matrices in this format up (its quantization/mxfp4.py)."""

    layers: float
    attention: float
    words: float
    name: str = ""
    padded: bool = False

    @property
    def whole(self) -> bool:
        return self.layers == self.words


def gguf_quantisation(text: str) -> str:
    """The name of a GGUF quantisation in a model's or file's name, "" if there is none."""
    found = re.findall(r"(?i)(?<![a-z0-9])(iq[1-4]_[a-z]+|q[2-8]_k(?:_[sml])?|q[458]_[01]|q[345]km?"
                       r"|bf16|fp?16|f32|mxfp4)(?![a-z0-9])", text)  # fmt: skip
    name = found[-1].upper() if found else ""
    name = _ALSO.get(name, name)
    return name if name in GGUF else ""


# llama.h's llama_ftype, as `general.file_type` has it.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 38: "MXFP4",
}  # fmt: skip


def of_file_type(metadata: Mapping[str, Any]) -> str:
    """The name of a GGUF's own quantisation, "" if it does not tell."""
    told = metadata.get("general.file_type")
    return _FILE_TYPES.get(told, "") if isinstance(told, int) else ""


def of_gguf(name: str) -> Bits:
    bits = GGUF[name]
    return Bits(bits, bits, bits, name)


def grouped(bits: float, group: int = GROUP, zeros: bool = True) -> float:
    """With a scale of 16 bits, and a zero point as wide as a weight, for each group (AWQ and GPTQ;
    https://arxiv.org/abs/2306.00978, section 4.1). Without groups a scale serves a whole row."""
    if group <= 0:
        return bits
    return bits + (SCALE + (bits if zeros else 0)) / group


def of_vllm(config: Mapping[str, Any] | None, options: Mapping[str, Any], name: str = "") -> Bits:
    """As vLLM loads it: `options` are its own, `config` the model's config.json if that is at hand,
    `name` the model's, which tells a quantisation often enough.

    The tables of words stay in 16 bits with all of these, and so do the parts that
    `quantization_config` leaves out.
    """
    config = config or {}
    wide = DTYPES.get(str(options.get("dtype", "auto")), 0) or DTYPES.get(
        str(config.get("torch_dtype") or config.get("dtype")), 16.0
    )
    if wide == 32 and str(options.get("dtype", "auto")) == "auto":
        wide = 16.0  # vLLM's `auto` takes float16 for what is stored as float32
    written = config.get("quantization_config")
    method = str(options.get("quantization") or "")
    if isinstance(written, Mapping):
        bits, label = _of_config(written)
    else:
        bits, label = _of_name(method or name)
    if not bits:
        return Bits(wide, wide, wide, f"{wide:g} bit")
    kept = written.get("modules_to_not_convert") if isinstance(written, Mapping) else None
    spared = isinstance(kept, list) and any("attn" in str(one) for one in kept)
    spared = spared or label == MXFP4  # the experts alone are stored so
    return Bits(bits, wide if spared else bits, wide, label, padded=label == MXFP4)


def _of_config(written: Mapping[str, Any]) -> tuple[float, str]:
    method = str(written.get("quant_method", ""))
    groups = written.get("config_groups")
    first = [*groups.values()][:1] if isinstance(groups, Mapping) else []
    inner = first[0].get("weights") if first and isinstance(first[0], Mapping) else None
    if isinstance(inner, Mapping):
        bits, group = _number(inner, 8, "num_bits"), _number(inner, 0, "group_size")
        return grouped(bits, group, not inner.get("symmetric", True)), f"{method} {bits:g} bit"
    if method in ("awq", "gptq"):
        bits = _number(written, 4, "bits", "w_bit")
        return grouped(bits, _number(written, GROUP, "group_size", "q_group_size")), (
            f"{method} {bits:g} bit"
        )
    return _of_name(method)


def _number(written: Mapping[str, Any], otherwise: int, *names: str) -> int:
    found = (written.get(name) for name in names)
    return next((one for one in found if isinstance(one, int) and one), otherwise)


def _of_name(text: str) -> tuple[float, str]:
    """(0, "") if it names none."""
    for pattern, bits, label in _NAMES:
        if re.search(rf"(?i)(?<![a-z0-9]){pattern}(?![a-z0-9])", text):
            return bits, label
    return 0.0, ""


_NAMES = (
    (r"(awq|gptq|awq_marlin|gptq_marlin|int4|w4a16|quantized\.w4a16)", grouped(4.0), "4 bit"),
    (r"(gptq-int8|w8a8|w8a16|int8|fp8|fp8-dynamic|fp8_dynamic)", 8.0, "8 bit"),
    (r"(mxfp4|gpt-oss)", 4.25, MXFP4),
    (r"nvfp4", 4.5, "NVFP4"),
    (r"(bitsandbytes|bnb)", grouped(4.0, 64, False), "4 bit"),
)
