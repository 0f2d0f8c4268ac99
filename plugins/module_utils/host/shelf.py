# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The models on one host: how large they are, who uses them, and which may go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .artifact_removal import remove
from .fetch import FetchError, drop
from .fingerprints import RECORD, read_record, record_of
from .folders import beside

_PART, _NEW = ".part", ".new"


def look(
    folder: Path, used: Mapping[str, Sequence[str]], unreferenced: bool, check: bool
) -> dict[str, Any]:
    """{models, removed, changed, diff, failed, msg}; with `unreferenced` those go that nobody uses.

    `used`: place -> providers. A model is {path, size, used_by, ours}; `ours` says whether it was
    brought by us: others are never removed. What an unfinished download has left has `unfinished`.
    """
    models = [_seen(path, used) for path in _entries(folder)]
    gone = [one for one in models if unreferenced and not one["used_by"] and one["ours"]]
    removed: list[str] = []
    try:
        for one in gone:
            _remove(Path(one["path"]), one["unfinished"], check)
            removed.append(one["path"])
    except (FetchError, OSError) as problem:
        told = {"failed": True, "msg": str(problem), "changed": bool(removed)}
        return {**told, "models": models, "removed": removed}
    before = "".join(f"{one['path']}\n" for one in models)
    after = "".join(f"{one['path']}\n" for one in models if one["path"] not in removed)
    diff = {"before_header": str(folder), "after_header": str(folder)}
    return {
        "failed": False,
        "changed": bool(removed),
        "models": models,
        "removed": removed,
        "diff": [{**diff, "before": before, "after": after}] if removed else [],
    }


def _entries(folder: Path) -> list[Path]:
    """Models, and what was left of those that have not come whole."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    whole = [one for one in found if not one.name.startswith(".")]
    return whole + [one for one in found if _whole_name(one) and one.suffix in (_PART, _NEW)]


def _whole_name(part: Path) -> str:
    """What it would be called if it had come whole, "" for what is none."""
    name = part.name
    if not name.startswith(".") or part.suffix not in (_PART, _NEW):
        return ""
    return name[1:].removesuffix(part.suffix)


def _seen(path: Path, used: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    unfinished = bool(_whole_name(path))
    place = path.with_name(_whole_name(path)) if unfinished else path
    record = path / RECORD if path.is_dir() and not path.is_symlink() else record_of(path)
    return {
        "path": str(path),
        "size": _size(path),
        "used_by": sorted(used.get(str(place), ())),
        "ours": unfinished or bool(read_record(record)),
        "unfinished": unfinished,
        "link": str(path.readlink()) if path.is_symlink() else "",
    }


def _size(path: Path) -> int:
    """Bytes of a file or of what is in a folder; a link has none of its own."""
    if path.is_symlink():
        return 0
    if not path.is_dir():
        return path.stat().st_size
    return sum(
        (Path(base) / name).lstat().st_size
        for base, _folders, names in os.walk(path)
        for name in names
    )


def _remove(path: Path, unfinished: bool, check: bool) -> None:
    if not unfinished:
        remove(path, check)
    elif not check:
        whole = path.with_name(_whole_name(path))
        if path == beside(whole, "new"):
            shutil.rmtree(path)
        drop(whole.parent / f".{whole.name}{_PART}")
