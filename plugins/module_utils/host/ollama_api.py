# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ollama's API, as far as its models go. Errors end as OllamaError, with what Ollama says."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

QUICK = 30.0
Progress = Callable[[Mapping[str, Any]], None]


class OllamaError(Exception):
    """What was asked of Ollama did not come about; the message says what and why."""


class BrokenOffError(OllamaError):
    """The connection ended before the work did: another try goes on where this one stopped."""


def whole(name: str) -> str:
    """The name with its tag, as Ollama lists it: without its own library's address."""
    short = name.partition("://")[2] or name
    short = short.removeprefix("registry.ollama.ai/").removeprefix("library/")
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def key(name: str) -> str:
    """What two names have in common that are one to Ollama: capitals tell none apart."""
    return whole(name).lower()


class Api:
    """One instance on this host. `stall`: seconds without any progress after which work fails."""

    def __init__(self, base: str, stall: float) -> None:
        self.base, self.stall = base, stall
        # It is on this host: a proxy of the environment has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def digests(self) -> dict[str, tuple[str, int]]:
        """`key` of its name -> (digest, bytes) of each model that it has."""
        with self._open("GET", "/api/tags", None, QUICK) as answer:
            listed = json.load(answer).get("models") or []
        return {
            key(one["name"]): (str(one["digest"]).removeprefix("sha256:"), int(one["size"]))
            for one in listed
        }

    def pull(self, tag: str, progress: Progress) -> None:
        """Have it fetch a model; what it has of it already it does not fetch again."""
        self._work("/api/pull", {"model": tag}, f"pulling {tag}", progress)

    def create(self, wish: Mapping[str, Any], progress: Progress) -> None:
        """Have it make a model; see its /api/create."""
        self._work("/api/create", wish, f"making {wish['model']}", progress)

    def copy(self, source: str, name: str) -> None:
        """Give a model a second name, which costs no room."""
        asked = {"source": source, "destination": name}
        with self._open("POST", "/api/copy", asked, QUICK):
            return

    def delete(self, name: str) -> None:
        """Remove a model; what others use of it stays."""
        with self._open("DELETE", "/api/delete", {"model": name}, QUICK):
            return

    def has_blob(self, digest: str) -> bool:
        """Whether the store holds a file with this sum."""
        try:
            with self._open("HEAD", f"/api/blobs/sha256:{digest}", None, QUICK):
                return True
        except _MissingError:
            return False

    def put_blob(self, digest: str, file: Path) -> None:
        """Give it a file, whose sum it checks."""
        with file.open("rb") as stream:
            size = {"Content-Length": str(file.stat().st_size)}
            path = f"/api/blobs/sha256:{digest}"
            with self._open("POST", path, stream, self.stall, size):
                return

    def _work(self, path: str, asked: Mapping[str, Any], what: str, progress: Progress) -> None:
        """Work through a stream of progress. An error in it is one, though its status is 200; one
        before its first line has a status of its own."""
        seen: Any = None
        since, last = time.monotonic(), ""
        try:
            opened = self._open("POST", path, {**asked, "stream": True}, self.stall)
        except BrokenOffError:
            raise
        except OllamaError as problem:
            raise OllamaError(f"{what}: {problem}") from None
        with opened as answer:
            for line in _lines(answer, what, self.stall):
                if line.get("error"):
                    raise OllamaError(f"{what}: {line['error']}")
                last = str(line.get("status", ""))
                now = (last, line.get("digest"), line.get("completed"))
                if now != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > self.stall:
                    raise OllamaError(_stalled(what, self.stall, last))
                progress(line)
        if last != "success":
            raise BrokenOffError(f"{what}: it stopped at '{last or 'nothing'}'")

    def _open(
        self,
        method: str,
        path: str,
        body: object,
        timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - urllib's answers have no common type
        data: Any = body
        if isinstance(body, Mapping):
            data = json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.base}{path}", data=data, method=method, headers=dict(headers or {})
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as problem:
            kind = _MissingError if problem.code == http.HTTPStatus.NOT_FOUND else OllamaError
            raise kind(f"{method} {path}: {problem.code}: {_said(problem)}") from None
        except (OSError, http.client.HTTPException) as problem:
            why = getattr(problem, "reason", problem)
            raise BrokenOffError(f"{self.base}{path} gives no answer ({why})") from None


class _MissingError(OllamaError):
    """It knows nothing of that name."""


def _said(problem: urllib.error.HTTPError) -> str:
    text = problem.read(1 << 16).decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or str(problem.reason)


def _lines(answer: Any, what: str, stall: float) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    while True:
        try:
            text = answer.readline()
        except TimeoutError:
            raise OllamaError(_stalled(what, stall, "")) from None
        except (OSError, http.client.HTTPException) as problem:
            raise BrokenOffError(f"{what}: the connection broke off ({problem})") from None
        if not text:
            return
        try:
            found = json.loads(text)
        except ValueError:
            raise BrokenOffError(f"{what}: an answer is cut short") from None
        if isinstance(found, dict):
            yield found


def _stalled(what: str, stall: float, last: str) -> str:
    where = f" at '{last}'" if last else ""
    return (
        f"{what}: no progress for {stall:.0f} s{where}. What is here already is kept: the next run "
        "goes on from there"
    )
