# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher with the real LiteLLM in it, and this test in the place of systemd."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from tools.launched import (  # noqa: E402
    HEADERS,
    KEY,
    PROGRAM,
    SECRET,
    Host,
    Instance,
    Load,
    config,
    wait_for,
)

QUIET_SECONDS = 10  # a start, at the most
STANDBY = "STATUS=standby: another generation is current; stays for 600 s"
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
        instance.process.kill()  # its workers notice


@pytest.fixture(scope="module")
def first(host: Host) -> Instance:
    begun = time.monotonic()
    instance = host.start(1)
    instance.wait("READY=1", 300)
    # The bounds of these tests are those of a machine that has nothing else to do.
    host.pace = max(1.0, (time.monotonic() - begun) / QUIET_SECONDS)
    return instance


def public(host: Host) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)


SAID = [
    # what the workers are at, whether they shall accept, whether they ever did, what was said last
    ("idle idle", False, False, "", "private"),
    ("idle idle", True, False, "", ""),
    ("accepting idle", True, False, "", ""),
    ("accepting accepting", True, False, "", "serving"),
    ("accepting idle", True, False, "private", "taking over: 1 of 2 workers accept"),
    ("accepting", True, True, "serving", "serving"),  # one has died
    ("accepting idle", True, True, "serving", "serving"),  # another has taken its place
    ("", True, True, "serving", "starting again: no worker is left"),
    ("idle", True, True, "starting again: no worker is left", "starting again: no worker is left"),
    ("draining", True, True, "serving", "retiring"),  # it has looked before its parent
    ("accepting draining", False, True, "serving", "serving"),  # not before none accepts
    ("draining idle", False, True, "serving", "retiring"),
    ("idle idle", False, True, "retiring", "standby"),
    ("accepting idle", True, True, "standby", "taking over: 1 of 2 workers accept"),
]


@pytest.mark.parametrize(("states", "wanted", "served", "said", "expected"), SAID)
def test_what_systemd_hears_of_all_workers(
    monkeypatch: pytest.MonkeyPatch,
    states: str,
    wanted: bool,
    served: bool,
    said: str,
    expected: str,
) -> None:
    monkeypatch.syspath_prepend(str(PROGRAM))
    words = importlib.import_module("words")
    text = words.together(states.split(), wanted=wanted, served=served, said=said)
    assert text.partition(": ")[0] == expected.partition(": ")[0]
    assert text == expected or expected in ("private", "retiring", "standby")


def test_the_current_one_serves_behind_both_doors(host: Host, first: Instance) -> None:
    assert first.notes[-2:] == ["STATUS=serving", "READY=1"]
    for door in (public(host), UnixConnection(first.private)):
        status, headers, _ = ask(door)
        assert (status, headers["x-litellm-model-id"]) == (200, "~one/m")
    assert stat.S_IMODE(Path(first.private).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(first.private).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(("before", "who"), [(0, "~two/t"), (252, "~two/t"), (253, "~one/t")])
def test_of_a_user_agent_the_first_letters_are_looked_at(
    host: Host, first: Instance, before: int, who: str
) -> None:
    """An expression may be slow over a long one, and the gateway with it."""
    agent = {**HEADERS, "User-Agent": "a" * before + "tail"}
    for door in (public(host), UnixConnection(first.private)):
        door.request("POST", "/v1/chat/completions", json.dumps({**QUESTION, "model": "t"}), agent)
        answer = door.getresponse()
        assert (answer.status, answer.headers["x-litellm-model-id"]) == (200, who), answer.read()


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


def test_a_broken_one_says_what_litellm_said(host: Host, first: Instance) -> None:
    instance = host.candidate(3)
    assert instance.process.wait(120 * host.pace) == 3
    assert any(note.startswith("STATUS=start failed: ") for note in instance.notes)
    assert "must have exactly one key, but has 2 keys" in instance.notes[-1]
    assert "READY=1" not in instance.notes


@pytest.fixture(scope="module")
def second(host: Host, first: Instance) -> Instance:
    """Generation 2, up in private, with two workers, and soon gone when it is not wanted."""
    instance = host.candidate(2, LAB_LLM_WORKERS="2", LAB_LLM_STANDBY_SECONDS="3")
    instance.wait("READY=1")
    return instance


def test_one_that_nobody_names_ends_at_once(host: Host) -> None:
    """As a left-over does that systemd brings back up; for systemd that is no failure."""
    instance = host.start(2)
    assert instance.process.wait(5 * host.pace) == 0
    assert instance.notes[0] == "READY=1"
    assert "STATUS=not started" in instance.notes[1]
    assert "loading" not in "".join(instance.notes)


def test_hand_over(host: Host, first: Instance, second: Instance) -> None:
    """From one worker to two: the new one waits in private, the old one finishes its streams."""
    assert second.notes[-2:] == ["STATUS=private: not the current generation", "READY=1"]
    assert len(second.workers()) == 2
    kept = public(host)
    assert "connection" not in ask(kept)[1]
    with Load(host.port) as load:
        host.hand_over(first, second, 2)
        assert ask(kept)[1]["connection"] == "close"
        first.wait(STANDBY, 30)
    assert load.failed == []
    assert max(seconds for _, seconds, kind in load.answers if kind != "stream") < 2 * host.pace
    assert first.process.poll() is None


def test_metrics_add_up_over_workers(host: Host, second: Instance) -> None:
    for _ in range(10):
        assert ask(public(host))[0] == 200
    seen = [counted(second) for _ in range(6)]
    assert len(set(seen)) == 1, "each worker counts for itself"
    assert seen[0] >= 10


def counted(instance: Instance) -> float:
    """LiteLLM's count of requests that it sent to a provider."""
    door = UnixConnection(instance.private)
    door.request("GET", "/metrics/", headers=HEADERS)
    lines = door.getresponse().read().decode().splitlines()
    name = "litellm_deployment_success_responses_total{"
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_back_to_a_warm_one(host: Host, first: Instance, second: Instance) -> None:
    """Going back is a matter of switching the listeners; who is not wanted leaves in its time."""
    with Load(host.port) as load:
        begun, at = time.monotonic(), len(first.notes)
        host.hand_over(second, first, 1)
        assert ask(public(host))[0] == 200
        took = time.monotonic() - begun
        assert first.notes[at:] == ["STATUS=serving"]
        second.wait("STATUS=stopping", 30)
    assert load.failed == []
    assert took < 1 * host.pace, "a start would take longer"
    assert any(note.startswith("STATUS=standby") for note in second.notes)
    assert second.process.wait(30 * host.pace) == 0


@pytest.fixture(scope="module")
def third(host: Host, first: Instance) -> Instance:
    """Generation 2 once more. Asked for after `second` has gone."""
    instance = host.candidate(2, LAB_LLM_WORKERS="2")
    instance.wait("READY=1")
    return instance


def test_nobody_tells_it_and_it_serves_all_the_same(
    host: Host, first: Instance, third: Instance
) -> None:
    """Whoever switched `current` died before telling: the instances see it by themselves."""
    at = len(first.notes)
    host.switch(2)
    first.wait("STATUS=retiring: another generation is current", 5, at)
    assert third.notes[-1] == "READY=1"
    third.wait("STATUS=serving", 10)
    assert ask(public(host))[0] == 200


def test_a_worker_is_killed(host: Host, third: Instance) -> None:
    """The other one serves on; another takes its place."""
    victim, other = third.workers()
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in third.workers(), 5 * host.pace)
    assert [ask(public(host))[0] for _ in range(5)] == [200] * 5
    wait_for(lambda: len(third.workers()) == 2, 10 * host.pace)
    (replacement,) = set(third.workers()) - {other}
    wait_for(lambda: accepts(replacement, host.port), 60 * host.pace)
    assert accepts(replacement, host.port)
    assert third.notes[-1] == "STATUS=serving"


