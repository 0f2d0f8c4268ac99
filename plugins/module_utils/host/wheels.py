# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing with pip or uv from wheels that were brought along, and from nowhere else."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .fetch import FetchError, full_disk_told
from .venvs import VenvError


def minor_of(python: str) -> int | None:
    """11 for a Python 3.11, None for a program that is none."""
    ask = [python, "-c", "import sys; print(sys.version_info.minor)"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
        return int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # whoever makes the venv will be told why


@contextlib.contextmanager
def only_from(archive: int | None, folder: Path) -> Iterator[None]:
    """Let pip and uv see the wheels in a tar, an open file, and no index. None: as it is.

    They are unpacked below `folder` and removed in the end. Raises VenvError, OSError.
    """
    if archive is None:
        yield
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = dict(os.environ)
    wheels = Path(tempfile.mkdtemp(prefix=".wheels-", dir=folder))
    try:
        _unpack(archive, wheels)
        os.environ.update(
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=str(wheels),
            PIP_CONFIG_FILE=os.devnull,
            UV_NO_INDEX="1",
            UV_FIND_LINKS=str(wheels),
            UV_OFFLINE="1",
        )
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(wheels, ignore_errors=True)


def _unpack(archive: int, wheels: Path) -> None:
    try:
        with (
            full_disk_told(wheels.parent),
            open(os.dup(archive), "rb") as stream,  # noqa: PTH123 - it is open already
            tarfile.open(fileobj=stream) as tar,
        ):
            for member in tar:
                _take(tar, member, wheels)
    except FetchError as problem:
        raise VenvError(str(problem)) from None
    except tarfile.TarError as problem:
        why = f"the wheels of the bundle did not come whole ({problem}): run this again"
        raise VenvError(why) from None


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Only plain files, by their names alone: pip checks what is in them by the lock file."""
    source = tar.extractfile(member) if member.isfile() else None
    if source is not None:
        with source, (folder / Path(member.name).name).open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
