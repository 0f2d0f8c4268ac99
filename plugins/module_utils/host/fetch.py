# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting one file into its place on this host: checked by sha256, and there in one step."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20


class FetchError(Exception):
    """The artefact could not be had; the message is one sentence with the way out."""


class CutOffError(FetchError):
    """It broke off, and what has arrived is kept for the next run."""


def shown(url: str) -> str:
    """The URL without a user, a password or a query, which may be credentials."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def copy(source: Path, target: Path, sha256: str) -> int:
    """Copy a file of this host into `target`, checking its sum on the way; size in bytes."""
    with readable(source) as stream:
        return copy_open(stream, target, sha256, str(source))


def copy_open(stream: BinaryIO, target: Path, sha256: str, source: str) -> int:
    """The same with a file that is open already; `source` names it in messages."""
    length = os.fstat(stream.fileno()).st_size
    if length > shutil.disk_usage(target.parent).free:
        raise disk_full(target.parent, length)
    digest = hashlib.sha256()
    with target.open("wb") as out, full_disk_told(target.parent, length):
        while chunk := stream.read(CHUNK):
            out.write(chunk)
            digest.update(chunk)
        out.flush()
    check_sum(digest.hexdigest(), sha256, source)
    return length


@contextlib.contextmanager
def readable(source: Path) -> Iterator[BinaryIO]:
    """Open a file of this host, with a sentence for each way in which it cannot be read."""
    try:
        stream = source.open("rb")
    except FileNotFoundError:
        raise FetchError(f"{source} is not on this host: put it there or name a url") from None
    except (PermissionError, IsADirectoryError) as problem:
        raise FetchError(
            f"{source} cannot be read by user {_me()} ({os.strerror(problem.errno or 0)}): make "
            "the file readable and each folder above it passable for that user"
        ) from None
    with stream:
        yield stream


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in lower-case hex."""
    with readable(path) as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()


@contextlib.contextmanager
def staged(destination: Path) -> Iterator[Path]:
    """A temporary file beside `destination`, removed in the end unless it was renamed away.

    Its name is fixed and locked, so that what a killed or cut-off run left is used again, and two
    runs at once do not mix.
    """
    part = part_of(destination)
    make_folder(destination.parent)
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(
                f"another run is fetching {destination} right now: wait for it"
            ) from None
        try:
            yield part
        except CutOffError:
            raise
        except Exception:
            drop(part)
            raise
        drop(part)
    finally:
        os.close(handle)


def part_of(destination: Path) -> Path:
    """Where a file is while it arrives."""
    return destination.parent / f".{destination.name}.part"


def about(part: Path) -> Path:
    """What is known of a file that has arrived in part."""
    return part.with_name(f"{part.name}.json")


def drop(part: Path) -> None:
    """Have neither the part nor what is known of it."""
    part.unlink(missing_ok=True)
    about(part).unlink(missing_ok=True)


def put_in_place(part: Path, destination: Path, mode: int) -> None:
    """Flush `part` to the disk and give it the name `destination` in one step."""
    with part.open("rb") as stream:
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    part.replace(destination)
    handle = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create `folder` and what is above it, with a sentence if that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        raise FetchError(
            f"user {_me()} may not create {folder}: choose a folder below that user's home or "
            "create it first"
        ) from None
    except (FileExistsError, NotADirectoryError):
        raise FetchError(f"{folder} is in the way: it is not a folder") from None


def disk_full(folder: Path, needed: int | None = None) -> FetchError:
    """The sentence for a full disk, with the figures."""
    free = shutil.disk_usage(folder).free
    need = f"{needed / 1e6:.0f} MB are needed" if needed else "there is not enough room"
    return FetchError(f"no space in {folder}: {need}, {free / 1e6:.0f} MB are free. Free some room")


@contextlib.contextmanager
def full_disk_told(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Gives the system's error for a full disk as the sentence with the figures."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder, needed) from None
        raise


def check_sum(seen: str, expected: str, source: str) -> None:
    """Nothing if the sums agree or none is expected; else the sentence that names both."""
    if expected and seen != expected.lower():
        raise FetchError(
            f"{source} has sha256 {seen}, expected {expected}: either the file was changed at its "
            "source, or the pinned sum is not that of this version. Nothing was installed"
        )


def _me() -> str:
    return os.environ.get("USER") or str(os.geteuid())
