# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher with the real LiteLLM in it, and this test in the place of systemd."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from tools.launched import KEY, SECRET, Host, Instance, config  # noqa: E402

HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
QUESTION = {"model": "a", "messages": [{"role": "user", "content": "hi"}]}
pytestmark = pytest.mark.litellm


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def ask(door: http.client.HTTPConnection, **more: object) -> tuple[int, dict[str, str], str]:
    path = "/v1/embeddings" if "input" in more else "/v1/chat/completions"
    door.request("POST", path, json.dumps({**QUESTION, **more}), HEADERS)
    answer = door.getresponse()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    default = ROOT / "build/venvs/litellm/bin/python"
    python = Path(os.environ.get("LAB_LLM_LITELLM_PYTHON") or default)
    if not python.exists():
        pytest.skip(f"no LiteLLM at {python}")
    host = Host(tmp_path_factory.mktemp("g"), str(python))
    for number in (1, 2):
        host.stage(number, config(*host.ports))
    host.stage(3, config(*host.ports, broken=True))
    host.switch(1)
    yield host
    for instance in host.instances:
        instance.process.kill()


@pytest.fixture(scope="module")
def first(host: Host) -> Instance:
    instance = host.start(1)
    instance.wait("READY=1")
    return instance


def public(host: Host) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)


def test_the_current_one_serves_behind_both_doors(host: Host, first: Instance) -> None:
    assert first.notes[-2:] == ["STATUS=serving", "READY=1"]
    for door in (public(host), UnixConnection(first.private)):
        status, headers, _ = ask(door)
        assert (status, headers["x-litellm-model-id"]) == (200, "~one/m")
    assert stat.S_IMODE(Path(first.private).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(first.private).parent.stat().st_mode) == 0o700


MOCKS = [
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
]


@pytest.mark.parametrize("name", MOCKS)
@pytest.mark.parametrize("more", [{}, {"stream": True}, {"input": "x", "model": "e"}])
def test_nobody_forces_a_failure_from_outside(
    host: Host, first: Instance, name: str, more: dict[str, object]
) -> None:
    kept = public(host)
    for _again in range(2):
        status, _, text = ask(kept, **more, **{name: True})
        assert (status, "are disabled on this proxy" in text) == (400, True)


def test_a_fallback_is_forced_in_private(host: Host, first: Instance) -> None:
    kept = UnixConnection(first.private)
    for _again in range(2):
        status, headers, text = ask(kept, mock_testing_fallbacks=True)
        assert (status, headers["x-litellm-model-id"]) == (200, "~two/m")
        assert headers["x-litellm-attempted-fallbacks"] == "1"
        assert "from two" in text
        assert ask(public(host), mock_testing_fallbacks=True)[0] == 400


def test_doors_do_not_mix_under_load(host: Host, first: Instance) -> None:
    seen: list[tuple[bool, int]] = []

    def many(private: bool) -> None:
        door = UnixConnection(first.private) if private else public(host)
        for _ in range(20):
            seen.append((private, ask(door, mock_testing_fallbacks=True)[0]))

    threads = [threading.Thread(target=many, args=(n % 2 == 0,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {(True, 200), (False, 400)}
    assert len(seen) == 120


def test_a_broken_one_says_what_litellm_said(host: Host) -> None:
    instance = host.start(3)
    assert instance.process.wait(120) == 3
    assert any(note.startswith("STATUS=start failed: ") for note in instance.notes)
    assert "must have exactly one key, but has 2 keys" in instance.notes[-1]
    assert "READY=1" not in instance.notes


def test_hand_over(host: Host, first: Instance) -> None:
    """The new one waits in private, then serves; the old one finishes its stream and leaves."""
    second = host.start(2)
    second.wait("READY=1")
    assert second.notes[-2] == "STATUS=private: not the current generation"
    kept, streaming = public(host), public(host)
    assert "connection" not in ask(kept)[1]
    streaming.request(
        "POST", "/v1/chat/completions", json.dumps({**QUESTION, "stream": True}), HEADERS
    )
    stream = streaming.getresponse()
    host.switch(2)
    first.process.send_signal(signal.SIGHUP)
    first.wait("STATUS=retiring: another generation is current")
    second.process.send_signal(signal.SIGHUP)
    second.wait("STATUS=serving")
    assert ask(kept)[1]["connection"] == "close"
    assert ask(public(host))[0] == 200
    assert stream.read().endswith(b"data: [DONE]\n\n")
    assert first.process.wait(30) == 0


def test_nobody_tells_it_and_it_serves_all_the_same(host: Host) -> None:
    """Whoever switched `current` died before telling: the instances see it by themselves."""
    second = host.instances[-1]
    again = host.start(1)
    again.wait("READY=1")
    host.switch(1)
    second.wait("STATUS=retiring: another generation is current", 5)
    assert again.notes[-1] == "READY=1"
    again.wait("STATUS=serving", 10)
    assert ask(public(host))[0] == 200


def test_stop_finishes_what_was_begun(host: Host) -> None:
    last = host.instances[-1]
    door = public(host)
    door.request("POST", "/v1/chat/completions", json.dumps({**QUESTION, "stream": True}), HEADERS)
    stream = door.getresponse()
    last.process.send_signal(signal.SIGTERM)
    assert stream.read().endswith(b"data: [DONE]\n\n")
    assert last.process.wait(30) in (0, -signal.SIGTERM)


def test_no_log_holds_a_secret(host: Host) -> None:
    logs = [instance.log.read_text() for instance in host.instances]
    assert all("POST /v1/chat/completions" in log for log in (logs[0], logs[-1]))
    assert not any(secret in log for log in logs for secret in (KEY, SECRET))
