# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GPUs: what can be told of them without a look at a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...placement.places import asks_for_gpu
from ...placement.settings import UTILISATION, Settings, settings_of
from ...registry.model import Provider
from ...registry.problems import ERROR, WARNING, Problem
from ...registry.slots import slot_of
from ..resolve import is_distributed, run_hosts
from .facts import Facts

FIRST = -1  # where no GPU is named it takes as many as it wants, from the first on


class Share(NamedTuple):
    """What a vLLM takes of the whole memory of a GPU, 1 being all of it."""

    size: float
    provider: Provider


def gpu_share_exceeded(facts: Facts) -> Iterator[Problem]:
    """Each vLLM takes its share of a GPU's whole memory when it starts."""
    told: set[str] = set()
    for (host, gpu), turns in _shares(facts).items():
        # Of those that take turns in a slot only one is there, at most the largest.
        largest = [max(shares, key=_size) for shares in turns.values()]
        total, last = sum(share.size for share in largest), largest[-1].provider
        if total > 1.0001 and last.name not in told:
            told.add(last.name)
            yield _exceeded(host, gpu, largest, total)


def _size(share: Share) -> float:
    return share.size


def _shares(facts: Facts) -> dict[tuple[str, int], dict[str, list[Share]]]:
    """(host, GPU) -> slot, or a provider that shares none -> what its members take."""
    found: dict[tuple[str, int], dict[str, list[Share]]] = {}
    for provider in facts.live():
        if not provider.deployed or provider.type.name != "vllm":
            continue
        spec = {"engine": "vllm", "gpus": provider.deploy.get("gpus"),
                "options": dict(provider.deploy.get("options") or {})}  # fmt: skip
        given, hosts = settings_of(spec), run_hosts(provider, facts.inventory)
        if not asks_for_gpu(spec, given):
            continue
        turn = f"slot {slot_of(provider)}" if slot_of(provider) else f"provider {provider.name}"
        for gpu in _numbers(provider, given, len(hosts)):
            for host in hosts:
                turns = found.setdefault((host, gpu), {})
                turns.setdefault(turn, []).append(Share(given.utilisation or 0.0, provider))
    return found


def _numbers(provider: Provider, given: Settings, hosts: int) -> list[int]:
    """The GPUs that it is certain to be on, on each of its hosts."""
    gpus, copies = provider.deploy.get("gpus"), _copies(provider)
    wanted = given.ranks * given.stages * copies
    if is_distributed(provider):  # Ray chooses, unless it needs them all
        return list(gpus) if gpus and wanted >= len(gpus) * hosts else []
    return [FIRST] if gpus is None else list(gpus)[:wanted]


def _copies(provider: Provider) -> int:
    size = (provider.deploy.get("options") or {}).get("data_parallel_size")
    return max(1, size) if isinstance(size, int) else 1


def _exceeded(host: str, gpu: int, largest: list[Share], total: float) -> Problem:
    last = largest[-1].provider
    names = " and ".join(share.provider.name for share in largest)
    which = "one GPU" if gpu == FIRST else f"GPU {gpu}"
    message = (
        f"providers.{last.name}: {names} take {total * 100:.4g}% of {which} of {host}"
        f" (gpu_memory_utilization, by default {UTILISATION})"
    )
    allowed = any(share.provider.deploy.get("overcommit") is True for share in largest)
    return Problem(
        last.at("deploy", "options"),
        "gpu-share-exceeded",
        message,
        "shares of 1 at most together, other deploy.gpus, or one deploy.slot",
        severity=WARNING if allowed else ERROR,
    )
