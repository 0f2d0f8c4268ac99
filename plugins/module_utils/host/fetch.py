# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting one file onto this host: streamed, checked by sha256, and put in place in one step."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, BinaryIO

CHUNK = 1 << 20
READ_TIMEOUT = 60.0
ATTEMPTS = 3
# What another try may cure; everything else is an answer.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(Exception):
    """The artefact could not be had; the message is one sentence with the way out."""


class _PassingError(Exception):
    """A failure that another try may cure."""


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from the web to anything else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in ("http", "https"):
            raise FetchError(f"{shown(req.full_url)} redirects to {scheme}:, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def shown(url: str) -> str:
    """The URL without a user, a password or a query, which may be credentials."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def download(url: str, target: Path, sha256: str, attempts: int = ATTEMPTS) -> int:
    """Fetch `url` into `target`, an existing or new file, which is overwritten; size in bytes.

    Only http, https and file. Proxies are those of the environment. On any error the caller
    removes `target`; a wrong sha256 is an error that names both sums.
    """
    for attempt in range(1, attempts + 1):
        try:
            return _once(url, target, sha256)
        except _PassingError as problem:
            if attempt == attempts:
                raise FetchError(f"{problem} ({attempts} tries)") from None
            time.sleep(min(2.0**attempt, 10.0) / 2)  # grows, so that a busy mirror gets air
    raise FetchError(f"{shown(url)}: no attempt was allowed")


def copy(source: Path, target: Path, sha256: str) -> int:
    """Copy a file of this host into `target`, checking its sum on the way; size in bytes."""
    with readable(source) as stream:
        return _stream(stream, target, sha256, source.stat().st_size, str(source))


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

    Its name is fixed and locked, so that what a killed run left is used again, and two runs at
    once do not mix.
    """
    part = destination.parent / f".{destination.name}.part"
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
        finally:
            part.unlink(missing_ok=True)
    finally:
        os.close(handle)


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


def _once(url: str, target: Path, sha256: str) -> int:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https", "file"):
        raise FetchError(f"{shown(url)}: only http, https and file URLs are fetched")
    request = urllib.request.Request(url, headers={"User-Agent": "lab.llm"})  # noqa: S310
    opener = urllib.request.build_opener(_OnlyWeb)
    try:
        with opener.open(request, timeout=READ_TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
            return _stream(answer, target, sha256, int(length) if length else None, shown(url))
    except urllib.error.HTTPError as problem:
        sentence = f"{shown(url)} answers {problem.code} {problem.reason}"
        if problem.code in PASSING:
            raise _PassingError(sentence) from None
        raise FetchError(f"{sentence}: check the URL and the version in it") from None
    except urllib.error.URLError as problem:
        if isinstance(problem.reason, FileNotFoundError):
            raise FetchError(f"{shown(url)}: no such file on this host") from None
        raise _PassingError(f"{shown(url)} cannot be reached: {problem.reason}") from None
    except (HTTPException, TimeoutError, ConnectionError, EOFError) as problem:
        raise _PassingError(
            f"{shown(url)} broke off: {problem or type(problem).__name__}"
        ) from None


def _stream(stream: IO[bytes], target: Path, sha256: str, length: int | None, source: str) -> int:
    """Copy `stream` into `target`; `length` is what the sender announced."""
    if length and length > shutil.disk_usage(target.parent).free:
        raise disk_full(target.parent, length)
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(target.parent, length) from None
        raise
    if length is not None and size != length:
        raise _PassingError(f"{source} broke off after {size} of {length} bytes")
    check_sum(digest.hexdigest(), sha256, source)
    return size


def check_sum(seen: str, expected: str, source: str) -> None:
    """Nothing if the sums agree or none is expected; else the sentence that names both."""
    if expected and seen != expected.lower():
        raise FetchError(
            f"{source} has sha256 {seen}, expected {expected}: either the file was changed at its "
            "source, or the pinned sum is not that of this version. Nothing was installed"
        )


def _me() -> str:
    return os.environ.get("USER") or str(os.geteuid())
