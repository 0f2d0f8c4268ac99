# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server of files, with ranges and troubles on demand; and a stand-in for the part of Hugging
Face's API that is used, over real HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import downloads, snapshots


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Mirror:
    """What is served, what was asked, and the statuses to answer with first.

    A trouble is a status, `to URL` (a redirect), `cut` (half of it comes) or `huge` (the length is
    a lie). `tags` and `ranges`: whether it has ETags, and answers with parts. `tokens`: a path that
    begins so -> the token that it wants.
    """

    address: str = "127.0.0.1"
    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges_asked: list[str] = field(default_factory=list)
    sent: int = 0
    troubles: list[str] = field(default_factory=list)
    tags: bool = True
    ranges: bool = True
    tokens: dict[str, str] = field(default_factory=dict)
    tokens_seen: list[str] = field(default_factory=list)
    error_code: str = ""
    kinds: dict[str, str] = field(default_factory=dict)

    def url(self, name: str = "", data: bytes | None = None) -> str:
        if data is not None:
            self.files[f"/{name}"] = data
        return f"http://{self.address}:{self.port}/{name}"

    def repository(self, name: str, commit: str, files: dict[str, bytes], branch: str = "") -> None:
        """Serve a repository as Hugging Face does; what is larger than 100 bytes is in LFS."""
        siblings = []
        for path, data in files.items():
            one = {"rfilename": path, "blobId": blob(data), "size": len(data)}
            if len(data) > 100:
                one |= {
                    "blobId": blob(b"a pointer"),
                    "lfs": {"sha256": sha(data), "size": len(data)},
                }
            siblings.append(one)
            for revision in filter(None, (commit, branch)):
                self.files[f"/{name}/resolve/{revision}/{path}"] = data
        said = json.dumps({"id": name, "sha": commit, "siblings": siblings}).encode()
        for revision in filter(None, (commit, branch)):
            self.files[f"/api/models/{name}/revision/{revision}?blobs=true"] = said


@contextlib.contextmanager
def mirror(address: str = "127.0.0.1") -> Iterator[Mirror]:
    """One that listens on a port of its own."""
    state = Mirror(address)
    handler = type("Handler", (_Handler,), {"state": state})
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        state.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        server.shutdown()


@contextlib.contextmanager
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """One that is asked directly, again without a pause, and by nobody who remembers another."""
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)  # the back-off between tries
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    snapshots._ASKED.clear()
    with mirror() as state:
        yield state


class _Handler(http.server.BaseHTTPRequestHandler):
    state: Mirror

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        data = self.state.files.get(self.path)
        if data is None or self._wants_token():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()

    def do_GET(self) -> None:
        state = self.state
        state.asked.append(self.path)
        state.ranges_asked.append(self.headers.get("Range") or "")
        state.tokens_seen.append(self.headers.get("Authorization") or "")
        trouble = state.troubles.pop(0) if state.troubles else ""
        if trouble.isdigit():
            self._refuse(int(trouble))
        elif trouble.startswith("to "):
            self.send_response(302)
            self.send_header("Location", trouble[3:])
            self.end_headers()
        elif self._wants_token():
            self._refuse(401)
        elif self.path not in state.files:
            self._refuse(404)
        else:
            self._send(state.files[self.path], trouble)

    def _wants_token(self) -> bool:
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        wanted = [one for path, one in self.state.tokens.items() if self.path.startswith(path)]
        return bool(wanted) and given not in wanted

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if self.state.error_code:
            self.send_header("X-Error-Code", self.state.error_code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, trouble: str) -> None:
        tag, begin = f'"{sha(data)[:12]}"', 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        same = self.headers.get("If-Range") in (None, tag)
        if wanted and self.state.ranges and same:
            begin = int(wanted[1])
        if begin and begin >= len(data):
            self._refuse(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header(
            "Content-Type", self.state.kinds.get(self.path, "application/octet-stream")
        )
        if self.state.tags:
            self.send_header("ETag", tag)
        rest = data[begin:]
        self.send_header("Content-Length", str(1 << 62 if trouble == "huge" else len(rest)))
        self.end_headers()
        body = rest[: len(rest) // 2] if trouble == "cut" else rest
        self.state.sent += len(body)
        self.wfile.write(body)
