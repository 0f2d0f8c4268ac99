# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The venvs on the gateway's host: which are whole, which are about to be needed, which may go.

A venv is had before the gateway is locked, for it may take minutes to make one. Until a generation
is made with it, nothing but its age tells others that somebody wants it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

MARK = "lab-llm.json"  # written last: with it a venv is complete
WANTED_SECONDS = 3600.0  # from having a venv to the generation that is made with it


def is_whole(folder: Path, name: str) -> bool:
    """Whether the venv of this name is complete."""
    return (folder / name / MARK).exists()


def claim(folder: Path, name: str) -> bool:
    """Whether the venv of this name is complete; if it is, `prune` spares it for a while."""
    with _alone(folder), contextlib.suppress(FileNotFoundError):
        os.utime(folder / name / MARK)
        return True
    return False


def prune(folder: Path, needed: Collection[str]) -> None:
    """Remove complete venvs that are not `needed` and that nobody has had just now; half-made ones
    are a run's own."""
    with _alone(folder):
        for mark in folder.glob(f"*/{MARK}"):
            venv = mark.parent
            if venv.name not in needed and time.time() - mark.stat().st_mtime > WANTED_SECONDS:
                mark.unlink()  # first: from here on it is not complete
                shutil.rmtree(venv, ignore_errors=True)
                venv.with_name(f"{venv.name}.txt").unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody claims a venv that is just being removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".claims").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
