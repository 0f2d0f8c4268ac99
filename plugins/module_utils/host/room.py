# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether there is room for all that has to come, before the first byte of it does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import snapshots
from .downloads import arrived, size_of
from .fetch import FetchError, part_of
from .wishes import Artifact

# How many times as large as an archive its content is taken to be; only unpacking it tells.
UNPACKED = {".zip": 3, ".gz": 3, ".tgz": 3, ".xz": 5, ".bz2": 4, ".zst": 4, ".tzst": 4}


def check_room(wishes: Iterable[Artifact], known: Mapping[str, int] | None = None) -> None:
    """Raises FetchError with what is needed, what is free and where, for all of them together.

    `known` are sizes by target, of copies that are to come. What nobody says the size of beforehand
    is not counted.
    """
    needed: dict[int, int] = {}
    where: dict[int, Path] = {}
    names: dict[int, list[str]] = {}
    for wish in wishes:
        size = _needed(wish, (known or {}).get(str(wish.target)))
        if size:
            folder = _existing(wish.target.parent)
            device = folder.stat().st_dev
            where.setdefault(device, folder)
            needed[device] = needed.get(device, 0) + size
            names.setdefault(device, []).append(f"{wish.name} {_shown(size)}")
    for device, size in needed.items():
        free = shutil.disk_usage(where[device]).free
        if size > free:
            raise FetchError(
                f"no space in {where[device]}: {_shown(size)} are needed, {_shown(free)} are free "
                f"({', '.join(names[device])}). Free some room; nothing was fetched"
            )


def _needed(wish: Artifact, known: int | None = None) -> int:
    if wish.is_repository:
        return snapshots.missing(wish) if known is None else known
    size = _size(wish) if known is None else known
    if not wish.unpack:
        return max(0, size - arrived(wish.origin, part_of(wish.target)))
    return int(size * (1 + UNPACKED.get(Path(wish.location or wish.path or wish.member).suffix, 1)))


def _size(wish: Artifact) -> int:
    if wish.handed:
        return os.fstat(wish.handed[""]).st_size
    if wish.path:
        there = Path(wish.path).exists() and not wish.link
        return Path(wish.path).stat().st_size if there else 0
    return (size_of(wish.origin) or 0) if wish.location else 0


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
