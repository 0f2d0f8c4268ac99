# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artefacts that nothing needs any more. Only what we brought is removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .fetch import FetchError, drop, part_of
from .fingerprints import RECORD, read_record, record_of
from .python_venv import drop_idle_uv
from .wishes import Outcome


def remove(target: Path, check: bool) -> Outcome:
    """Have no file, link or folder there; of a link its target stays.

    Raises FetchError for one that was not brought by us.
    """
    name, found = target.name, os.path.lexists(target)
    if not found and not record_of(target).exists():
        return Outcome(name, str(target), False, "absent", "absent")
    is_folder = target.is_dir() and not target.is_symlink()
    record = target / RECORD if is_folder else record_of(target)
    empty = is_folder and not any(target.iterdir())
    if found and not target.is_symlink() and not read_record(record) and not empty:
        raise FetchError(f"{target} was not brought by us: remove it yourself")
    if not check:
        if is_folder:
            _remove_folder(target)
            drop_idle_uv(target.parent)
        target.unlink(missing_ok=True)
        record_of(target).unlink(missing_ok=True)
        drop(part_of(target))
    return Outcome(name, str(target), True, "present", "absent")


def _remove_folder(folder: Path) -> None:
    """The record goes last: a folder that is half gone is ours until then."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != RECORD:
            entry.unlink()
    shutil.rmtree(folder)
