# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of a load: what measures us has to be right itself."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from tools.load import KINDS, BadAnswerError, Row, read_body  # noqa: E402
from tools.load_report import Report, parse  # noqa: E402
from tools.upstream import serve  # noqa: E402


def row(sent: float, mark: str, kept: bool = False, **more: object) -> Row:
    seen = {"used": kept, "first": sent + 0.1, "done": sent + 0.2, "status": 200}
    return Row(0, False, kept, due=sent, sent=sent, mark=f"~one@{mark}/m", **(seen | more))


TURNS = [
    # who answered new connections, in the order in which they were opened
    (["1", "1", "2", "2"], ["1", "2"]),
    (["1", "2", "1"], ["1", "2", "1"]),
    (["1", "2", "1", "2", "1"], ["1", "2", "1", "2", "1"]),
    ([], []),
]


@pytest.mark.parametrize(("marks", "turns"), TURNS)
def test_turns(marks: list[str], turns: list[str]) -> None:
    rows = [row(float(at), mark) for at, mark in enumerate(marks)]
    assert Report(rows[::-1]).turns() == turns


GOODBYES = [
    # (an answer of the old one on a kept connection, said goodbye)
    (row(4.0, "1", kept=True, closes=True), True),
    (row(4.0, "1", kept=True), False),
    (row(0.5, "1", kept=True), True),
    (row(4.0, "2", kept=True), True),
]


@pytest.mark.parametrize(("kept", "well"), GOODBYES)
def test_a_connection_that_is_kept_ends_with_its_generation(kept: Row, well: bool) -> None:
    assert Report([row(0.0, "1"), row(2.0, "2"), kept]).said_goodbye() is well


def test_who_comes_back_is_the_newest_again() -> None:
    rows = [row(0.0, "1"), row(2.0, "2"), row(3.0, "2", kept=True), row(4.0, "1")]
    assert Report(rows).said_goodbye()
    assert not Report([*rows, row(5.0, "2", kept=True)]).said_goodbye()


def test_the_longest_wait_and_the_longest_silence() -> None:
    rows = [row(0.0, "1"), row(1.0, "1", first=4.0), row(2.0, "1"), row(9.0, "1", error="reset")]
    seen = Report(rows)
    assert seen.longest_stall_s == 3.0
    assert seen.longest_gap_s == pytest.approx(2.0)
    assert len(seen.failed) == 1


def test_a_line_that_is_not_whole_yet_is_left_out() -> None:
    whole = json.dumps(row(0.0, "1").__dict__)
    assert len(parse([whole, whole[:30]]).rows) == 1


BODIES = [
    (b"5\r\nhello\r\n0\r\n\r\n", {"transfer-encoding": "chunked"}, b"hello"),
    (b"hello", {"content-length": "5"}, b"hello"),
    (b"5\r\nhello\r\n", {"transfer-encoding": "chunked"}, EOFError),
    (b"5\r\nhel", {"transfer-encoding": "chunked"}, EOFError),
    (b"hel", {"content-length": "5"}, EOFError),
    (b"hello", {}, BadAnswerError),
]


@pytest.mark.parametrize(("sent", "headers", "expected"), BODIES)
def test_an_answer_that_is_cut_off_is_none(sent: bytes, headers: dict, expected: object) -> None:
    async def read() -> bytes:
        reader = asyncio.StreamReader()
        reader.feed_data(sent)
        reader.feed_eof()
        return await read_body(reader, headers)

    if isinstance(expected, bytes):
        assert asyncio.run(read()) == expected
    else:
        with pytest.raises(expected):
            asyncio.run(read())


@pytest.fixture
def port() -> Iterator[int]:
    server = serve(0, "one")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def loaded(port: int, model: str) -> Report:
    argv = [sys.executable, str(TESTS / "tools/load.py"), f"http://127.0.0.1:{port}", "20", model]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write("key\n")
    process.stdin.flush()
    lines = [process.stdout.readline() for _ in range(10)]
    process.stdin.close()
    lines += process.stdout.readlines()
    assert process.wait(60) == 0
    return parse(lines)


def test_the_load_streams_and_keeps_connections(port: int) -> None:
    seen = loaded(port, "m")
    assert [one.error for one in seen.failed] == []
    assert {(one.stream, one.kept) for one in seen.rows} == set(KINDS)
    assert any(one.used for one in seen.rows)
    assert all(one.done - one.first > 2 for one in seen.rows if one.stream)


def test_an_error_is_a_failure(port: int) -> None:
    assert all(one.error for one in loaded(port, "broken").rows)
