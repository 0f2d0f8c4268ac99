# ruff: noqa: E501 - one line a case
"""Whether gateways can count in a Redis, asked of a STAND-IN that says what a row says.

The real Redis is asked in tests/integration/test_gateways.py.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host.redis import trouble
from ansible_collections.lab.llm.plugins.module_utils.routing.shared_state import Redis

PASSWORD = "a password of some length"
WELL = [b"+OK\r\n", b"+PONG\r\n", b"+OK\r\n", b"$1\r\n2\r\n", b":3\r\n"]
DENIED = b"-NOPERM this user has no permissions to run the 'eval' command\r\n"


@contextlib.contextmanager
def saying(answers: list[bytes]) -> Iterator[tuple[Redis, list[bytes]]]:
    """One connection is taken, each command gets the next answer, then it is ended."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _peer = server.accept()
            with connection:
                for answer in answers:
                    heard.append(connection.recv(4096))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Redis("127.0.0.1", server.getsockname()[1]), heard
    thread.join(5)


ANSWERS = [
    (WELL, ""),
    ([b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"], "does not take the password: WRONGPASS invalid username-password pair or user is disabled. Give the one that it was set up with as LLM_REDIS_PASSWORD."),
    ([b"-ERR AUTH <password> called without any password configured for the default user.\r\n"], "asks for no password, so all may count there: "),
    ([*WELL[:4], DENIED], "does not permit what LiteLLM asks: NOPERM this user has no permissions to run the 'eval' command. "),
    ([*WELL[:2], b"-READONLY You can't write against a read only replica.\r\n"], "is a replica that takes no counts: "),
    ([b"+OK\r\n", b"-LOADING Redis is loading the dataset in memory\r\n"], "still reads what it has kept: "),
    ([*WELL[:2], b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"], "has no memory left and lets nothing go: "),
    ([b"-MISCONF Redis is configured to save RDB snapshots\r\n"], "refuses: MISCONF Redis is configured to save RDB snapshots."),
    ([b"HTTP/1.1 400 Bad Request\r\n"], "does not speak as Redis does: it says b'HTTP/1.1 400 Bad Request"),
    ([b""], "does not speak as Redis does: it ends the connection. Look at its port, and whether it speaks nothing but TLS."),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "told"), ANSWERS)
def test_what_is_wrong_is_told_with_the_fix(answers: list[bytes], told: str) -> None:
    with saying(answers) as (redis, heard):
        said = trouble(redis, PASSWORD)
    assert said == "" if not told else said.startswith(f"Redis at 127.0.0.1:{redis.port} {told}")
    assert PASSWORD not in said
    assert heard[0] == b"*2\r\n$4\r\nAUTH\r\n$25\r\na password of some length\r\n"


def test_the_name_in_its_acl_is_shown() -> None:
    with saying(WELL) as (redis, heard):
        assert not trouble(Redis(redis.host, redis.port, "llm"), "x")
    assert heard[0].startswith(b"*3\r\n$4\r\nAUTH\r\n$3\r\nllm\r\n")


def test_a_file_of_authorities_that_is_none_is_told(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for file, why in ((junk, "NO_CERTIFICATE_OR_CRL_FOUND"), (tmp_path / "x", "No such file or")):
        said = trouble(Redis("127.0.0.1", 9, tls=True, ca=str(file)), PASSWORD)
        assert said.startswith(f"The file of authorities {file} cannot be used here: {why}")


def test_one_that_is_away_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = trouble(Redis("127.0.0.1", port), PASSWORD)
    assert said.startswith(
        f"Redis at 127.0.0.1:{port} does not answer: Connection refused. Start it"
    )


def test_one_that_resets_the_connection_may_speak_tls_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            connection, _peer = server.accept()
            connection.recv(1)
            linger = struct.pack("ii", 1, 0)  # its end is a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()

        threading.Thread(target=reset, daemon=True).start()
        said = trouble(Redis("127.0.0.1", server.getsockname()[1]), PASSWORD)
    assert "does not speak as Redis does: " in said
    assert said.endswith("whether it speaks nothing but TLS.")


def test_one_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = trouble(Redis("127.0.0.1", server.getsockname()[1]), PASSWORD, 0.2)
    assert "does not answer: timed out" in said


def test_one_that_waits_where_tls_is_expected_is_told_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        redis = Redis("127.0.0.1", server.getsockname()[1], tls=True)
        said = trouble(redis, PASSWORD, 0.2)
    assert "does not speak as Redis does: it answers no TLS handshake" in said


def test_one_without_tls_is_told_where_tls_is_expected() -> None:
    with saying([b"-ERR unknown command\r\n"]) as (redis, _heard):
        said = trouble(Redis(redis.host, redis.port, tls=True), PASSWORD)
    assert "does not speak as Redis does" in said
    assert "whether it speaks TLS at all" in said
