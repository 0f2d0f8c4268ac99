# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which wheels a lock file may be installed from, on hosts other than this one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CPYTHON = re.compile(r"cp3(\d+)")


@dataclass(frozen=True)
class Pin:
    """A package of a lock file, and the sums that it admits."""

    name: str
    version: str
    hashes: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """A file that an index offers."""

    file: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Target:
    """What is installed on: CPython 3.X for each number, and `uname -m`."""

    pythons: Sequence[int]
    machine: str


def pins(lock: str) -> list[Pin]:
    """The packages of a lock file with hashes, in its order."""
    found = list(_PIN.finditer(lock))
    ends = [one.start() for one in found[1:]] + [len(lock)]
    return [
        Pin(normal(one[1]), one[2], frozenset(_HASH.findall(lock, one.end(), end)))
        for one, end in zip(found, ends, strict=True)
    ]


def hashes_of(lock: str) -> list[str]:
    """All sums that a lock file admits."""
    return _HASH.findall(lock)


def normal(name: str) -> str:
    """A package's name as an index knows it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def chosen(pin: Pin, offers: Iterable[Offer], target: Target) -> list[Offer]:
    """The wheels of a package that are installed there: for each Python the one made for it that
    asks for the oldest C library. What another system or Python would need is none of them,
    whatever the lock file's markers say."""
    pinned = [one for one in offers if one.sha256 in pin.hashes]
    found: dict[str, Offer] = {}
    for number in target.pythons:
        only = Target([number], target.machine)
        fitting = [one for one in pinned if fits(one.file, only)]
        if fitting:
            best = min(fitting, key=_preference)
            found[best.sha256] = best
    return list(found.values())


def fits(file: str, target: Target) -> bool:
    """Whether a file is a wheel that one of the Pythons takes on a Linux with glibc."""
    parts = file.removesuffix(".whl").split("-")
    if not file.endswith(".whl") or len(parts) < 5:
        return False
    return any(_on(one, target.machine) for one in parts[-1].split(".")) and any(
        made_for(file, number) for number in target.pythons
    )


def made_for(wheel: str, number: int) -> bool:
    """Whether CPython 3.`number` takes a wheel, as far as its own release is concerned."""
    pythons, abis = (part.split(".") for part in wheel.split("-")[-3:-1])
    return any(_takes(number, tag, abis) for tag in pythons)


def _preference(offer: Offer) -> tuple[int, tuple[int, int], str]:
    """Compiled for one Python before compiled for several before plain; then the C library."""
    pythons, abis, platforms = offer.file.removesuffix(".whl").split("-")[-3:]
    kind = 2 if abis == "none" else 1 if "abi3" in abis else 0
    return kind, min(map(_glibc, platforms.split("."))), pythons


def _glibc(platform: str) -> tuple[int, int]:
    """The C library that a wheel asks for, as far as its name tells."""
    found = re.match(r"manylinux_(\d+)_(\d+)_", platform)
    if found:
        return int(found[1]), int(found[2])
    older = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    return older.get(platform.partition("_")[0], (3, 0))


def _on(platform: str, machine: str) -> bool:
    linux = platform.startswith(("manylinux", "linux_")) and platform.endswith(f"_{machine}")
    return platform == "any" or linux


def _takes(number: int, tag: str, abis: Sequence[str]) -> bool:
    if tag in ("py3", f"py3{number}"):
        return "none" in abis
    found = _CPYTHON.fullmatch(tag)
    if not found:
        return False
    least = int(found[1])
    if "abi3" in abis:
        return least <= number
    return least == number and (f"cp3{number}" in abis or "none" in abis)


def offers_in(answer: Mapping[str, object]) -> list[Offer]:
    """The files in an index's answer of PEP 691; `url` as it stands there."""
    files = answer.get("files")
    found = []
    for one in files if isinstance(files, list) else []:
        sums = one.get("hashes") or {}
        if sums.get("sha256"):
            found.append(Offer(str(one["filename"]), str(one["url"]), str(sums["sha256"])))
    return found
