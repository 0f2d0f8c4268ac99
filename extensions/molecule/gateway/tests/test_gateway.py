"""The gateway that the role gateway runs, asked as its users ask it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

BASE = "http://10.89.78.10:4000"
KEY = "sk-molecule"
HOME = "/var/lib/llm/gateway"
USER = "systemctl --user --machine=llm@.host"


def ask(host: Host, path: str, body: Any = None, key: str = KEY) -> tuple[int, Any]:
    """The HTTP status and the JSON of an answer; a POST where there is a body."""
    words = ["curl", "-s", "--max-time", "60", "-w", "\n%{http_code}", BASE + path]
    words += ["-H", f"Authorization: Bearer {key}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    seen = host.check_output(" ".join(["%s"] * len(words)), *words)
    text, _, status = seen.rpartition("\n")
    return int(status), json.loads(text)


def question(model: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful AI assistant."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "max_tokens": 24,
        "temperature": 0,
    }


def answer(host: Host, model: str) -> str:
    status, body = ask(host, "/v1/chat/completions", question(model))
    assert status == 200, body
    return body["choices"][0]["message"]["content"]


def test_it_lists_the_public_names(gateway1: Host) -> None:
    status, body = ask(gateway1, "/v1/models")
    assert status == 200
    assert {"assistant", "smollm2-135m"} <= {model["id"] for model in body["data"]}


@pytest.mark.parametrize("model", ["assistant", "smollm2-135m"])
def test_it_answers(gateway1: Host, model: str) -> None:
    assert "Paris" in answer(gateway1, model)


@pytest.mark.parametrize("key", ["", "sk-another"])
def test_it_wants_its_key(gateway1: Host, key: str) -> None:
    refused = (400, 401)  # without a database LiteLLM calls a key that it does not know bad
    assert ask(gateway1, "/v1/models", key=key)[0] in refused


def test_the_second_answers_when_the_first_is_down(gateway1: Host, backend1: Host) -> None:
    unit = "llama-server-first.service"
    assert backend1.run(f"{USER} stop {unit}").succeeded
    try:
        assert "Paris" in answer(gateway1, "assistant")
    finally:
        assert backend1.run(f"{USER} start {unit}").succeeded


def test_secrets_are_the_users_alone(gateway1: Host) -> None:
    secrets = gateway1.file(f"{HOME}/secrets.env")
    assert (secrets.mode, secrets.user) == (0o600, "llm")
    found = gateway1.run(f"grep -rlF {KEY} {HOME}/generations /var/lib/llm/.config")
    assert found.stdout.split() == []
    assert not any(KEY in process.args for process in gateway1.process.filter(user="llm"))


def test_current_names_the_generation_that_serves(gateway1: Host) -> None:
    current = gateway1.file(f"{HOME}/current").linked_to
    number = current.rpartition("/")[2]
    assert gateway1.run(f"{USER} is-active litellm@{number}.service").stdout.strip() == "active"
    assert gateway1.file(f"{current}/registry").is_directory


def test_it_comes_back_after_a_restart_of_the_umbrella(gateway1: Host) -> None:
    assert gateway1.run(f"timeout 120 {USER} restart litellm.service").succeeded
    assert "Paris" in answer(gateway1, "assistant")
