# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a model answers, as the proof measures it, and what a missed bound comes to."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Answer, Asker
from ansible_collections.lab.llm.plugins.module_utils.gateway.cost import cost, in_words
from ansible_collections.lab.llm.plugins.module_utils.gateway.performance import (
    apart,
    as_before,
    judged,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.performance import (
    in_words as told,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe import Proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe_lines import lines
from ansible_collections.lab.llm.plugins.module_utils.gateway.questions import Questions
from ansible_collections.lab.llm.plugins.module_utils.gateway.streaming import pace, whole
from ansible_collections.lab.llm.plugins.module_utils.gateway.verdict import blocking

Event = tuple[float, dict[str, Any]]


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}}], **more}


def stream(*events: Event) -> Answer:
    rows = [(seconds, json.dumps(row).encode()) for seconds, row in events]
    return Answer(200, events=[*rows, (9.0, b"[DONE]")])


ROLE = {"choices": [{"delta": {"role": "assistant", "content": ""}}]}
USAGE = {"choices": [], "usage": {"completion_tokens": 8, "total_tokens": 19}}
STREAMS: list[tuple[str, Sequence[Event], dict[str, Any]]] = [
    # what came and when, and what is told of it
    (
        "pieces",
        [(0.1, ROLE), (0.2, delta("a")), (0.3, delta("b")), (0.4, delta("c"))],
        {"first_token_ms": 200, "tokens_per_second": 10.0},
    ),
    (
        "pieces of two tokens each",
        [*((n / 10, delta("a b")) for n in range(2, 6)), (0.6, USAGE)],
        {"first_token_ms": 200, "tokens_per_second": 20.0},
    ),
    (
        "one piece",
        [(0.25, delta("all")), (0.3, USAGE)],
        {"first_token_ms": 250, "tokens_per_second": None},
    ),
    (
        "plain completions",
        [(0.1, {"choices": [{"text": "a"}]}), (0.2, {"choices": [{"text": "b"}]})],
        {"first_token_ms": 100, "tokens_per_second": 10.0},
    ),
    (
        "thoughts count",
        [(0.1, {"choices": [{"delta": {"reasoning_content": "hm"}}]}), (0.6, delta("a"))],
        {"first_token_ms": 100, "tokens_per_second": 2.0},
    ),
    ("nothing said", [(0.1, ROLE)], {}),
]


@pytest.mark.parametrize(("events", "found"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS])
def test_the_pace_of_a_stream(events: Sequence[Event], found: dict[str, Any]) -> None:
    assert pace(stream(*events)) == found


def test_a_stream_as_a_whole() -> None:
    answer = whole(stream((0.1, delta("hi")), (0.2, USAGE)))
    assert answer.status == 200
    assert answer.json()["usage"]["total_tokens"] == 19
    assert len(answer.json()["choices"]) == 1
    plain = Answer(200, b'{"choices": []}')
    assert whole(plain) is plain
    assert pace(plain) == {}


@pytest.mark.parametrize(
    ("code", "status"), [("429", 429), (500, 500), ("none", 500), (None, 500), ("200", 500)]
)
def test_a_stream_that_breaks_is_a_failure(code: object, status: int) -> None:
    error = {"error": {"message": "the engine is gone", "code": code}}
    answer = whole(stream((0.1, delta("hi")), (0.2, error)))
    assert (answer.status, answer.message()) == (status, f"{status}: the engine is gone")


