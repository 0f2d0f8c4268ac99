# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting one file from the web: checked while it arrives, and gone on with where it broke off."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO

from .atomic import write
from .fetch import (
    CHUNK,
    CutOffError,
    FetchError,
    about,
    check_sum,
    disk_full,
    full_disk_told,
    shown,
)
from .web import TIMEOUT, open_url, refusal

ATTEMPTS = 3
# So many bytes are progress: what has come this far may break off as often as it likes.
PROGRESS = 16 << 20
# Who sends less than so many bytes in so many seconds is not waited for.
LEAST, PATIENCE = 64_000, 300.0
# What another try may cure; everything else is an answer.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
UNSATISFIABLE = 416


@dataclass(frozen=True)
class Origin:
    """What is fetched: from where, with whose token, and what it must be.

    `git` is the id of a blob (the sha1 of git) with its `size`, for files that have no sha256.
    """

    url: str
    sha256: str = ""
    git: str = ""
    size: int | None = None
    token: str = field(default="", repr=False)
    token_env: str = ""

    @property
    def key(self) -> str:
        """Tells what a part is a part of, without giving away a URL with credentials."""
        return hashlib.sha256(f"{self.url} {self.sha256} {self.git}".encode()).hexdigest()


class _PassingError(Exception):
    """A failure that another try may cure."""


def download(origin: Origin, part: Path, attempts: int = ATTEMPTS) -> int:
    """Fetch into `part`, and go on there if it holds the beginning already; size in bytes.

    Only http, https and file. Proxies are those of the environment. Raises CutOffError if what
    came is worth keeping, else FetchError: then the caller removes `part`.
    """
    left = attempts
    while True:
        before = _size(part)
        try:
            return _once(origin, part)
        except _PassingError as problem:
            left = attempts if _size(part) - before >= PROGRESS else left - 1
            if left <= 0:
                raise _given_up(f"{problem} ({attempts} tries)", part) from None
            # It grows, so that a busy mirror gets air.
            time.sleep(min(2.0 ** (attempts - left), 10.0) / 2)


def size_of(origin: Origin) -> int | None:
    """How many bytes it has, as far as its server says so beforehand."""
    if origin.size is not None:
        return origin.size
    try:
        with open_url(origin.url, origin.token, method="HEAD") as answer:
            return int(answer.headers.get("Content-Length") or "")
    except (FetchError, OSError, HTTPException, ValueError):
        return None  # whoever fetches it will be told why


def arrived(origin: Origin, part: Path) -> int:
    """How many bytes of it are here already."""
    return _size(part) if _known(part).get("of") == origin.key else 0


def _given_up(problem: str, part: Path) -> FetchError:
    kept = _size(part)
    if not kept:
        return FetchError(problem)
    return CutOffError(f"{problem}. {kept / 1e6:.1f} MB are kept: the next run goes on from there")


def _once(origin: Origin, part: Path) -> int:
    if urllib.parse.urlsplit(origin.url).scheme not in ("http", "https", "file"):
        raise FetchError(f"{shown(origin.url)}: only http, https and file URLs are fetched")
    offset = arrived(origin, part)
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    validator = str(_known(part).get("validator") or "")
    if offset and validator:
        headers["If-Range"] = validator
    try:
        with open_url(origin.url, origin.token, headers) as answer:
            return _receive(origin, answer, part, _goes_on_at(answer, offset))
    except urllib.error.HTTPError as problem:
        if problem.code == UNSATISFIABLE and offset:  # all of it is here, or it is another file
            return _check(origin, part, offset, _digest(origin, part, offset))
        if problem.code in PASSING:
            sentence = f"{shown(origin.url)} answers {problem.code} {problem.reason}"
            raise _PassingError(sentence) from None
        raise FetchError(
            refusal(origin.url, problem, bool(origin.token), origin.token_env)
        ) from None
    except urllib.error.URLError as problem:
        if isinstance(problem.reason, FileNotFoundError):
            raise FetchError(f"{shown(origin.url)}: no such file on this host") from None
        raise _PassingError(f"{shown(origin.url)} cannot be reached: {problem.reason}") from None
    except (HTTPException, TimeoutError, ConnectionError, EOFError) as problem:
        why = problem or type(problem).__name__
        if isinstance(problem, TimeoutError):
            why = f"nothing came for {TIMEOUT:g} s"
        raise _PassingError(f"{shown(origin.url)} broke off: {why}") from None


