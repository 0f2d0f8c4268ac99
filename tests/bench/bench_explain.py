"""Explaining one name of a large configuration, beside writing the same answer down as JSON."""

from __future__ import annotations

import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_table import public_names
from bench_compile import CAPABILITIES, PATTERNS, Figure, compiled, registry
from big_registry import rules

PROVIDERS = 1000
ROUNDS = 5
SAMPLE = 211  # every so many names


def run() -> dict[str, Figure]:
    """`explain_ms`: the slowest kind of name; `explain_all_s`: the whole table."""
    with tempfile.TemporaryDirectory() as directory:
        text = registry(PROVIDERS) + rules(PROVIDERS, PATTERNS, CAPABILITIES)
        (Path(directory) / "registry.yaml").write_text(text)
        found = compiled(directory)
    config: Any = found.gateway_config
    index, floor = (
        quickest(lambda: Explainer(config, found.rules)),
        quickest(lambda: indexed(config)),
    )
    explainer = Explainer(config, found.rules)
    asked = {kind: milliseconds(explainer, names) for kind, names in kinds(explainer).items()}
    slowest = max(asked, key=lambda kind: asked[kind][0])
    every = quickest(lambda: [explainer.explain(name) for name in public_names(explainer)], 1)
    plain = quickest(lambda: json.dumps(config), 1)
    return {
        "explain_ms": figure(*asked[slowest], f"ms, {slowest}", 3),
        "explain_index_ms": figure(index * 1000, floor * 1000, "ms", 1),
        "explain_all_s": figure(every, plain, "s", 2),
    }


def kinds(explainer: Explainer) -> dict[str, list[str]]:
    """Names of each kind that there is, and one that nobody serves."""
    public = public_names(explainer)
    wild = [name for name in public if "*" in name]
    grouped = [name for name in public if name in explainer.names.group_of]
    return {
        "a name": [name for name in public if "*" not in name][::SAMPLE],
        "a pattern": [name.replace("*", "anything") for name in wild][::23],
        "a capability": grouped[::11],
        "nobody": ["famly-1-model-1", "nothing like it", "openai/x"],
    }


def milliseconds(explainer: Explainer, names: list[str]) -> tuple[float, float]:
    """(of the slowest of these names, of writing its explanation down)."""
    for name in names:
        explainer.explain(name)
    times = {name: quickest(lambda name=name: explainer.explain(name)) for name in names}
    slowest = max(times, key=lambda name: times[name])
    answer = explainer.explain(slowest).as_dict()
    return times[slowest] * 1000, quickest(lambda: json.dumps(answer)) * 1000


def indexed(config: Any) -> dict[str, list[Any]]:
    """The least that an index is: the entries by their names."""
    names: dict[str, list[Any]] = {}
    for entry in config["model_list"]:
        names.setdefault(entry["model_name"], []).append(entry)
    return names


def quickest(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds of the fastest of so many rounds."""
    times = []
    gc.collect()
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def figure(value: float, floor: float, unit: str, digits: int) -> Figure:
    """As tests/bench/run.py prints it."""
    return {
        "value": round(value, digits),
        "unit": unit,
        "floor": round(floor, 4),
        "ratio": round(value / floor, 1) if floor else 0.0,
    }
