# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a generation is still what its manifest says: nobody changes one, but root can."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from .content import Manifest

GONE, NEW = "gone", "not of it"
_OWN = frozenset({"manifest.json", "venv"})  # beside the files that the manifest names
Altered = dict[str, str]


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether all that it serves with is as it was staged."""
    return next(altered(folder, manifest), None) is None


def altered(folder: Path, manifest: Manifest) -> Iterator[Altered]:
    """{file, was, is} of each file of the generation in `folder` that is another one; hashes, or
    `gone` or `not of it`. What Python has compiled beside its sources does not count."""
    if not manifest.agrees():
        yield {"file": "manifest.json", "was": manifest.digest, "is": NEW}
    known = {**manifest.files, **{f"units/{name}": sum_ for name, sum_ in manifest.units.items()}}
    for name, was in sorted(known.items()):
        seen = sum_of(folder / name)
        if seen != was:
            yield {"file": name, "was": was, "is": seen}
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(files):
            path = str((Path(root) / name).relative_to(folder))
            if path not in known and path not in _OWN:
                yield {"file": path, "was": GONE, "is": NEW}
    link = folder / "venv"
    seen = str(link.readlink()) if link.is_symlink() else GONE
    if seen != f"../../venvs/{manifest.venv}":
        yield {"file": "venv", "was": f"../../venvs/{manifest.venv}", "is": seen}


def sum_of(path: Path) -> str:
    """The sha256 of a file's bytes; `gone` where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return GONE
