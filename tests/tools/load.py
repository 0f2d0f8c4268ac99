"""Steady load on a gateway: half of the requests stream, half go over connections that are kept.

    python3 load.py ADDRESS PER_SECOND MODEL < KEY

The first line of standard input is the key; the end of it ends the load. Each request is a line of
JSON on standard output: see `Row`. Requests are sent when they are due, whether or not earlier ones
are answered: who waits for answers measures a standstill as one slow request.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 120.0
IDLE_CONNECTIONS = 16  # a pool, used in turn: each is used again long before anybody gives it up
KINDS = ((True, False), (False, True), (False, False), (True, True))  # (streams, is kept)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Row:
    """One request. Times are of the machine's monotonic clock, the same for all its containers.

    `mark` is the id of the deployment that answered; `used` says that the connection had answered
    before; `closes` that the answer asked for its end; an `error` is all that is no whole answer.
    """

    number: int
    stream: bool
    kept: bool
    due: float
    sent: float = 0.0
    first: float = 0.0
    done: float = 0.0
    used: bool = False
    closes: bool = False
    status: int = 0
    mark: str = ""
    error: str = ""


class BadAnswerError(Exception):
    """What came is no whole answer with status 200."""


class Load:
    def __init__(self, address: str, rate: float, model: str, key: str) -> None:
        place = urlsplit(address)
        self.host, self.port = place.hostname or "", place.port or 80
        self.rate, self.model, self.key = rate, model, key
        self.idle: deque[Connection] = deque()
        self.under_way: set[asyncio.Task[None]] = set()

    async def run(self, until: asyncio.Event) -> None:
        begun = time.monotonic()
        for number, (stream, kept) in enumerate(itertools.cycle(KINDS)):
            due = begun + number / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if until.is_set():
                break
            task = asyncio.create_task(self.one(Row(number, stream, kept, due)))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)
        await asyncio.gather(*self.under_way)
        say({"cpu": time.process_time() / (time.monotonic() - begun)})

    async def one(self, row: Row) -> None:
        connection: Connection | None = None
        row.sent = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = self.kept_connection() if row.kept else None
                row.used = connection is not None
                connection = connection or await asyncio.open_connection(self.host, self.port)
                await self.ask(row, *connection)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, BadAnswerError) as error:
            row.error = f"{type(error).__name__}: {error}"[:300]
        row.done = time.monotonic()
        if connection and row.kept and not (row.error or row.closes):
            self.idle.append(connection)
        elif connection:
            connection[1].close()
        say(asdict(row))

    def kept_connection(self) -> Connection | None:
        while len(self.idle) > IDLE_CONNECTIONS:
            self.idle.popleft()[1].close()
        while self.idle:
            connection = self.idle.popleft()
            if not connection[0].at_eof():
                return connection
            connection[1].close()
        return None

    async def ask(
        self, row: Row, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        messages = [{"role": "user", "content": "Say hello."}]
        asked = {"model": self.model, "stream": row.stream, "max_tokens": 16, "messages": messages}
        body = json.dumps(asked).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
        )
        end = "\r\n" if row.kept else "Connection: close\r\n\r\n"
        writer.write((head + end).encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        row.first = time.monotonic()
        fields = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        row.status, row.mark = int(status.split()[1]), headers.get("x-litellm-model-id", "")
        row.closes = headers.get("connection", "").lower() == "close"
        said = await read_body(reader, headers)
        if row.status != 200:
            raise BadAnswerError(f"{row.status}: {said[:200]!r}")
        if b'"error"' in said or (row.stream and not said.rstrip().endswith(b"[DONE]")):
            raise BadAnswerError(f"a stream that breaks off: ...{said[-200:]!r}")
        if row.stream != (b"chat.completion.chunk" in said):
            raise BadAnswerError(f"not what was asked for: {said[:200]!r}")


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """All of it; IncompleteReadError, an EOFError, if the connection ends before it does."""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") != "chunked":
        raise BadAnswerError("an answer without an end that one could see")
    parts = []
    while size := int((await reader.readuntil(b"\r\n")), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def say(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


async def main(address: str, rate: str, model: str) -> None:
    key = sys.stdin.readline().strip().strip('"')
    load, until = Load(address, float(rate), model, key), asyncio.Event()
    # A file or a pipe: its end, and nothing else, ends the load.
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    ended.add_done_callback(lambda _: until.set())
    gc.disable()
    await load.run(until)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
