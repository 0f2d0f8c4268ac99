# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of one host, each on its GPUs with what it takes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .estimate import ASSUMED, Estimate, Known, estimate, known_model
from .places import asks_for_gpu, chosen, uses_gpu
from .settings import Settings, settings_of

Spec = Mapping[str, Any]
Gpu = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A service with its estimate on each of the GPUs of `on`. `takes`: MiB on each; `firm`: what
    it takes at least, as far as that does not rest on assumptions."""

    spec: Spec
    given: Settings
    needs: Estimate
    on: tuple[int, ...]
    takes: float
    firm: float

    @property
    def name(self) -> str:
        return str(self.spec["provider"])

    @property
    def slot(self) -> str:
        return str(self.spec.get("slot") or "")


def placed(spec: Spec, present: Sequence[Gpu], files: Mapping[str, Any]) -> Iterator[Placed]:
    given = settings_of(spec)
    if not uses_gpu(spec, given) or not (present or asks_for_gpu(spec, given)):
        return
    models = _largest(spec, given, files)
    alone = sum((_of(spec, known, given, 1, 0.0).total for known in models), 0.0)
    on = tuple(chosen(spec, given, present, alone))
    totals = [gpu["total"] or 0 for gpu in present if gpu["index"] in on]
    total = float(min(totals, default=0))
    each = [_of(spec, known, given, len(on), total) for known in models]
    needs = _sum(each)
    takes = needs.total
    if spec["engine"] == "vllm" and given.utilisation and total:
        takes = given.utilisation * total
        firm = takes
    else:
        firm = needs.weights if needs.basis == ASSUMED else needs.total
    yield Placed(spec, given, needs, on, takes, 0.0 if given.adapts else firm)


def _largest(spec: Spec, given: Settings, files: Mapping[str, Any]) -> list[Known | None]:
    """Of several models those that are in memory at once: Ollama and llama-server's router drop
    one for another."""
    options = spec.get("options") or {}
    found = [
        known_model(
            spec["engine"], model,
            files.get(f"{spec['provider']}/{model['name']}") or {}, options,
        )
        for model in spec["models"]
    ]  # fmt: skip
    ordered = sorted(found, key=lambda known: known.bytes if known else 0.0, reverse=True)
    return ordered[: given.at_once]


def _of(spec: Spec, known: Known | None, given: Settings, gpus: int, total: float) -> Estimate:
    lengths = [model.get("context_length") or 0 for model in spec["models"]]
    # llama-server and vLLM take a model's own context where nothing is set; the registry knows it.
    if not given.context and spec["engine"] != "ollama" and any(lengths):
        given = replace(given, context=max(lengths))
    return estimate(spec["engine"], known, given, gpus, total)


def _sum(each: Sequence[Estimate]) -> Estimate:
    first = each[0] if each else Estimate()
    parts = ("weights", "kv_cache", "compute", "context")
    sums = {part: sum(getattr(one, part) for one in each) for part in parts}
    return replace(first, **sums)


def planned(gpu: Gpu, on_host: Sequence[Placed], figure: str) -> float:
    """Of those that share a slot, only the largest is there at a time."""
    alone = 0.0
    slots: dict[str, float] = {}
    for one in on_host:
        if gpu["index"] in one.on:
            size = float(getattr(one, figure))
            if one.slot:
                slots[one.slot] = max(slots.get(one.slot, 0.0), size)
            else:
                alone += size
    return alone + sum(slots.values())


def gib(size: float) -> str:
    """MiB as people read them."""
    return f"{size / 1024:.1f} GiB"