def _goes_on_at(answer: IO[bytes], offset: int) -> int:
    """Where the answer begins: `offset` if it goes on there, else 0, and all is sent anew."""
    begins = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or "")  # type: ignore[attr-defined]
    partial = getattr(answer, "status", None) == 206
    return offset if partial and begins and int(begins[1]) == offset else 0


def _receive(origin: Origin, answer: IO[bytes], part: Path, offset: int) -> int:
    headers = answer.headers  # type: ignore[attr-defined]
    announced = headers.get("Content-Length") or ""
    length = int(announced) if announced.isdecimal() else None
    if length and length > shutil.disk_usage(part.parent).free:
        raise disk_full(part.parent, length)
    digest = _digest(origin, part, offset)
    tag = headers.get("ETag") or ""
    validator = headers.get("Last-Modified") if not tag or tag.startswith("W/") else tag
    known = {"of": origin.key, "validator": validator}
    size, pace = offset, _Pace(shown(origin.url))
    with part.open("r+b" if offset else "wb") as out, full_disk_told(part.parent, length):
        write(about(part), json.dumps(known).encode(), 0o600)
        out.seek(offset)
        while chunk := answer.read1(CHUNK):  # type: ignore[attr-defined]
            out.write(chunk)
            digest(chunk)
            size += len(chunk)
            pace.see(len(chunk))
        out.flush()
    if length is not None and size != offset + length:
        raise _PassingError(
            f"{shown(origin.url)} broke off after {size} of {offset + length} bytes"
        )
    return _check(origin, part, offset, digest)


class _Pace:
    """Sees that something comes: a byte now and then keeps a connection open for ever."""

    def __init__(self, name: str) -> None:
        self.name, self.size, self.end = name, 0, time.monotonic() + PATIENCE

    def see(self, count: int) -> None:
        self.size += count
        if self.size >= LEAST:
            self.size, self.end = 0, time.monotonic() + PATIENCE
        elif time.monotonic() > self.end:
            raise _PassingError(
                f"{self.name} broke off: less than {LEAST / 1000:g} kB came in {PATIENCE:g} s"
            )


Digest = Callable[[bytes], str]


def _digest(origin: Origin, part: Path, offset: int) -> Digest:
    """Takes bytes and gives the sum of all until then, the first `offset` of `part` included."""
    if origin.git:
        known = hashlib.sha1(f"blob {origin.size}\0".encode(), usedforsecurity=False)
    else:
        known = hashlib.sha256()

    def take(data: bytes) -> str:
        known.update(data)
        return known.hexdigest() if not data else ""

    if offset:
        with part.open("rb") as stream:
            while chunk := stream.read(min(CHUNK, offset - stream.tell())):
                take(chunk)
    return take


def _check(origin: Origin, part: Path, offset: int, digest: Digest) -> int:
    """The size, if it is what it must be. What was put together of two parts gets another try."""
    seen, size, name = digest(b""), _size(part), shown(origin.url)
    try:
        if not origin.git:
            check_sum(seen, origin.sha256, name)
        elif seen != origin.git:
            raise FetchError(f"{name} is damaged: git knows it as {origin.git}, not {seen}")
    except FetchError as problem:
        if not offset:
            raise
        os.truncate(part, 0)
        about(part).unlink(missing_ok=True)
        raise _PassingError(str(problem)) from None
    return size


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _known(part: Path) -> dict[str, object]:
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(about(part).read_text())
        if isinstance(known, dict):
            return known
    return {}
