# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders that are there whole or not at all, and that nobody changes afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ..host import atomic

STAGING = ".staging-"  # a folder that is not whole yet


class GenerationError(Exception):
    """What was asked cannot be done; the message says why and what to do."""


def fill(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files below a folder, durable and read-only."""
    for name, text in files.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/"):
            raise GenerationError(f"a generation cannot hold a file named {name!r}")
        path = folder.joinpath(*parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, text.encode(), 0o400)


def seal(folder: Path) -> None:
    """No more names in any folder of a generation, for Python's caches neither."""
    for root, _folders, _files in os.walk(folder, topdown=False):
        atomic.sync(Path(root))
        Path(root).chmod(0o500)


def remove(folder: Path) -> None:
    """Remove a sealed folder. Cut off, it leaves a folder that is not whole under no name that
    anybody reads."""
    if folder.exists() and not folder.name.startswith(STAGING):
        aside = folder.with_name(f"{STAGING}{folder.name}")
        remove(aside)
        folder = folder.rename(aside)
    for root, _folders, _files in os.walk(folder):
        with contextlib.suppress(OSError):  # somebody else's: the rest goes all the same
            Path(root).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
