# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of one host against its GPUs: what each takes, what is there, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .estimate import ASSUMED, UNKNOWN
from .hardware import ERROR, WARNING, too_old
from .place import Gpu, Placed, Spec, gib, placed, planned
from .places import asks_for_gpu
from .settings import settings_of

FEW = 1024  # MiB that a desktop or the driver itself may take
NEARLY = 0.95


def placement(
    services: Sequence[Spec], facts: Mapping[str, Any], files: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """{services, gpus, problems, notes}, JSON-ready, MiB.

    `services` are the specs of a host; `facts` what gpus() says of it; `files` what
    model_files.look() says, by `provider/model`. `services`: [{provider, engine, slot, gpus, needs,
    takes}], `needs` as of Estimate.as_dict; `gpus`: [{index, model, total, others, planned, left}],
    where `others` is held by processes of others; `problems`: [{severity, code, provider,
    message}].
    """
    present: list[Gpu] = list(facts["gpus"])
    found = [one for spec in services for one in placed(spec, present, files or {})]
    rows = [_gpu_row(gpu, found) for gpu in present]
    problems = [*_missing(services, facts), *_about_services(found, present)]
    for gpu, row in zip(present, rows, strict=True):
        problems += [*_about_gpu(gpu, row, found)]
    return {
        "services": [_service_row(one) for one in found],
        "gpus": rows,
        "problems": problems,
        "notes": [*facts.get("notes", ()), *_damaged(files or {})],
    }


def _gpu_row(gpu: Gpu, on_host: Sequence[Placed]) -> dict[str, Any]:
    others, who = _others(gpu, {unit for one in on_host for unit in _units(one.spec)})
    all_of_ours = planned(gpu, on_host, "takes")
    total = gpu["total"]
    return {
        "index": gpu["index"],
        "model": gpu["model"],
        "total": total,
        "others": others,
        "who": who,
        "planned": round(all_of_ours),
        "left": None if total is None else round(total - (others or 0) - all_of_ours),
    }


def _units(spec: Spec) -> list[str]:
    """Where vLLM runs on Ray, its processes belong to that."""
    ray = spec.get("ray") or {}
    return [spec["unit"], *([ray["unit"]] if ray.get("unit") else [])]


def _others(gpu: Gpu, ours: set[str]) -> tuple[int | None, list[str]]:
    """(MiB that are held and not by us, None if nobody can tell; whose they are)."""
    used, processes = gpu["used"], gpu["processes"]
    strangers = [one for one in processes if one["unit"] not in ours]
    who = [f"{one['name'].rpartition('/')[2]} (pid {one['pid']})" for one in strangers]
    sizes = [one["memory"] for one in processes if one["unit"] in ours]
    if used is None or None in sizes:
        known = [one["memory"] for one in strangers if one["memory"]]
        return (sum(known) if known else None), who
    if not processes and used > FEW:  # in a container nobody is seen; it may be ourselves
        return None, []
    return max(0, used - sum(sizes)), who


def _missing(services: Sequence[Spec], facts: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    numbers = [gpu["index"] for gpu in facts["gpus"]]
    for spec in services:
        given = settings_of(spec)
        if not asks_for_gpu(spec, given):
            continue
        if not numbers:
            why = "; ".join(facts.get("notes", ()))
            message = f"it asks for a GPU, and the host has none{f' ({why})' if why else ''}"
            yield _problem(ERROR, "no-gpu", spec, f"{message}: gpus: [] is for the CPU alone")
            continue
        for number in spec["gpus"] or ():
            if number not in numbers:
                has = ", ".join(map(str, numbers))
                message = f"it asks for GPU {number}, and the host has {has}"
                yield _problem(ERROR, "unknown-gpu", spec, message)
        every, have = given.ranks * given.stages, len(spec["gpus"] or numbers)
        if every > have and not spec.get("ray") and spec["gpus"] is None:
            message = (
                f"it wants {every} GPUs (tensor by pipeline parallel), and the host has {have}"
            )
            yield _problem(ERROR, "too-few-gpus", spec, message)


def _about_services(on_host: Sequence[Placed], present: Sequence[Gpu]) -> Iterator[dict[str, str]]:
    by_index = {gpu["index"]: gpu for gpu in present}
    for one in on_host:
        if one.needs.basis == UNKNOWN:
            message = "what its model takes is not known: give the model's `size`, such as 8B"
            yield _problem(WARNING, "unknown-size", one.spec, message)
        for index in one.on:
            gpu = by_index[index]
            for severity, code, sentence in too_old(one.spec, gpu, one.needs.quantisation):
                yield _problem(severity, code, one.spec, sentence)
            if gpu["mig"]:
                parts = ", ".join(gpu.get("parts") or ()) or "not known here"
                message = (
                    f"GPU {index} is split by MIG (its parts: {parts}): a service gets one of them,"
                    " and the estimate is for the whole"
                )
                yield _problem(WARNING, "gpu-split", one.spec, message)
        if one.spec["engine"] == "vllm" and one.takes < one.needs.total and one.on:
            yield _too_small(one)


def _too_small(one: Placed) -> dict[str, str]:
    least = one.needs.total - (one.needs.kv_cache if one.needs.basis == ASSUMED else 0.0)
    severity = ERROR if least > one.takes and not one.spec.get("overcommit") else WARNING
    message = (
        f"gpu_memory_utilization {one.given.utilisation:g} gives it {gib(one.takes)}, and it needs "
        f"{gib(one.needs.total)} for one request of {one.needs.tokens} tokens: raise it, lower "
        "max_model_len, or share it among more GPUs (tensor_parallel_size)"
    )
    return _problem(severity, "gpu-share-too-small", one.spec, message)


def _about_gpu(gpu: Gpu, row: Mapping[str, Any], on_host: Sequence[Placed]
               ) -> Iterator[dict[str, str]]:  # fmt: skip
    here = [one for one in on_host if gpu["index"] in one.on]
    total, others = gpu["total"], row["others"] or 0
    if not here or total is None:
        return
    names = ", ".join(dict.fromkeys(one.name for one in here))
    spec = {"provider": names}
    if row["others"] is None and gpu["used"]:
        message = f"{gib(gpu['used'])} of GPU {gpu['index']} are held, by whom is not known"
        yield _problem(WARNING, "gpu-used-by-others", spec, f"{message}; they are not counted")
    elif others > FEW:
        who = ", ".join(row["who"][:4]) or "no process that can be seen"
        message = f"{gib(others)} of GPU {gpu['index']} are held by others: {who}"
        yield _problem(WARNING, "gpu-used-by-others", spec, message)
    least = planned(gpu, on_host, "firm")
    if row["planned"] + others <= total:
        if row["planned"] + others > NEARLY * total:
            message = f"GPU {gpu['index']} is going to have {gib(max(0, row['left']))} left"
            yield _problem(WARNING, "gpu-nearly-full", spec, message)
        return
    allowed = any(one.spec.get("overcommit") for one in here)
    firm = least + others > total
    beside = f" beside {gib(others)} of others" if others else ""
    message = (
        f"GPU {gpu['index']} has {gib(total)}, and {gib(row['planned'])} are to be on it{beside}: "
        "give fewer of them this GPU, a smaller model, context or quantisation"
    )
    ends = "" if allowed else ", or allow it (deploy.overcommit: true)"
    if not firm:
        ends += "; part of this is assumed, or the engine makes do with less"
    severity = ERROR if firm and not allowed else WARNING
    yield _problem(severity, "gpu-overcommitted", spec, f"{message}{ends}")


def _damaged(files: Mapping[str, Any]) -> Iterator[str]:
    return (found["problem"] for found in files.values() if found.get("problem"))


def _service_row(one: Placed) -> dict[str, Any]:
    return {
        "provider": one.name,
        "engine": one.spec["engine"],
        "slot": one.slot,
        "gpus": list(one.on),
        "needs": one.needs.as_dict(),
        "takes": round(one.takes),
    }


def _problem(severity: str, code: str, spec: Spec, message: str) -> dict[str, str]:
    text = {"severity": severity, "code": code, "provider": str(spec["provider"])}
    return {**text, "message": message}
