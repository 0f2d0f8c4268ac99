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
    """The service on its GPUs; nothing where it uses none. `present` and `files`: see placement."""
    given = settings_of(spec)
    if not uses_gpu(spec, given) or not (present or asks_for_gpu(spec, given)):
        return
    models = _at_once(spec, given, files)
    alone = sum((_of(spec, *model, 1, 0.0).total for model in models), 0.0)
    on = tuple(chosen(spec, given, present, alone))
    totals = [gpu["total"] or 0 for gpu in present if gpu["index"] in on]
    total = float(min(totals, default=0))
    needs = _sum([_of(spec, *model, len(on), total) for model in models])
    takes = needs.total
    firm = needs.weights if needs.basis == ASSUMED else needs.total
    if spec["engine"] == "vllm" and given.utilisation and total:
        takes = firm = given.utilisation * total
    yield Placed(spec, given, needs, on, takes, 0.0 if given.adapts else firm)


def _at_once(
    spec: Spec, given: Settings, files: Mapping[str, Any]
) -> list[tuple[Known | None, Settings]]:
    """Of several models the largest that are in memory at once, each with its own settings: Ollama
    and llama-server's router drop one for another when there are more."""
    found = []
    for model in spec["models"]:
        options = {**(spec.get("options") or {}), **(model.get("options") or {})}
        known = known_model(
            spec["engine"], model, files.get(f"{spec['provider']}/{model['name']}") or {}, options
        )
        own = settings_of({**spec, "options": options})
        # llama-server and vLLM take a model's own context where nothing is set.
        if not own.context and spec["engine"] != "ollama":
            own = replace(own, context=model.get("context_length") or 0)
        found.append((known, own))
    found.sort(key=lambda one: one[0].bytes if one[0] else 0.0, reverse=True)
    return found[: given.at_once or len(found)]


def _of(spec: Spec, known: Known | None, given: Settings, gpus: int, total: float) -> Estimate:
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
    return f"{size:.0f} MiB" if 0 < size < 100 else f"{size / 1024:.1f} GiB"
