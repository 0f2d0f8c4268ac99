# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which GPUs of its host a service is going to be on, and whether it asks for one at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .settings import Settings

Spec = Mapping[str, Any]
Gpu = Mapping[str, Any]


def asks_for_gpu(spec: Spec, given: Settings) -> bool:
    """Whether something written asks for a GPU: `deploy.gpus`, layers that are to be on one, or
    vLLM, which otherwise needs `gpus: []`. Where nothing is written llama-server and Ollama take
    what is there, and do without it."""
    if spec["gpus"] is not None:
        return bool(spec["gpus"])
    if spec["engine"] == "vllm":
        return str((spec.get("options") or {}).get("device", "")) != "cpu"
    return bool(given.layers)


def uses_gpu(spec: Spec, given: Settings) -> bool:
    """Whether it takes one where there is one."""
    return spec["gpus"] != [] and given.layers != 0


def chosen(spec: Spec, given: Settings, present: Sequence[Gpu], need: float) -> list[int]:
    """The numbers of those that it is on; those that the host has not are left out.

    vLLM takes as many as it has ranks, from the first on. llama-server shares its layers out over
    all. Ollama takes one if the model, of `need` MiB on one, fits into it, else all.
    """
    numbers = [gpu["index"] for gpu in present]
    own = numbers if spec["gpus"] is None else [one for one in spec["gpus"] if one in numbers]
    if spec["engine"] == "vllm":
        return own[: given.ranks * given.stages]
    if spec["engine"] == "ollama":
        rooms = {gpu["index"]: gpu["free"] or gpu["total"] or 0 for gpu in present}
        best = max(own, key=lambda one: rooms[one], default=None)
        totals = {gpu["index"]: gpu["total"] or 0 for gpu in present}
        return own if best is None or need > totals[best] else [best]
    return own if given.split else own[:1]
