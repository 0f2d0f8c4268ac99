# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling cheaply and honestly whether a file is still the one that was once checked."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from .fetch import sha256_of

RECORD = ".lab-llm.json"


def fingerprint(path: Path, follow: bool = True) -> list[int]:
    """Changes whenever the content does: the kernel sets ctime, nobody can set it back."""
    seen = path.stat() if follow else path.lstat()
    return [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]


def content_of(path: Path) -> str:
    """The sha256 of a file, or where a link points to."""
    return f"-> {path.readlink()}" if path.is_symlink() else sha256_of(path)


def record_of(target: Path) -> Path:
    """The file beside `target` that remembers what was checked."""
    return target.parent / f".{target.name}{RECORD}"


def read_record(path: Path) -> dict[str, object]:
    """What was remembered; empty if nothing readable is there."""
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        if isinstance(known, dict):
            return known
    return {}


def write_record(path: Path, known: dict[str, object]) -> None:
    """Remember, in one step, also where the power goes: an empty record would make it nobody's."""
    part = path.parent / f"{path.name}.part"
    with part.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(known, separators=(",", ":")))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def content_differs(path: Path) -> bool:
    """Whether a file whose look has changed is another one than was brought; one that was not
    brought by us counts as another."""
    known = read_record(record_of(path))
    if known and known.get("file") == fingerprint(path):
        return False  # brought anew since
    return not known or known.get("sha256") != sha256_of(path)
