# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof against a stand-in for the gateway, which answers as LiteLLM does."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Asker
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe import Proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe_checks import provider_of
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe_lines import lines
from ansible_collections.lab.llm.plugins.module_utils.gateway.questions import (
    Questions,
    question,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.verdict import blocking

KEY = {"Authorization": "Bearer sk-master"}


class StandIn(BaseHTTPRequestHandler):
    """Names, deployments and chains as the test's `says` has them."""

    says: ClassVar[dict[str, Any]]

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            return self.reply(200, {"data": [{"id": name} for name in self.says["models"]]})
        if self.path == "/v1/model/info":
            return self.reply(200, {"data": self.says["info"]})
        time.sleep(self.says.get("sleep", 0))
        status, wanted = self.says["health"].get(self.path, (404, None))
        right = wanted in (None, self.headers["Authorization"])
        return self.reply(status if right else 401, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        by = self.says["answers"].get(body["model"], "")
        hops = "0"
        if body.get("mock_testing_fallbacks"):
            by, hops = self.says["forced"].get(body["model"], ""), "1"
        if self.headers["Authorization"] != "Bearer sk-master":
            return self.reply(401, {"error": {"message": "Authentication Error"}})
        if not by:
            return self.reply(500, {"error": {"message": "OpenAIException - Connection error."}})
        row = {"embedding": [1]} if "embeddings" in self.path else {"message": {"content": "hi"}}
        key = "data" if "embeddings" in self.path else "choices"
        headers = {"x-litellm-model-id": by, "x-litellm-attempted-fallbacks": hops}
        return self.reply(200, {key: [row]}, headers)

    def reply(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self) -> tuple[socket.socket, Any]:
        request, _ = super().get_request()
        return request, ("unix", 0)


@pytest.fixture
def says() -> dict[str, Any]:
    info = [
        {"model_name": "a", "model_info": {"id": "~one/m", "mode": "chat"}},
        {"model_name": "b", "model_info": {"id": "~two@h1/m", "mode": "chat"}},
        {"model_name": "e", "model_info": {"id": "~one/e", "mode": "embedding"}},
    ]
    return {
        "models": ["a", "b", "e"],
        "info": info,
        "health": {"/one": (200, None), "/two": (200, "Bearer sk-two")},
        "answers": {"a": "~one/m", "b": "~two@h1/m", "e": "~one/e", "~two@h1/m": "~two@h1/m"},
        "forced": {"a": "~two@h1/m"},
    }


@pytest.fixture
def gateway(says: dict[str, Any], tmp_path: Path) -> Iterator[tuple[str, str]]:
    handler = type("Said", (StandIn,), {"says": says})
    servers = (
        ThreadingHTTPServer(("127.0.0.1", 0), handler),
        UnixServer(str(tmp_path / "s"), handler),
    )
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{servers[0].server_address[1]}", str(tmp_path / "s")
    for server in servers:
        server.shutdown()
        server.server_close()


def probes(address: str) -> dict[str, Any]:
    health = {"host": None, "timeout_seconds": 2, "attempts": 1}
    return {
        "models": ["a", "b", "e"],
        "health": [
            {**health, "provider": "one", "url": f"{address}/one", "key_variable": None},
            {**health, "provider": "two", "url": f"{address}/two", "key_variable": "TWO_KEY"},
        ],
        "completions": [
            {"route": "a", "model": "a", "mode": "chat"},
            {"route": "b", "model": "b", "mode": "chat"},
            {"route": "e", "model": "e", "mode": "embedding"},
        ],
        "fallbacks": [
            {"route": "a", "model": "a", "target_ids": ["~two@h1/m"], "target_names": []}
        ],
    }


def prove(gateway: tuple[str, str], **more: Any) -> Proof:
    questions = Questions(probes(gateway[0]), {"TWO_KEY": "sk-two"}, **more)
    proof = Proof(Asker(gateway[1], KEY, 5), questions)
    proof.run()
    return proof


ALL_GOOD = [
    "✅ All providers healthy (2 of 2)",
    "✅ LiteLLM routing functional (3 names)",
    "✅ New provider reachable (3 of 3)",
    "✅ Model routing working (3 of 3)",
    "✅ Fallback chains operational (2 of 2)",
]


def test_all_is_well(gateway: tuple[str, str]) -> None:
    proof = prove(gateway)
    assert lines(proof.checks) == ALL_GOOD
    assert proof.ok
    assert {"line", "check", "asked", "expected", "seen", "ok", "milliseconds"} <= {
        *proof.checks[0]
    }


def test_a_new_provider_has_a_line_of_its_own(gateway: tuple[str, str]) -> None:
    proof = prove(gateway, new_provider="two")
    assert lines(proof.checks)[0] == "✅ All providers healthy (2 of 2)"
    assert lines(proof.checks)[2] == "✅ New provider reachable (1 of 1)"
    assert [row["check"] for row in proof.checks if row["line"] == "new"] == ["~two@h1/m"]


def test_without_a_new_provider_all_are_reached_and_none_is_asked_twice(
    gateway: tuple[str, str], says: dict[str, Any]
) -> None:
    says["info"].append({"model_name": "b", "model_info": {"id": "~three/m", "mode": "chat"}})
    says["answers"]["~three/m"] = "~three/m"
    reached = [row for row in prove(gateway).checks if row["line"] == "new"]
    assert [(row["check"], row["asked"]) for row in reached] == [
        ("~one/m", "chat of a"),
        ("~two@h1/m", "chat of ~two@h1/m"),
        ("~one/e", "embedding of e"),
        ("~three/m", "chat of ~three/m"),
    ]
    says["answers"].pop("~three/m")
    proof = prove(gateway)
    bad = blocking(proof.checks)
    assert [(row["line"], row["check"]) for row in bad] == [("new", "~three/m")]
    assert blocking(proof.checks, proof.checks) == []
    assert prove(gateway, no_completions=["three"]).ok
    assert prove(gateway, only_routes=["a"]).ok


def test_a_line_with_nothing_behind_it_is_not_green() -> None:
    assert lines([]) == [
        "➖ All providers healthy (no provider declares a health endpoint)",
        "➖ LiteLLM routing functional (not asked)",
        "➖ New provider reachable (no deployment was asked)",
        "➖ Model routing working (no model was asked)",
        "➖ Fallback chains operational (none is declared)",
    ]


def test_from_outside_with_names_only_nobody_is_asked(gateway: tuple[str, str]) -> None:
    outside = Proof(Asker(gateway[0], KEY, 5), Questions({"models": ["a", "b", "e"]}, {}))
    assert [row["line"] for row in outside.run()] == ["listing"]


@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, False), (302, False), (503, False)])
def test_which_status_is_healthy(
    gateway: tuple[str, str], says: dict[str, Any], status: int, ok: bool
) -> None:
    says["health"]["/one"] = (status, None)
    row = next(r for r in prove(gateway).checks if r["check"] == "one")
    assert (row["ok"], row["seen"]) == (ok, str(status))