class Engine(BaseHTTPRequestHandler):
    """A gateway with two names; `says` is first piece, pause, pieces and failures by model."""

    says: ClassVar[dict[str, Any]]
    asked: ClassVar[list[dict[str, Any]]]
    cold = False  # then the very first answer takes longer

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": "fast"}, {"id": "slow"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        model = body["model"]
        name = model.split("/")[-1].split("#")[0]
        body["begun"] = time.monotonic()
        first, pause, retries = self.says[name]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("x-litellm-model-id", model if model[0] == "~" else f"~{name}/{name}")
        self.send_header("x-litellm-attempted-retries", str(retries))
        self.end_headers()
        time.sleep(first + (0.4 if self.cold and len(self.asked) == 1 else 0))
        for number in range(5):
            self.event(delta(f"{number} "))
            time.sleep(pause)
        body["ended"] = time.monotonic()
        self.event(USAGE)

    def event(self, row: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(row).encode() + b"\n\n")
        self.wfile.flush()


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Whoever asked has gone away before the end."""


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def address(asked: list[dict[str, Any]]) -> Iterator[str]:
    says = {"fast": (0.0, 0.01, 0), "slow": (0.3, 0.05, 1)}
    handler = type("Says", (Engine,), {"says": says, "asked": asked})
    server = Quiet(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def probes(**bounds: dict[str, float]) -> dict[str, Any]:
    common = {"probe": "full", "watch": "full", "cloud": False, "variables": []}
    names = ("fast", "slow")
    given = {name: {"performance": bounds[name]} if name in bounds else {} for name in names}
    return {
        "models": list(names),
        "completions": [{"route": name, "model": name, "mode": "chat"} for name in names],
        "deployments": [
            {"id": f"~{name}/{name}", "name": name, "mode": "chat", "configured": name}
            for name in names
        ],
        "providers": {name: {**common, **given[name]} for name in names},
    }


def proven(address: str, said: dict[str, Any], **more: Any) -> Proof:
    proof = Proof(Asker(address, timeout=5), Questions(said, {}, **more))
    proof.run()
    return proof


def test_nothing_declared_is_measured_and_told_and_never_fails(
    address: str, asked: list[dict[str, Any]]
) -> None:
    proof = proven(address, probes())
    assert proof.ok
    assert len(lines(proof.checks)) == 5
    rows = {row["provider"]: row for row in proof.performance}
    assert 300 <= rows["slow"]["first_token_ms"] < 2000
    assert 1 < rows["slow"]["tokens_per_second"] <= 33
    assert (rows["slow"]["requests"], rows["slow"]["errors"]) == (2, 1)
    assert rows["fast"]["first_token_ms"] < 300
    assert told(proof.performance).startswith("Measured: ~fast/fast first token ")
    # One completion a name, as ever: what is asked by its id has been asked by then.
    assert [body["max_tokens"] for body in asked] == [5, 5]
    assert all(body["stream"] for body in asked)


def test_whoever_is_to_be_fast_has_one_question_at_a_time(
    address: str, asked: list[dict[str, Any]]
) -> None:
    said = probes(slow={"time_to_first_token_ms": 4000})
    ids = [f"~slow/slow#{number}" for number in range(3)]
    said["deployments"] += [
        {"id": one, "name": one[1:], "mode": "chat", "configured": "slow"} for one in ids
    ]
    assert proven(address, said, new_provider="slow").ok
    times = sorted((row["begun"], row["ended"]) for row in asked if "slow" in row["model"])
    assert len(times) == 5
    assert all(end <= begun for (_, end), (begun, _) in itertools.pairwise(times))


def test_a_missed_bound_says_the_figures(address: str, asked: list[dict[str, Any]]) -> None:
    said = probes(slow={"time_to_first_token_ms": 100, "tokens_per_second": 900, "error_rate": 0.1})
    proof = proven(address, said)
    slow, errors = (row for row in proof.checks if row["line"] == "performance")
    assert slow["check"] == "~slow/slow"
    assert slow["expected"] == "first token within 0.10 s, at least 900 tokens/s"
    assert "s, at most 0.10 s is declared; " in slow["seen"]
    assert slow["seen"].endswith(" tokens/s, at least 900 is declared")
    assert errors["seen"] == "2 of 4 requests failed, at most 10 % is declared"
    text = "\n".join(lines(proof.checks))
    assert "❌ Performance acceptable (0 of 2)" in text
    assert "   ~slow/slow: first token after 0." in text
    # Asked for once more before it counts.
    assert sorted(body["max_tokens"] for body in asked) == [5, 32, 32]
    spent = cost(proof.checks, said["providers"])
    assert [row["answer_tokens_at_most"] for row in spent] == [5, 128]
    assert "at most 5, and where speed is declared 32, tokens each" in in_words(spent)


def test_a_first_answer_that_is_slow_is_asked_for_once_more(
    address: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "cold", True)
    said = probes(fast={"time_to_first_token_ms": 350})
    proof = proven(address, said, only_routes=["fast"])
    assert proof.ok
    assert [body["model"] for body in asked] == ["fast", "~fast/fast"]
    assert (proof.performance[0]["answers"], len(proof.performance)) == (2, 1)


def test_a_bound_that_is_kept(address: str) -> None:
    said = probes(fast={"time_to_first_token_ms": 4000, "error_rate": 0.0})
    proof = proven(address, said)
    assert proof.ok
    assert lines(proof.checks)[-1] == "✅ Performance acceptable (2 of 2)"


def test_whoever_asks_again_and_again_does_not_judge(address: str) -> None:
    said = probes(slow={"time_to_first_token_ms": 1})
    assert proven(address, said, frugal=True).ok
    assert proven(address, said, only=frozenset({("routing", "slow", "slow")})).ok
    assert not proven(address, said).ok


ROW = {"deployment": "~p/m", "provider": "p", "answers": 2, "requests": 4, "errors": 0}


def judge(first: int | None, speed: float | None, **bounds: float) -> list[dict[str, Any]]:
    row = {**ROW, "first_token_ms": first, "tokens_per_second": speed}
    return judged([row], {"p": {"performance": bounds}, "other": {}})


@pytest.mark.parametrize(
    ("first", "speed", "bounds", "seen"),
    [
        (2310, None, {"time_to_first_token_ms": 1000},
         "first token after 2.31 s, at most 1.00 s is declared"),
        (1004, None, {"time_to_first_token_ms": 1000},
         "first token after 1004 ms, at most 1000 ms is declared"),
        (210, 35.2, {"time_to_first_token_ms": 1000, "tokens_per_second": 20},
         "first token after 0.21 s (at most 1.00 s); 35.2 tokens/s (at least 20)"),
        (210, 12.0, {"tokens_per_second": 20}, "12 tokens/s, at least 20 is declared"),
        (1000, None, {"time_to_first_token_ms": 1000}, "first token after 1.00 s (at most 1.00 s)"),
    ],
)  # fmt: skip
def test_what_is_said(first: int, speed: float | None, bounds: dict[str, float], seen: str) -> None:
    (row,) = judge(first, speed, **bounds)
    assert row["seen"] == seen
    assert row["ok"] == ("declared" not in seen)


def test_what_was_not_measured_is_not_judged() -> None:
    assert judge(None, None, time_to_first_token_ms=1, tokens_per_second=9) == []
    assert judge(210, None, tokens_per_second=9) == []
    assert judged([], {"p": {"performance": {"error_rate": 0.0}}}) == []


def test_whom_a_missed_bound_stops() -> None:
    (slow,) = judge(2310, None, time_to_first_token_ms=1000)
    assert blocking([slow]) == [slow]
    assert blocking([slow], settled=["p"]) == []
    assert blocking([slow], settled=["p"], new_provider="p") == [slow]
    assert blocking([slow], on_trial=["p"]) == []


CHANGES: list[tuple[str, dict[str, Any], tuple[str, ...], bool]] = [
    # what is otherwise than before, variables with another value, whether it is as before
    ("nothing", {}, (), True),
    ("its configuration", {"configured": "other"}, (), False),
    ("its bounds", {"performance": {"error_rate": 0.2}}, (), False),
    ("its key", {}, ("P_KEY",), False),
    ("another's key", {}, ("Q_KEY",), True),
]


@pytest.mark.parametrize(
    ("change", "variables", "same"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_which_provider_is_as_before(
    change: dict[str, Any], variables: tuple[str, ...], same: bool
) -> None:
    def made(performance: Any = None, configured: str = "a") -> dict[str, Any]:
        row = {"variables": ["P_KEY"], "performance": performance}
        return {
            "providers": {"p": row},
            "deployments": [{"id": "~p/m", "name": "m", "mode": "chat", "configured": configured}],
        }

    assert as_before(made(**change), made(), variables) == (["p"] if same else [])


def test_times_that_look_the_same_are_told_apart() -> None:
    assert apart(1004, 1000) == ("1004 ms", "1000 ms")
    assert apart(2310, 1000) == ("2.31 s", "1.00 s")
    assert apart(210, 1) == ("0.21 s", "1 ms")


def test_a_stream_is_read_as_it_comes(address: str) -> None:
    body = {"model": "slow", "stream": True}
    answer = Asker(address, timeout=5).ask("/v1/chat/completions", body)
    times = [seconds for seconds, _data in answer.events]
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.15
    cut = Asker(address, timeout=0.35).ask("/v1/chat/completions", body)
    assert (cut.status, cut.error) == (0, "no answer within 0.35 s")
