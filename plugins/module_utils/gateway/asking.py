# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request with a bound, to an address or through a unix socket; errors are answers too."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

LONGEST = 64 * 1024 * 1024  # bytes of an answer


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@dataclass(frozen=True)
class Answer:
    """What came back. `status` 0 means that nothing did, and `error` says why. A stream has no
    `body` but `events`: each with the seconds from the question to its arrival."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    milliseconds: int = 0
    error: str = ""
    events: Sequence[tuple[float, bytes]] = ()

    def json(self) -> Any:  # noqa: ANN401 - whatever the server sent
        """The body as JSON, None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def message(self) -> str:
        """One line that says what came back, in the server's words if it sent any."""
        if self.error:
            return self.error
        said = self.json()
        error = said.get("error", said.get("detail", "")) if isinstance(said, dict) else ""
        text = error.get("message", "") if isinstance(error, dict) else error
        first = str(text).strip().splitlines()[0][:300] if str(text).strip() else ""
        return f"{self.status}: {first}" if first else str(self.status)


@dataclass(frozen=True)
class Asker:
    """Where requests go: `base` is http://..., https://... or the path of a unix socket; `proxy` an
    http://[user:password@]host:port on the way there, if there is one."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0
    proxy: str = field(default="", repr=False)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """GET, or POST of a JSON body. Never raises; never follows a redirect, nor a
        proxy of the environment.

        `timeout` bounds the whole, from the look-up of a name to the last byte: a socket's own
        bound begins anew with each byte that drips in.
        """
        begun = time.monotonic()
        got: list[Answer] = []
        held: list[socket.socket] = []

        def exchange() -> None:
            try:
                got.append(self._exchange(path, body, held, begun))
            except (OSError, http.client.HTTPException, ValueError) as error:
                got.append(Answer(0, error=self._said(error), milliseconds=_since(begun)))

        asking = threading.Thread(target=exchange, daemon=True)
        asking.start()
        asking.join(self.timeout)
        if got:
            return got[0]
        for connected in held:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)  # wakes up whoever still reads
        return Answer(0, error=self._said(TimeoutError()), milliseconds=_since(begun))

    def _exchange(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        held: list[socket.socket],
        begun: float,
    ) -> Answer:
        connection, prefix = self._connection()
        try:
            connection.connect()
            held.append(connection.sock)
            sent = None if body is None else json.dumps(body)
            kind = {"Content-Type": "application/json"} if sent else {}
            plain = self.proxy and not self.base.startswith("https:")
            own = _proxy_key(urlsplit(self.proxy)) if plain else {}
            headers = {"Connection": "close", **own, **kind, **self.headers}
            connection.request("POST" if sent else "GET", prefix + path, sent, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            streamed = found.get("content-type", "").startswith("text/event-stream")
            events = _events(response, begun) if streamed else []
            content = b"" if streamed else response.read(LONGEST)
            return Answer(response.status, content, found, _since(begun), events=events)
        finally:
            connection.close()

    def _connection(self) -> tuple[http.client.HTTPConnection, str]:
        if self.base.startswith("/"):
            return _UnixConnection(self.base, self.timeout), ""
        url = urlsplit(self.base)
        secure = url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        query = f"?{url.query}" if url.query else ""
        # Without a port http.client would look for one behind the last colon of an IPv6 address.
        port = url.port or (443 if secure else 80)
        if not self.proxy:
            return kind(url.hostname or "", port, timeout=self.timeout), url.path + query
        between = urlsplit(self.proxy)
        way = kind(between.hostname or "", between.port or 80, timeout=self.timeout)
        if secure:
            way.set_tunnel(url.hostname or "", port, _proxy_key(between))
            return way, url.path + query
        return way, f"http://{url.netloc}{url.path}{query}"

    def _said(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self.timeout:g} s"
        if isinstance(error, ConnectionRefusedError):
            return "connection refused"
        if isinstance(error, FileNotFoundError):
            return f"{self.base} is not there: the generation does not run"
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _proxy_key(proxy: SplitResult) -> dict[str, str]:
    """What a proxy is shown, if its address has a user."""
    if not proxy.username:
        return {}
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def _events(response: http.client.HTTPResponse, begun: float) -> list[tuple[float, bytes]]:
    """The data of each server-sent event, and when it came."""
    found, size = [], 0
    while size < LONGEST and (line := response.readline(LONGEST)):
        size += len(line)
        if line.startswith(b"data:"):
            found.append((time.monotonic() - begun, line[5:].strip()))
    return found


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
