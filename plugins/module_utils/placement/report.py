# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The placement of a host, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .hardware import ERROR
from .place import gib

Told = Mapping[str, Any]
_BASIS = {
    "file": "its file",
    "config": "its config.json",
    "assumed": "its size alone",
    "unknown": "nothing known",
}


def errors(told: Told) -> list[str]:
    """What must not be started, in sentences."""
    return [sentence(one) for one in told["problems"] if one["severity"] == ERROR]


def warnings(told: Told) -> list[str]:
    """The other findings, in sentences."""
    return [sentence(one) for one in told["problems"] if one["severity"] != ERROR]


def sentence(problem: Mapping[str, str]) -> str:
    """One finding."""
    return f"{problem['severity']}[{problem['code']}]: {problem['provider']}: {problem['message']}."


def lines(host: str, told: Told) -> list[str]:
    """The tables, then what is wrong."""
    return [*tables(host, told), *errors(told), *warnings(told), *told["notes"]]


def tables(host: str, told: Told) -> list[str]:
    """What there is, and what goes there."""
    found = []
    if told["gpus"]:
        found += [f"GPUs of {host}", *_table(_gpu_rows(told["gpus"]))]
    if told["services"]:
        found += [f"Estimates for {host}, on each GPU", *_table(_service_rows(told["services"]))]
    return found


def _gpu_rows(gpus: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "GPU", "model", "memory", "others", "planned", "left"
    for gpu in gpus:
        figures = (_gib(gpu[word]) for word in ("total", "others", "planned", "left"))
        yield str(gpu["index"]), gpu["model"], *figures


def _service_rows(services: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "provider", "GPUs", "weights", "cache", "compute", "driver", "needs", "takes", "from"
    for one in services:
        needs = one["needs"]
        words = ("weights", "kv_cache", "compute", "context", "total")
        figures = (_gib(needs[word]) for word in words)
        basis = " ".join(filter(None, (needs["quantisation"], f"by {_BASIS[needs['basis']]}")))
        name = f"{one['provider']} (slot {one['slot']})" if one["slot"] else one["provider"]
        yield name, ",".join(map(str, one["gpus"])) or "-", *figures, _gib(one["takes"]), basis


def _gib(size: float | None) -> str:
    return "?" if size is None else gib(size)


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    known = [*rows]
    widths = [max(map(len, column)) for column in zip(*known, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in known
    ]
