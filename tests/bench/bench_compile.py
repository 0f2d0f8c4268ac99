"""Checking and compiling beside merely parsing the same YAML and dumping it again with libyaml;
the same with all that routes in it, and the memory that it takes beside what was parsed."""

from __future__ import annotations

import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from big_registry import rules

Figure = dict[str, float | str]

MODELS = 10
ROUNDS = 5
PATTERNS, CAPABILITIES = 500, 200
TYPES = ("vllm", "ollama", "llama_cpp", "openai_compatible", "lm_studio", "sglang", "groq")


def registry(providers: int) -> str:
    """A registry of so many providers, ten models each, and the rules that people write."""
    lines = ["providers:"]
    for number in range(providers):
        kind = TYPES[number % len(TYPES)]
        lines += [
            f"  provider-{number}:",
            f"    type: {kind}",
            f"    base_url: http://10.{number // 250 % 250}.{number % 250}.1:8000",
            "    status: active",
            f'    description: "Number {number} of the bench"',
            "    features: [GPU acceleration, streaming]",
            "    health_endpoint: /health",
            "    models:",
        ]
        for model in range(MODELS):
            lines += [
                f"      - name: family-{number}-model-{model}",
                '        size: "7B"',
                "        context_length: 8192",
                f"        specialty: {f'task-{number % CAPABILITIES}' if model == 6 else 'chat'}",
            ]
    lines.append("exact_matches:")
    for number in range(providers):
        lines += [
            f'  "public-{number}":',
            f"    provider: provider-{number}",
            f"    backend_model: family-{number}-model-3",
            f"    fallback: family-{(number + 1) % providers}-model-1",
        ]
    lines.append("redundant_models:")
    for number in range(0, providers - 1, 10):
        lines += [
            f"  shared-{number}:",
            "    providers:",
            f"      - {{provider: provider-{number}, weight: 0.5, model: family-{number}-model-0}}",
            f"      - {{provider: provider-{number + 1}, weight: 0.5,"
            f" model: family-{number + 1}-model-0}}",
        ]
    return "\n".join(lines) + "\n"


def best(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of the fastest of so many rounds (others use this machine as well)."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measure(text: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """(seconds of the whole pipeline, seconds of parsing and dumping) for one registry."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "registry.yaml"
        path.write_text(text)

        def floor() -> None:
            yaml.dump(parsed(path), Dumper=yaml.CSafeDumper, sort_keys=False)

        def ours() -> None:
            compiled(directory)

        ours()
        pairs = [(best(ours, 1), best(floor, 1)) for _ in range(rounds)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def parsed(path: Path) -> object:
    """A file as libyaml reads it."""
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def compiled(directory: str) -> Compiled:
    """All that is made of a registry, which must be without errors."""
    found = compile_registry(directory, Inventory())
    if has_errors(found.problems) or not found.gateway_config_text:
        raise SystemExit("\n".join(map(str, found.problems[:10])))
    return found


def memory(text: str) -> tuple[float, float]:
    """(MB that stay of what is compiled, MB that stay of what libyaml parses)."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "registry.yaml"
        path.write_text(text)
        return held(lambda: compiled(directory)), held(lambda: parsed(path))


def held(work: Callable[[], object]) -> float:
    """MB of what some work returns."""
    gc.collect()
    tracemalloc.start()
    kept = work()
    gc.collect()
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size / 1e6


def run() -> dict[str, Figure]:
    """The figures, as tests/bench/run.py collects them."""
    figures: dict[str, Figure] = {}
    for providers, label in ((100, "1k"), (1000, "10k")):
        seconds, floor = measure(registry(providers))
        figures[f"compile_{label}_s"] = {
            "value": round(seconds, 3), "unit": "s", "floor": round(floor, 3),
            "ratio": round(seconds / floor, 2),
        }  # fmt: skip
    small, large = figures["compile_1k_s"], figures["compile_10k_s"]
    figures["compile_10k_ratio"] = {
        "value": large["ratio"], "unit": "x parse + dump", "floor": 1.0, "ratio": large["ratio"],
    }  # fmt: skip
    growth, floor = (round(float(large[key]) / float(small[key]), 2) for key in ("value", "floor"))
    figures["compile_growth"] = {
        "value": growth,
        "unit": "x for 10x the registry",
        "floor": floor,
        "ratio": round(growth / floor, 2),
    }
    return figures | full()


def full() -> dict[str, Figure]:
    """With 500 patterns, half of them no prefixes, and 200 capabilities."""
    text = registry(1000) + rules(1000, PATTERNS, CAPABILITIES)
    seconds, floor = measure(text)
    size, size_floor = memory(text)
    ratio = round(seconds / floor, 2)
    return {
        "compile_full_10k_ratio": {
            "value": ratio, "unit": f"x parse + dump ({round(seconds, 2)} s)", "floor": 1.0,
            "ratio": ratio,
        },
        "compile_full_10k_mb": {
            "value": round(size), "unit": "MB beside the parsed YAML", "floor": round(size_floor),
            "ratio": round(size / size_floor, 2),
        },
    }  # fmt: skip