def test_one_name_is_one_name(gateway: tuple[str, str], says: dict[str, Any]) -> None:
    says["models"] = ["a"]
    row = prove(gateway).checks[0]
    assert (row["expected"], row["seen"]) == ("3 names, as declared", "1 name, missing: b, e")


# what is otherwise than it should be: line that says so, what is seen, whether it blocks
BY_ID = {name: name for name in ("~one/m", "~one/e", "~two@h1/m")}
HERS = {**BY_ID, "a": "~one/m", "b": "~two@h1/m", "e": "~one/e"}
FAILURES = [
    ({"models": ["a", "b"]}, "listing", "2 names, missing: e", True),
    ({"models": ["a", "b", "e", "x"]}, "listing", "4 names, undeclared: x", True),
    ({"health": {"/one": (200, None), "/two": (503, None)}}, "health", "503", False),
    ({"health": {"/one": (200, None), "/two": (200, "Bearer other")}}, "health", "401", False),
    ({"answers": {**BY_ID, "b": "1", "e": "1"}}, "routing", "500: ", True),
    ({"answers": {**HERS, "~two@h1/m": "~x/m"}}, "chains", "by ~x/m", True),
    ({"forced": {"a": "~one/other"}}, "chains", "answered by ~one/other", True),
    ({"forced": {}}, "chains", "500: ", True),
]


@pytest.mark.parametrize(("change", "line", "seen", "blocks"), FAILURES)
def test_each_failure_is_seen(
    gateway: tuple[str, str], says: dict[str, Any], change: Any, line: str, seen: str, blocks: bool
) -> None:
    says.update(change)
    proof = prove(gateway)
    bad = [row for row in proof.checks if not row["ok"]]
    assert [row["line"] for row in bad] == [line]
    assert seen in bad[0]["seen"]
    assert bad[0]["fix"]
    assert bool(blocking(proof.checks)) == blocks
    said = "\n".join(lines(proof.checks))
    assert said.count("❌") == 1
    assert bad[0]["seen"] in said


