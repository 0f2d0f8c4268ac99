# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether gateways can count in a Redis: asked as they will ask it, with what they will show.

LiteLLM starts and answers without it, too, and then counts by itself without a word.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from io import BufferedRWPair

from ..routing.shared_state import PASSWORD, Redis

ANSWER_SECONDS = 5.0
KEY = "lab-llm:asked"  # goes by itself after a second
COUNT = "return redis.call('INCRBY', KEYS[1], 1)"
QUESTIONS = (
    ("PING",),
    ("SET", KEY, "1", "EX", "1"),
    ("INCRBYFLOAT", KEY, "1"),
    ("EVAL", COUNT, "1", KEY),
)
LONGEST = 1024  # bytes of an answer to one of these
_TAKES_NOT = "does not take the password: {said}. Give the one that it was set up with as {name}"
_NAME_IT = (
    "Name its authority, a file on each gateway, as gateway_redis_ca_file or"
    " redis_ca_file_of_gateways"
)
_WORDS = {
    "WRONGPASS": _TAKES_NOT,
    "NOAUTH": _TAKES_NOT,
    "NOPERM": "does not permit what LiteLLM asks: {said}. docs/fleet.md has the rules of its user",
    "READONLY": "is a replica that takes no counts: {said}. Name its primary",
    "LOADING": "still reads what it has kept: {said}. Try again when it has",
    "OOM": "has no memory left and lets nothing go: {said}. Set maxmemory-policy volatile-ttl",
}


class _RefusedError(Exception):
    """What Redis says instead of an answer."""


def trouble(redis: Redis, password: str, seconds: float = ANSWER_SECONDS) -> str:
    """Why gateways here cannot count in it, a sentence; "" if they can. `seconds`: of
    silence."""
    try:
        context = ssl.create_default_context(cafile=redis.ca or None) if redis.tls else None
    except OSError as error:  # ssl.SSLError is one, for a file that holds no certificate
        why = getattr(error, "reason", "") or error.strerror or error
        return f"The file of authorities {redis.ca} cannot be used here: {why}. {_NAME_IT}."
    try:
        with socket.create_connection((redis.host, redis.port), seconds) as plain:
            _ask_all(_secured(redis, plain, context), redis.username, password)
    except _RefusedError as refused:
        why = _refusal(str(refused))
    except ssl.SSLCertVerificationError as error:
        why = f"shows a certificate that is not trusted here: {error.verify_message}. {_NAME_IT}"
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError, ValueError, EOFError) as error:
        also = "whether it speaks TLS at all" if redis.tls else "whether it speaks nothing but TLS"
        why = f"does not speak as Redis does: {error}. Look at its port, and {also}"
    except OSError as error:
        why = f"does not answer: {error.strerror or error}. Start it, or name another; without one"
        why += " each gateway would count by itself"
    else:
        return ""
    return f"Redis at {redis.host}:{redis.port} {why}."


def _secured(redis: Redis, plain: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=redis.host)
    except TimeoutError as error:
        raise EOFError("it answers no TLS handshake") from error


def _ask_all(connection: socket.socket, username: str, password: str) -> None:
    with connection, connection.makefile("rwb") as stream:
        known = ("AUTH", username, password) if username else ("AUTH", password)
        for words in (known, *QUESTIONS):
            _ask(stream, words)


def _ask(stream: BufferedRWPair, words: Sequence[str]) -> None:
    """One command; what is answered does not matter, as long as it is no refusal."""
    parts = [word.encode() for word in words]
    stream.write(b"*%d\r\n" % len(parts))
    stream.write(b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
    stream.flush()
    line = stream.readline(1024)
    if not line:
        raise EOFError("it ends the connection")
    kind, said = line[:1], line[1:].decode("utf-8", "replace").strip()
    if kind == b"-":
        raise _RefusedError(said)
    if kind == b"$":
        stream.read(min(int(said), LONGEST) + 2)
    elif kind not in (b"+", b":"):
        raise ValueError(f"it says {line[:40]!r}")


def _refusal(said: str) -> str:
    form = _WORDS.get(said.split(" ", 1)[0], "refuses: {said}")
    if "without any password configured" in said:
        form = "asks for no password, so all may count there: {said}. Have it ask for {name}'s"
    return form.format(said=said.rstrip("."), name=PASSWORD)