def accepts(pid: int, port: int) -> bool:
    """Whether a process has its own copy of the listener open, beside the one it was given."""
    inode = listener(port)
    links = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            links.append(str(link.readlink()))
    return links.count(f"socket:[{inode}]") == 2


def listener(port: int) -> str:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next(row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")


def test_the_parent_is_killed(host: Host, first: Instance, third: Instance) -> None:
    """Its workers accept no more, finish what they have begun, and end by themselves."""
    workers = third.workers()
    stream = streaming(host)
    third.process.kill()
    wait_for(lambda: not any(accepts(pid, host.port) for pid in workers), 2 * host.pace)
    assert not any(accepts(pid, host.port) for pid in workers)
    assert stream.read().endswith(b"data: [DONE]\n\n")
    wait_for(third.gone, 20 * host.pace)
    assert third.gone()
    at = len(first.notes)
    host.switch(1)
    first.tell(signal.SIGHUP)
    first.wait("STATUS=serving", 5, at)


def streaming(host: Host) -> http.client.HTTPResponse:
    door = public(host)
    door.request("POST", "/v1/chat/completions", json.dumps({**QUESTION, "stream": True}), HEADERS)
    return door.getresponse()


def test_restart(host: Host, first: Instance) -> None:
    """The old process leaves at once, so that the new one can start; what is under way goes on."""
    (host.runtime / "restarting").touch()
    assert len(first.workers()) == 1
    with Load(host.port) as load:
        begun = time.monotonic()
        stream = streaming(host)
        first.tell(signal.SIGTERM)
        assert first.process.wait(10 * host.pace) == 0
        again = host.start(1)
        assert stream.read().endswith(b"data: [DONE]\n\n")
        (host.runtime / "restarting").unlink()
        again.wait("READY=1")
        loaded = time.monotonic() - begun
    assert load.failed == []
    assert max(seconds for _, seconds, _ in load.answers) < 1.3 * loaded + 2
    wait_for(first.gone, 20 * host.pace)
    assert first.gone()


def test_a_candidate_that_nobody_wants_any_more_ends(host: Host) -> None:
    instance = host.candidate(2)
    instance.wait("READY=1")
    (host.base / "candidate").unlink()
    instance.wait("STATUS=stopping", 6)
    assert instance.process.wait(20 * host.pace) == 0


def test_stop_finishes_what_was_begun(host: Host) -> None:
    last = host.instances[-2]
    stream = streaming(host)
    last.tell(signal.SIGTERM)
    assert stream.read().endswith(b"data: [DONE]\n\n")
    assert last.process.wait(30 * host.pace) == 0


def test_no_log_holds_a_secret(host: Host) -> None:
    logs = [instance.log.read_text() for instance in host.instances]
    assert "POST /v1/chat/completions" in logs[0]
    assert not any(secret in log for log in logs for secret in (KEY, SECRET))
