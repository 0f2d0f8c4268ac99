"""Estimates of a GPU's memory against what others have measured and published."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.lab.llm.plugins.module_utils.placement import overhead
from ansible_collections.lab.llm.plugins.module_utils.placement.bits import (
    Bits,
    gguf_quantisation,
    grouped,
    of_file_type,
    of_gguf,
    of_vllm,
)
from ansible_collections.lab.llm.plugins.module_utils.placement.kv_cache import (
    Types,
    llama_cpp,
    vllm,
)
from ansible_collections.lab.llm.plugins.module_utils.placement.settings import settings_of
from ansible_collections.lab.llm.plugins.module_utils.placement.shapes import (
    Shape,
    from_config,
    from_gguf,
)
from ansible_collections.lab.llm.plugins.module_utils.placement.unseen import parameters_of
from ansible_collections.lab.llm.plugins.module_utils.placement.weights import count, of_shape

FOLDER = Path(__file__).parents[1] / "vram"
MIB, GIB = 1 << 20, 1 << 30
LLAMA_8B = Shape(32, 4096, 32, 8, 128, 14336, 128256, head_value=128, context=131072)
LLAMA_2_7B = Shape(32, 4096, 32, 32, 128, 11008, 32000, head_value=128)
QWEN_3B = Shape(36, 2048, 16, 2, 128, 11008, 151936, head_value=128, tied=True)


def _judge() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vram_judge", FOLDER / "judge.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["vram_judge"] = module
    spec.loader.exec_module(module)
    return module


JUDGE = _judge()
JUDGED = JUDGE.cases("judged")


def test_at_least_eight_combinations_are_judged_within_15_percent_on_average() -> None:
    assert len(JUDGED) >= 8
    assert JUDGE.mean_error(JUDGED) < 0.15, JUDGE.table(JUDGED)


@pytest.mark.parametrize("one", JUDGED, ids=[one.name for one in JUDGED])
def test_none_is_under_estimated_by_more_than_a_tenth(one: object) -> None:
    assert one.error > -0.10  # type: ignore[attr-defined]
    assert one.error < 0.15  # type: ignore[attr-defined]


def test_no_case_that_judges_has_made_a_constant() -> None:
    calibrating = {one.name.partition(" ")[0] for one in JUDGE.cases("calibration")}
    assert calibrating
    assert not calibrating & {one.name.partition(" ")[0] for one in JUDGED}
    assert all(one.source.startswith("https://") for one in JUDGED)


def test_the_page_shows_each_of_them_with_its_error() -> None:
    page = (FOLDER.parents[1] / "docs" / "gpus.md").read_text()
    for one in JUDGED:
        figures = f"{one.measured / 1024:.2f} | {one.whole / 1024:.2f} | {one.error:+.1%}"
        assert f"| {one.name} | {figures} |" in page
    assert f"mean absolute error {JUDGE.mean_error(JUDGED):.1%}" in page
    rough = JUDGE.cases("judged", by_size=True)
    errors = [one.error for one in rough]
    words = f"{JUDGE.mean_error(rough):.1%} on average, {min(errors):+.1%} to {max(errors):+.1%}"
    assert words in " ".join(page.split())


@pytest.mark.parametrize(
    ("shape", "context", "flash", "mib"),
    [
        # https://github.com/ggml-org/llama.cpp/issues/9229 and
        # https://github.com/SciSharp/LLamaSharp/issues/1099 (calibration)
        (LLAMA_2_7B, 4096, False, 296.0),
        (QWEN_3B, 4096, True, 300.75),
    ],
)
def test_the_compute_buffer_of_llama_cpp_is_as_its_logs_say(
    shape: Shape, context: int, flash: bool, mib: float
) -> None:
    assert overhead.llama_cpp_compute(shape, context, 512, flash) / MIB == mib


@pytest.mark.parametrize(
    ("shape", "types", "cells", "mib"),
    [
        (LLAMA_2_7B, Types(), 4096, 2048.0),  # llama.cpp issue 9229
        (QWEN_3B, Types(), 4096, 144.0),  # LLamaSharp issue 1099
        (LLAMA_8B, Types(), 65536, 8192.0),
        (LLAMA_8B, Types(8.5, 8.5), 65536, 4352.0),
        (LLAMA_8B, Types(16.0, 4.5), 65536, 5248.0),
    ],
)
def test_the_cache_of_llama_cpp(shape: Shape, types: Types, cells: int, mib: float) -> None:
    assert llama_cpp(shape, types, cells, 1, 512) / MIB == mib


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    shape = Shape(26, 2304, 8, 4, 256, 9216, 256000, head_value=256, window=4096, full=13)
    each = 2 * 4 * 256 * 2
    assert llama_cpp(shape, Types(), 32768, 1, 512) == 13 * each * (32768 + 4096 + 512)
    assert llama_cpp(shape, Types(), 2048, 1, 512) == 26 * each * 2048


@pytest.mark.parametrize(
    ("ranks", "bytes_of_token"),
    [(1, 48 * 4 * 128 * 4), (4, 48 * 1 * 128 * 4), (8, 48 * 1 * 128 * 4)],
)
def test_ranks_share_the_heads_of_the_cache_but_have_one_each(
    ranks: int, bytes_of_token: int
) -> None:
    # 8 ranks: 12.22 GiB were 534,064 tokens, https://github.com/vllm-project/vllm/issues/22177
    qwen = Shape(48, 2048, 32, 4, 128, 6144, 151936, head_value=128)
    assert vllm(qwen, Types(), 1, ranks) == bytes_of_token
    assert vllm(qwen, Types(), 534_064, 8) / GIB == pytest.approx(12.22, abs=0.01)


def test_mla_keeps_one_row_for_all_heads() -> None:
    lite = Shape(27, 2048, 16, 16, 192, 10944, 102400, head_value=128, latent=512, rope=64)
    # "0.95 GiB KV cache is needed" for 32,768: https://github.com/vllm-project/vllm/issues/15871
    assert vllm(lite, Types(), 32768) / GIB == pytest.approx(0.95, abs=0.01)
    assert vllm(lite, Types(), 32768, 2) == vllm(lite, Types(), 32768)


@pytest.mark.parametrize(
    ("quantisation", "gib"),
    [("quantized.w4a16", 5.38), ("fp8", 8.49), ("w8a8", 8.49), ("", 14.99)],
)
def test_the_weights_of_quantised_checkpoints(quantisation: str, gib: float) -> None:
    # Llama-3.1-8B in the sweep of tests/vram/measured.yaml
    found = of_shape(LLAMA_8B, of_vllm({}, {}, f"Meta-Llama-3.1-8B-{quantisation}")) / GIB
    assert found == pytest.approx(gib, rel=0.01)


@pytest.mark.parametrize(
    ("config", "options", "bits"),
    [
        ({"torch_dtype": "bfloat16"}, {}, Bits(16, 16, 16)),
        ({"torch_dtype": "float32"}, {}, Bits(16, 16, 16)),
        ({"torch_dtype": "bfloat16"}, {"dtype": "float32"}, Bits(32, 32, 32)),
        ({"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}, {},
         Bits(4.15625, 4.15625, 16)),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": -1}}, {},
         Bits(8, 8, 16)),
        ({"quantization_config": {"quant_method": "fp8"}}, {}, Bits(8, 8, 16)),
        ({"quantization_config": {"config_groups": {"g": {"weights": {"num_bits": 4,
          "group_size": 128, "symmetric": True}}}}}, {}, Bits(4.125, 4.125, 16)),
        ({"quantization_config": {"config_groups": {"g": 1}}}, {}, Bits(16, 16, 16)),
        ({"quantization_config": {"quant_method": "awq", "bits": "x"}}, {},
         Bits(4.15625, 4.15625, 16)),
        ({}, {"quantization": "fp8"}, Bits(8, 8, 16)),
        ({"quantization_config": {"quant_method": "mxfp4"}}, {}, Bits(4.25, 16, 16, padded=True)),
    ],
)  # fmt: skip
def test_bits_as_vllm_loads_them(
    config: dict[str, object], options: dict[str, object], bits: Bits
) -> None:
    found = of_vllm(config, options)
    assert (found.layers, found.attention, found.words, found.padded) == (
        bits.layers, bits.attention, bits.words, bits.padded,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen2.5-7b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("Llama-3.1-8B.Q8_0.gguf", "Q8_0"),
        ("qwen3:32b-q4_K_M", "Q4_K_M"),
        ("model-IQ4_XS", "IQ4_XS"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("llama3.1:8b-instruct-fp16", "F16"),
        ("llama3.1:8b", ""),
    ],
)
def test_the_quantisation_stands_in_the_name(text: str, name: str) -> None:
    assert gguf_quantisation(text) == name


def test_groups_cost_a_scale_and_a_zero_point() -> None:
    assert grouped(4.0, 128) == 4 + 20 / 128
    assert of_gguf("Q4_K_M").whole


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ({"name": "x", "size": "8B"}, 8.0),
        ({"name": "qwen2.5-coder:32b"}, 32.0),
        ({"name": "chat", "source": {"huggingface": "Qwen/Qwen2.5-1.5B-Instruct"}}, 1.5),
        ({"name": "mixtral-8x7b"}, 46.76),
        ({"name": "gpt-oss"}, 0.0),
    ],
)
def test_the_number_of_parameters_by_size_or_name(
    model: dict[str, object], billions: float
) -> None:
    assert parameters_of(model) / 1e9 == pytest.approx(billions)


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        # The numbers that their model cards give.
        ("llama-3.1-8b-instruct", 8.03), ("llama-3.3-70b", 70.6), ("qwen2.5-72b-instruct", 72.7),
        ("mixtral-8x7b-instruct-v0.1", 46.7), ("qwen3-30b-a3b", 30.5), ("phi-4", 14.7),
        ("deepseek-v2-lite-chat", 15.7), ("gemma-2-27b-it", 27.2), ("gpt-oss-20b", 20.9),
    ],
)  # fmt: skip
def test_weights_are_counted_from_config_json(name: str, billions: float) -> None:
    configs = JUDGE.yaml.safe_load(JUDGE.MEASURED.read_text())["configs"]
    shape = from_config(configs[name])
    assert shape
    assert count(shape).all / 1e9 == pytest.approx(billions, rel=0.01)


@pytest.mark.parametrize(
    ("written", "tokens"),
    [(8192, 8192), ("8192", 8192), ("8k", 8000), ("8K", 8192), ("25.6k", 25600), ("1M", 1 << 20),
     (-1, 0), ("²", 0), ("many", 0), ("8.5", 0), (None, 0)],
)  # fmt: skip
def test_a_number_is_read_as_vllm_reads_it(written: object, tokens: int) -> None:
    spec = {"engine": "vllm", "options": {"max_model_len": written}}
    assert settings_of(spec).context == tokens


def test_what_a_file_should_not_hold_is_as_if_it_were_not_there() -> None:
    assert of_file_type({"general.file_type": [15]}) == ""
    written = {"quant_method": "awq", "modules_to_not_convert": 5}
    assert of_vllm({"quantization_config": written}, {}).layers < 5
    assert from_gguf({"metadata": {"general.architecture": ["llama"]}}) is None
