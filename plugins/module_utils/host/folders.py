# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders that were brought as a whole: an unpacked archive, or the files of a repository.

A record in the folder says what every file was, with the size and the times that the kernel keeps.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from .fetch import FetchError
from .fingerprints import RECORD, content_of, fingerprint, read_record, write_record

INSTALLED = ".lab-llm-installed"
IDENTITY = "sha256"  # the record's word for what the folder was made of


def state(folder: Path, identity: str, check: bool) -> str:
    """Why the folder is not the one with this identity, whole and unchanged; "" if it is.

    Raises FetchError for a folder that is not ours.
    """
    if not os.path.lexists(folder):
        return "absent"
    known = read_record(folder / RECORD)
    if not known:
        if folder.is_dir() and not any(folder.iterdir()):
            return "empty"
        raise FetchError(f"{folder} was not brought by us: move it out of the way")
    if known.get(IDENTITY) != identity:
        return f"made of {known.get(IDENTITY)}"
    files = known.get("files")
    touched = {}
    for name, (print_then, content) in (files if isinstance(files, dict) else {}).items():
        path = folder / name
        if not os.path.lexists(path):
            return f"{name} is missing"
        if fingerprint(path, follow=False) != print_then:
            if content_of(path) != content:
                return f"{name} was changed"
            touched[name] = [fingerprint(path, follow=False), content]
    if touched and isinstance(files, dict) and not check:
        write_record(folder / RECORD, {**known, "files": {**files, **touched}})
    return ""


def beside(folder: Path, what: str) -> Path:
    """The folder's place while it is made (`new`) or replaced (`old`)."""
    return folder.parent / f".{folder.name}.{what}"


def linked(folder: Path, fresh: Path) -> None:
    """Have the files of a folder of ours in an empty one, too; that takes no room."""
    if not (folder / INSTALLED).exists():
        raise FetchError(f"{folder} is not there: it has to be brought before what goes over it")
    shutil.copytree(folder, fresh, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    for name in (RECORD, INSTALLED):
        (fresh / name).unlink()


def replace(folder: Path, content: Path) -> None:
    """Have `content` in the place of what is at `folder`."""
    old = beside(folder, "old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    content.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def sign(
    folder: Path,
    identity: str,
    sums: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> None:
    """Leave in a fresh folder what later runs compare it with.

    `sums`: the sha256 of files by their paths, as far as they are known; `more` goes into the
    record besides.
    """
    known = sums or {}
    files: dict[str, object] = {}
    for base, folders, names in os.walk(folder):
        for path in (Path(base) / name for name in names + folders if name != RECORD):
            if path.is_symlink() or path.is_file():
                name = str(path.relative_to(folder))
                content = known.get(name) or content_of(path)
                files[name] = [fingerprint(path, follow=False), content]
    write_record(folder / RECORD, {IDENTITY: identity, "files": files, **(more or {})})
    # New with every unpacking, and with nothing else: services watch it to restart after a repair.
    (folder / INSTALLED).write_text(f"{identity} {time.time_ns()}\n")
    os.sync()
