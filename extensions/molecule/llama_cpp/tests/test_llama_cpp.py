"""The llama-server that the role llama_cpp runs, asked over HTTP from its own host."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

BASE = "http://10.89.78.11:8080"
KEY = "a key of Molecule's"
QUESTION = {
    "messages": [
        # Without it the template's own system prompt has so small a model answer in French.
        {"role": "system", "content": "You are a helpful AI assistant."},
        {"role": "user", "content": "What is the capital of France?"},
    ],
    "max_tokens": 24,
    "temperature": 0,
}
UNIT = "llama-server-small.service"


def post(host: Host, key: str) -> tuple[int, str]:
    """The HTTP status and the body of one question."""
    seen = host.check_output(
        "curl -s -w '\n%%{http_code}' -H %s -H 'Content-Type: application/json' -d %s %s",
        f"Authorization: Bearer {key}",
        json.dumps(QUESTION),
        f"{BASE}/v1/chat/completions",
    )
    body, _, status = seen.rpartition("\n")
    return int(status), body


def test_it_answers(backend1: Host) -> None:
    status, body = post(backend1, KEY)
    assert status == 200, body
    assert "Paris" in json.loads(body)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("key", ["", "another"])
def test_it_wants_its_key(backend1: Host, key: str) -> None:
    assert post(backend1, key)[0] == 401


def test_it_listens_only_where_it_was_told(backend1: Host) -> None:
    assert backend1.socket("tcp://10.89.78.11:8080").is_listening
    assert not backend1.socket("tcp://127.0.0.1:8080").is_listening


def test_the_key_is_in_no_unit_and_no_argument(backend1: Host) -> None:
    (process,) = backend1.process.filter(user="llm", comm="llama-server.el")
    assert KEY not in process.args
    unit = backend1.file(f"/var/lib/llm/.config/systemd/user/{UNIT}")
    assert unit.exists
    assert not unit.contains(KEY)


def test_it_stops_in_time_and_comes_back(backend1: Host) -> None:
    user = "systemctl --user --machine=llm@.host"
    assert backend1.run(f"timeout 25 {user} stop {UNIT}").succeeded
    assert not backend1.socket("tcp://10.89.78.11:8080").is_listening
    assert backend1.run(f"timeout 25 {user} start {UNIT}").succeeded
    answer = f"until curl -sf {BASE}/health >/dev/null; do sleep 0.1; done"
    assert backend1.run(f"timeout 30 sh -c '{answer}'").succeeded
