"""Services against the GPUs of their host: what has no room is refused before anything starts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.filter.placement import gpu_placement
from ansible_collections.lab.llm.plugins.filter.planning import plan_report
from ansible_collections.lab.llm.plugins.module_utils.placement.check import placement
from ansible_collections.lab.llm.plugins.module_utils.placement.places import asks_for_gpu
from ansible_collections.lab.llm.plugins.module_utils.placement.questions import questions
from ansible_collections.lab.llm.plugins.module_utils.placement.report import lines
from ansible_collections.lab.llm.plugins.module_utils.placement.settings import settings_of

LLAMA = {
    "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
    "tie_word_embeddings": False, "max_position_embeddings": 131072, "torch_dtype": "bfloat16",
}  # fmt: skip


def spec(engine: str = "llama_cpp", name: str = "p", **more: Any) -> dict[str, Any]:
    """An 8B model on GPU 0."""
    model = {"name": "m", "size": "8B", "context_length": None, "source": {}}
    return {
        "provider": name, "engine": engine, "unit": f"{engine}-{name}.service", "models": [model],
        "options": {"ctx_size": 8192} if engine == "llama_cpp" else {}, "environment": {},
        "gpus": [0], **more,
    }  # fmt: skip


def gpu(index: int = 0, total: int | None = 24576, used: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "index": index, "uuid": f"GPU-{index}", "model": "NVIDIA GeForce RTX 3090", "total": total,
        "used": used, "free": None if total is None else total - used, "driver": "580.65.06",
        "compute_capability": "8.6", "mig": False, "processes": [], **more,
    }  # fmt: skip


def held(memory: int | None, unit: str = "", pid: int = 7) -> dict[str, Any]:
    return {"pid": pid, "name": "/usr/bin/python3", "memory": memory, "unit": unit}


def place(services: list[dict[str, Any]], *gpus: dict[str, Any], **files: Any) -> dict[str, Any]:
    vendor = "nvidia" if gpus else "none"
    config = {"config": LLAMA}
    known = {f"{one['provider']}/m": config for one in services} | files
    return placement(services, {"vendor": vendor, "gpus": [*gpus], "notes": []}, known)


def codes(told: dict[str, Any]) -> list[str]:
    return [f"{one['severity']} {one['code']}" for one in told["problems"]]


def test_a_model_that_fits_is_shown_with_its_parts() -> None:
    told = place([spec()], gpu())
    assert told["problems"] == []
    [row] = told["services"]
    needs = row["needs"]
    assert needs["total"] == pytest.approx(
        needs["weights"] + needs["kv_cache"] + needs["compute"] + needs["context"], abs=2
    )
    assert needs["kv_cache"] == 1024
    assert (needs["basis"], needs["quantisation"], needs["tokens"]) == ("config", "Q4_K_M", 8192)
    [card] = told["gpus"]
    assert card["planned"] + card["left"] + card["others"] == card["total"]
    assert json.loads(json.dumps(told)) == told


def test_the_tables_are_for_people() -> None:
    said = lines("gpu01", place([spec()], gpu()))
    assert said[0] == "GPUs of gpu01"
    assert "NVIDIA GeForce RTX 3090" in said[2]
    assert "24.0 GiB" in said[2]
    assert "Q4_K_M by its config.json" in said[-1]


@pytest.mark.parametrize(
    ("options", "total", "found"),
    [
        ({"ctx_size": 8192}, 8192, []),
        ({"ctx_size": 8192}, 6144, ["error gpu-overcommitted"]),
        ({"ctx_size": 131072}, 16384, ["error gpu-overcommitted"]),
        ({"ctx_size": 131072, "cache_type_k": "q4_0", "cache_type_v": "q4_0"}, 16384, []),
        ({"ctx_size": 131072, "n_gpu_layers": 10}, 16384, []),
        ({"ctx_size": 8192, "n_gpu_layers": 0}, 1024, []),
        ({"ctx_size": 8192, "flash_attn": "off", "ubatch_size": 4096}, 8192,
         ["error gpu-overcommitted"]),
        # llama-server itself takes less where nobody has said how much.
        ({}, 6144, ["warning gpu-overcommitted"]),
        ({"fit": "off"}, 6144, ["error gpu-overcommitted"]),
    ],
)  # fmt: skip
def test_over_commitment_is_an_error(options: dict[str, Any], total: int, found: list[str]) -> None:
    assert codes(place([spec(options=options)], gpu(total=total))) == found


def test_over_commitment_can_be_allowed() -> None:
    told = place([spec(overcommit=True)], gpu(total=6144))
    assert codes(told) == ["warning gpu-overcommitted"]


def test_what_is_assumed_alone_refuses_nothing() -> None:
    """By the size alone the cache is a guess, and the weights are not."""
    services = [spec(options={"ctx_size": 131072})]
    guess: dict[str, Any] = {"p/m": {}}
    assert codes(place(services, gpu(total=16384), **guess)) == ["warning gpu-overcommitted"]
    assert codes(place(services, gpu(total=4096), **guess)) == ["error gpu-overcommitted"]


def test_services_of_a_gpu_add_up() -> None:
    two = [spec(name="a"), spec(name="b")]
    assert codes(place(two, gpu(total=12288))) == ["error gpu-overcommitted"]
    message = place(two, gpu(total=12288))["problems"][0]
    assert message["provider"] == "a, b"
    assert "GPU 0 has 12.0 GiB" in message["message"]
    assert codes(place([spec(name="a"), spec(name="b", gpus=[1])], gpu(), gpu(1))) == []


def test_of_a_slot_the_largest_counts_alone() -> None:
    slot = {"slot": "big"}
    two = [spec(name="a", **slot), spec(name="b", options={"ctx_size": 16384}, **slot)]
    told = place(two, gpu(total=12288))
    assert codes(told) == []
    assert told["gpus"][0]["planned"] == max(one["takes"] for one in told["services"])


def test_layers_are_shared_out_over_several_gpus() -> None:
    alone = place([spec()], gpu())["services"][0]["needs"]
    shared = place([spec(gpus=[0, 1])], gpu(), gpu(1))["services"][0]
    assert shared["gpus"] == [0, 1]
    assert shared["needs"]["weights"] == pytest.approx(alone["weights"] / 2, abs=1)
    assert shared["needs"]["context"] == alone["context"]


def test_what_others_hold_is_counted_and_named() -> None:
    used = gpu(total=12288, used=6154, processes=[held(6144)])
    told = place([spec()], used)
    assert codes(told) == ["warning gpu-used-by-others", "error gpu-overcommitted"]
    assert "python3 (pid 7)" in told["problems"][0]["message"]


def test_what_we_hold_ourselves_is_not_counted_twice() -> None:
    used = gpu(total=8192, used=7000, processes=[held(6900, "llama_cpp-p.service")])
    told = place([spec()], used)
    assert codes(told) == []
    assert told["gpus"][0]["others"] == 100


def test_what_runs_on_ray_is_ours_too() -> None:
    ray = {"unit": "vllm-ray-worker-p.service", "is_head": False}
    options = {"tensor_parallel_size": 4, "max_model_len": 2048}
    used = gpu(total=24576, used=22000, processes=[held(21000, ray["unit"])])
    told = place([spec("vllm", gpus=None, options=options, ray=ray)], used)
    assert told["gpus"][0]["others"] == 1000
    assert codes(told) == []


@pytest.mark.parametrize(
    ("used", "processes"), [(7000, []), (7000, [held(None, "llama_cpp-p.service")])]
)
def test_memory_of_nobody_known_is_said_and_not_counted(
    used: int, processes: list[dict[str, Any]]
) -> None:
    told = place([spec()], gpu(total=8192, used=used, processes=processes))
    assert codes(told) == ["warning gpu-used-by-others"]


def test_a_gpu_that_is_nearly_full_is_a_warning() -> None:
    takes = place([spec()], gpu())["services"][0]["takes"]
    assert codes(place([spec()], gpu(total=takes + 100))) == ["warning gpu-nearly-full"]


@pytest.mark.parametrize(
    ("services", "gpus", "found"),
    [
        ([spec(gpus=[2])], [gpu()], ["error unknown-gpu"]),
        ([spec(gpus=[0])], [], ["error no-gpu"]),
        ([spec(gpus=None, options={"n_gpu_layers": 99})], [], ["error no-gpu"]),
        ([spec(gpus=None)], [], []),
        ([spec(gpus=[])], [gpu(total=100)], []),
        ([spec("vllm", gpus=None)], [], ["error no-gpu"]),
        ([spec("vllm", gpus=None, options={"tensor_parallel_size": 2})], [gpu()],
         ["error too-few-gpus"]),
    ],
)  # fmt: skip
def test_gpus_that_are_not_there(
    services: list[dict[str, Any]], gpus: list[dict[str, Any]], found: list[str]
) -> None:
    assert [code for code in codes(place(services, *gpus)) if "share" not in code] == found


def test_why_there_is_none_is_said() -> None:
    told = placement(
        [spec()], {"vendor": "none", "gpus": [], "notes": ["nvidia-smi ended with 9: failed"]}
    )
    assert "nvidia-smi ended with 9" in told["problems"][0]["message"]


@pytest.mark.parametrize(
    ("options", "total", "found"),
    [
        ({"max_model_len": 8192}, 81559, []),
        ({"max_model_len": 8192}, 24576, []),
        ({"max_model_len": 131072}, 24576, ["error gpu-share-too-small"]),
        ({"max_model_len": 8192, "gpu_memory_utilization": 0.5}, 24576,
         ["error gpu-share-too-small"]),
        ({"max_model_len": 8192, "gpu_memory_utilization": 0.5, "quantization": "fp8"}, 24576,
         []),
    ],
)  # fmt: skip
def test_vllm_takes_its_share_and_needs_enough_of_it(
    options: dict[str, Any], total: int, found: list[str]
) -> None:
    told = place([spec("vllm", options=options)], gpu(total=total, compute_capability="8.9"))
    assert [one for one in codes(told) if "nearly" not in one] == found
    share = options.get("gpu_memory_utilization", 0.9)
    assert told["services"][0]["takes"] == round(share * total)


def test_ranks_share_the_weights() -> None:
    options = {"max_model_len": 8192, "tensor_parallel_size": 2}
    told = place([spec("vllm", gpus=None, options=options)], gpu(), gpu(1), gpu(2))
    assert told["services"][0]["gpus"] == [0, 1]
    assert told["services"][0]["needs"]["weights"] == pytest.approx(15317 / 2, abs=20)


@pytest.mark.parametrize(
    ("environment", "total", "gpus", "kv"),
    [
        ({}, 12288, [0], 512), ({}, 40000, [0], 4096), ({"OLLAMA_NUM_PARALLEL": "4"}, 12288, [0],
         2048),
        ({"OLLAMA_CONTEXT_LENGTH": "16384"}, 12288, [0], 2048),
        ({"OLLAMA_CONTEXT_LENGTH": "16384", "OLLAMA_KV_CACHE_TYPE": "q8_0"}, 12288, [0], 1088),
        ({"OLLAMA_CONTEXT_LENGTH": "65536"}, 12288, [0, 1], 4096),
    ],
)  # fmt: skip
def test_ollama_takes_one_gpu_if_that_is_enough(
    environment: dict[str, str], total: int, gpus: list[int], kv: int
) -> None:
    service = spec("ollama", gpus=None, environment=environment)
    told = place([service], gpu(total=total), gpu(1, total - 1000))
    assert told["services"][0]["gpus"] == gpus
    assert told["services"][0]["needs"]["kv_cache"] == kv


def test_of_ollamas_models_those_that_are_loaded_at_once_count() -> None:
    models = [{"name": f"m{size}:{size}b", "context_length": None, "source": {}} for size in (8, 3)]
    one = spec("ollama", models=models)
    two = spec("ollama", models=models, environment={"OLLAMA_MAX_LOADED_MODELS": "2"})
    sizes = [place([each], gpu())["services"][0]["needs"]["weights"] for each in (one, two)]
    assert sizes[1] == pytest.approx(sizes[0] * 11 / 8, rel=0.01)


@pytest.mark.parametrize(
    ("options", "loaded"), [({}, 4), ({"models_max": 2}, 2), ({"models_max": 0}, 5)]
)
def test_a_router_has_so_many_models_at_once_each_with_its_own_options(
    options: dict[str, Any], loaded: int
) -> None:
    models = [{"name": f"m{number}", "size": "8B", "source": {}, "options": {"ctx_size": 8192}}
              for number in range(5)]  # fmt: skip
    told = placement([spec(models=models, options=options)], {"gpus": [gpu()], "notes": []})
    assert told["services"][0]["needs"]["kv_cache"] == 1152 * loaded  # 36 layers
    assert told["services"][0]["needs"]["context"] == 456 * loaded


@pytest.mark.parametrize(
    ("engine", "options", "card", "found"),
    [
        ("llama_cpp", {}, {"driver": "470.182.03"}, ["error driver-too-old"]),
        ("ollama", {}, {"driver": "535.86.10"}, ["error driver-too-old"]),
        ("ollama", {}, {"driver": "550.54.15"}, []),
        ("vllm", {}, {"driver": "570.133.07"}, ["warning driver-too-old"]),
        ("vllm", {}, {"driver": "510.47"}, ["error driver-too-old"]),
        ("vllm", {}, {"driver": ""}, []),
        ("vllm", {}, {"compute_capability": "6.1"}, ["error compute-capability"]),
        ("vllm", {}, {"compute_capability": "7.0"}, []),
        ("vllm", {"dtype": "bfloat16"}, {"compute_capability": "7.5"},
         ["error compute-capability"]),
        ("vllm", {"quantization": "fp8"}, {"compute_capability": "8.6"},
         ["warning compute-capability"]),
        ("vllm", {"quantization": "fp8"}, {"compute_capability": "7.5"},
         ["error compute-capability"]),
        ("vllm", {"kv_cache_dtype": "fp8"}, {"compute_capability": "8.6"},
         ["warning compute-capability"]),
        ("vllm", {"quantization": "fp8"}, {"compute_capability": "9.0"}, []),
        ("ollama", {}, {"compute_capability": "3.7"}, ["error compute-capability"]),
        ("llama_cpp", {}, {"driver": "6.10.5", "compute_capability": "gfx1100", "uuid": "0x1"}, []),
        ("llama_cpp", {}, {"mig": True}, ["warning gpu-split"]),
    ],
)  # fmt: skip
def test_a_driver_or_a_chip_that_is_too_old(
    engine: str, options: dict[str, Any], card: dict[str, Any], found: list[str]
) -> None:
    options = {"ctx_size": 4096} if engine == "llama_cpp" else {"max_model_len": 2048, **options}
    told = place([spec(engine, options=options)], gpu(total=40960, **card))
    assert codes(told) == found


def test_a_model_of_which_nothing_is_known_is_said() -> None:
    service = spec(models=[{"name": "gpt-oss", "context_length": None, "source": {}}])
    told = placement([service], {"gpus": [gpu()], "notes": []})
    assert codes(told) == ["warning unknown-size"]
    assert told["services"][0]["takes"] == 0


def test_a_damaged_file_is_noted_and_the_size_counts() -> None:
    told = place([spec()], gpu(), **{"p/m": {"problem": "x.gguf is damaged"}})
    assert told["notes"] == ["x.gguf is damaged"]
    assert told["services"][0]["needs"]["basis"] == "assumed"


def test_a_gpu_that_tells_no_memory_refuses_nothing() -> None:
    told = place([spec()], gpu(total=None, used=0))
    assert codes(told) == []
    assert told["gpus"][0]["left"] is None


@pytest.mark.parametrize(
    ("service", "asks"),
    [
        (spec(gpus=[]), False), (spec(gpus=[0]), True), (spec(gpus=None), False),
        (spec(gpus=None, options={"n_gpu_layers": 99}), True),
        (spec(gpus=None, options={"n_gpu_layers": 0}), False),
        (spec(gpus=None, environment={"LLAMA_ARG_N_GPU_LAYERS": "99"}), True),
        (spec("ollama", gpus=None), False), (spec("vllm", gpus=None), True),
        (spec("vllm", gpus=[]), False), (spec("vllm", gpus=None, options={"device": "cpu"}), False),
    ],
)  # fmt: skip
def test_a_host_is_looked_at_only_where_something_asks_for_a_gpu(
    service: dict[str, Any], asks: bool
) -> None:
    assert asks_for_gpu(service, settings_of(service)) is asks
    assert questions([service])["asks"] is asks


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ({"path": "/srv/m.gguf"}, ["/srv/m.gguf"]),
        ({"url": "https://x/m", "sha256": "AB" * 32}, ["~/models/m-abababababab.gguf"]),
        ({"huggingface": "Qwen/Q", "revision": "abc"}, ["~/models/Qwen--Q-abc"]),
        ({"ollama": "qwen3:8b"},
         ["~/ollama/models/manifests/registry.ollama.ai/library/qwen3/8b"]),
    ],
)  # fmt: skip
def test_models_are_looked_for_where_the_engines_put_them(
    source: dict[str, str], places: list[str]
) -> None:
    service = spec(models=[{"name": "m", "source": source}])
    [asked] = questions([service])["models"]
    assert asked["name"] == "p/m"
    assert set(places) <= set(asked["places"])


def test_the_filter_ends_a_run_that_has_no_room() -> None:
    facts = {"vendor": "nvidia", "gpus": [gpu(total=4096)], "notes": [], "models": {}}
    end = gpu_placement([spec()], facts, "gpu01")
    assert not end["ok"]
    assert end["why"].startswith("error[gpu-overcommitted]: p: GPU 0 has 4.0 GiB")
    told = json.loads(gpu_placement([spec()], facts, "gpu01", "json")["why"])
    assert (told["host"], told["gpus"][0]["total"]) == ("gpu01", 4096)


def test_a_plan_shows_the_numbers_and_what_has_no_room() -> None:
    check = {"services": {"gpu01": [spec()]}, "variables": [], "missing_variables": []}
    facts = {"gpus": [gpu(total=4096)], "notes": ["A note"], "models": {}}
    looked = {"account": [], "programs": [], "artifacts": [], "units": {}, "texts": {},
              "leftover": [], "problems": []}  # fmt: skip
    end = plan_report(
        check, {"gateway": {"items": []}}, {"gpu01": [looked]}, gpus={"gpu01": facts, "gpu02": {}}
    )
    said = end["report"]
    assert "GPUs of gpu01" in said
    assert any("gpu01: error[gpu-overcommitted]" in line for line in said)
    assert "gpu01: A note" in said
    assert "it would not begin" in said[-1]