def test_a_provider_that_is_down_does_not_speak_against_a_generation(
    gateway: tuple[str, str], says: dict[str, Any]
) -> None:
    says["health"] = {"/one": (200, None), "/two": (502, None)}
    says["answers"] = {"a": "~one/m", "e": "~one/e"}
    says["forced"] = {}
    proof = prove(gateway)
    assert not proof.ok
    assert blocking(proof.checks) == []
    says["health"]["/two"] = (200, "Bearer of another key")
    refused = prove(gateway)
    assert {row["check"] for row in blocking(refused.checks)} == {
        "a",
        "b",
        "~two@h1/m",
    }
    new = prove(gateway, new_provider="two")
    assert "new" in {row["line"] for row in blocking(new.checks, (), "two")}


def test_what_failed_before_in_the_same_way_does_not_block(
    gateway: tuple[str, str], says: dict[str, Any]
) -> None:
    says["answers"].pop("b")
    before = prove(gateway)
    assert [row["check"] for row in blocking(before.checks)] == ["b"]
    assert blocking(before.checks, before.checks) == []
    says["answers"] |= {"e": "", "~one/e": "~one/e"}
    after = prove(gateway)
    assert [row["check"] for row in blocking(after.checks, before.checks)] == ["e"]


def test_only_what_is_wished_is_asked(gateway: tuple[str, str]) -> None:
    few = prove(gateway, only_routes=["b"])
    assert [row["check"] for row in few.checks if row["line"] in ("routing", "chains")] == ["b"]
    spared = prove(gateway, no_completions=["one"])
    assert [row["check"] for row in spared.checks if row["line"] == "routing"] == ["b"]
    outside = prove(gateway, forced=False)
    assert [row["check"] for row in outside.checks if row["line"] == "chains"] == ["~two@h1/m"]


def test_bodies_are_small_and_allow_no_fallback(gateway: tuple[str, str]) -> None:
    assert question("m", "embedding") == {"model": "m", "disable_fallbacks": True, "input": "Hello"}
    assert question("m", "chat")["max_tokens"] == 5
    assert question("m", "completion")["prompt"] == "Hello"


def test_a_gateway_that_is_not_there(tmp_path: Path) -> None:
    proof = Proof(
        Asker(str(tmp_path / "none"), KEY, 5), Questions(probes("http://127.0.0.1:1"), {})
    )
    proof.run()
    seen = {row["line"]: row["seen"] for row in proof.checks}
    assert seen["listing"].endswith("is not there: the generation does not run")
    assert seen["health"] == "connection refused"
    assert set(seen) == {"listing", "health"}  # whoever is not there is asked once
    assert len(lines(proof.checks)) == 5 + sum(not row["ok"] for row in proof.checks)


def test_every_question_is_bounded(gateway: tuple[str, str], says: dict[str, Any]) -> None:
    says["sleep"] = 5
    began = time.monotonic()
    answer = Asker(f"{gateway[0]}/one", timeout=0.3).ask("")
    assert answer.error == "no answer within 0.3 s"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("form", ["HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", "HTTP/1.1 2"])
def test_one_that_drips_is_bounded_too(form: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(form.encode())
            for _ in range(200):
                connection.sendall(b"0")
                if ended.wait(0.05):
                    break
        ended.set()

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    answer = Asker(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.5).ask("/")
    assert (answer.status, answer.error) == (0, "no answer within 0.5 s")
    assert time.monotonic() - began < 3
    assert ended.wait(3)  # and the connection is not left open
    listener.close()


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("http://[::1]:4000", "::1", 4000),
        ("http://[fd00::1]", "fd00::1", 80),
        ("https://[fd00::1]/x", "fd00::1", 443),
        ("http://10.0.0.1:81/x", "10.0.0.1", 81),
    ],
)
def test_where_it_connects(address: str, host: str, port: int) -> None:
    connection, _ = Asker(address)._connection()
    assert (connection.host, connection.port) == (host, port)


def test_ipv6_is_asked() -> None:
    class V6(ThreadingHTTPServer):
        address_family = socket.AF_INET6

    try:
        server = V6(("::1", 0), type("Said", (StandIn,), {"says": {"models": ["a"]}}))
    except OSError:
        pytest.skip("this machine has no IPv6")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer = Asker(f"http://[::1]:{server.server_address[1]}").ask("/v1/models")
    assert answer.json() == {"data": [{"id": "a"}]}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("identity", "provider"),
    [
        ("~one/m", "one"),
        ("~one@host/m/n", "one"),
        ("~a.b-c/m#pub", "a.b-c"),
        ("gpt-4", ""),
        ("", ""),
    ],
)
def test_the_provider_in_an_id(identity: str, provider: str) -> None:
    assert provider_of(identity) == provider
