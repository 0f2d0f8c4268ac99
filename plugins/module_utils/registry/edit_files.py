# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edited texts as a playbook writes them: with the mode and the first bytes of the old files."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from .load import shown
from .problems import Place, Problem

BOM = codecs.BOM_UTF8


def edits_of(directory: str, edits: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    """{file: absolute path, text: the new one or None where the file goes, mode, sha256: of what is
    there now}, in the order of their names."""
    found: list[dict[str, str | None]] = []
    for name, text in sorted(edits.items()):
        path = Path(directory).absolute() / name
        now = path.read_bytes()
        mode = f"0{path.stat().st_mode & 0o777:o}"
        new = f"\ufeff{text}" if now.startswith(BOM) and text is not None else text
        sum_now = hashlib.sha256(now).hexdigest()
        found.append({"file": str(path), "text": new, "mode": mode, "sha256": sum_now})
    return found


def unwritable(directory: str, edits: Mapping[str, str | None]) -> list[Problem]:
    """What would not let these files be written in the end: better said before anything is done."""
    folder = Path(directory)
    if not edits or os.access(folder, os.W_OK | os.X_OK):
        return []
    place = Place(shown(folder / min(edits)), 1, 1)
    message = "this file is to be changed at the end, and its directory cannot be written to"
    expected = "a directory that you may write to"
    return [Problem(place, "cannot-edit", message, expected)]
