# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until a service answers, and knowing early when it never will."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from .diagnosis import account, cause
from .key_lists import keys_in, value_in
from .listeners import holders
from .router_models import FailedModelsError, models_problem, why_failed
from .user_manager import Manager, State

ANSWER_TIMEOUT = 10.0
# What went wrong may stand far above a traceback's end; nobody wants to see all of it.
TELLING_LINES, SHOWN_LINES = 300, 12


@dataclass(frozen=True)
class Probe:
    """A question that a ready service answers.

    `url` must give `status`; where `model` is named, the answer must list it as /v1/models does.
    `key_file` and `key_variable` say where the bearer key stands, if one is needed; of a `key_list`
    the first one is sent. `models` are those that the answer must say can be asked, as llama-server
    with several models does in /models.
    """

    url: str
    status: int = 200
    model: str = ""
    key_file: str = ""
    key_variable: str = ""
    key_list: bool = False
    models: tuple[str, ...] = ()


def why_not_ready(
    manager: Manager, name: str, probes: tuple[Probe, ...], port: int | None, timeout: float
) -> str:
    """Wait until the unit runs, holds its port and answers; "" then, else why it never will."""
    end = time.monotonic() + timeout
    pause, seen = 0.05, ""
    first = manager.states([name])[name]
    while True:
        state = manager.states([name])[name]
        if state.is_down or state.restarts > first.restarts:
            return f"{name} does not run: {_explain(manager, state, port)}"
        if state.is_running:
            holder = foreign_holder(name, port)
            if holder:
                return f"{name} is not reachable: its port {holder}: {_STOP_IT}"
            try:
                seen = _first_failing(probes, lambda: _has_port(name, port))
            except FailedModelsError as failed:
                return why_failed(manager, state, failed)
            if not seen:
                return ""
        if time.monotonic() > end:
            lines = manager.last_words(state)
            return (
                f"{name} is not ready after {timeout:.0f} s: {seen or 'it has not started yet'}; "
                f"{account(state, lines)}"
            )
        time.sleep(pause)  # between two looks at a condition, bounded above
        pause = min(pause * 1.5, 1.0)


_STOP_IT = "stop that process, or choose another port"


def foreign_holder(name: str, port: int | None) -> str:
    """Who else listens on the unit's port, or ""."""
    for holder in holders(port) if port else []:
        if holder.unit != name and (holder.pid or holder.uid != os.getuid()):
            return f"{port} is held by {holder}"
    return ""


def answer_problem(probe: Probe) -> str:
    """What is wrong with the answer to one probe, or "". Raises FailedModelsError."""
    request = urllib.request.Request(probe.url)  # noqa: S310
    if probe.key_file:
        held = value_in(Path(probe.key_file), probe.key_variable)
        key = (keys_in(held) or [""])[0] if probe.key_list else held
        request.add_header("Authorization", f"Bearer {key}")
    # The service is on this host: a proxy of the environment has no business here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_TIMEOUT) as answer:
            status, body = answer.status, answer.read(1 << 20)
    except urllib.error.HTTPError as problem:
        status, body = problem.code, b""
    except (OSError, ValueError, HTTPException) as problem:
        return f"{probe.url} gives no answer ({getattr(problem, 'reason', problem)})"
    if status != probe.status:
        return f"{probe.url} answers {status}, expected {probe.status}"
    missing = models_problem(body, probe.models) if probe.models else ""
    if missing:
        return f"{probe.url}: {missing}"
    listed = _listed(body) if probe.model else [probe.model]
    if probe.model not in listed:
        return f"{probe.url} lists {', '.join(listed) or 'no model'}, expected {probe.model}"
    return ""


def _first_failing(probes: tuple[Probe, ...], has_port: Callable[[], bool]) -> str:
    if not has_port():
        return "nothing listens on its port yet"
    return next((problem for probe in probes if (problem := answer_problem(probe))), "")


def _has_port(name: str, port: int | None) -> bool:
    return port is None or any(h.unit == name or not h.pid for h in holders(port))


def _explain(manager: Manager, state: State, port: int | None) -> str:
    # Of this run only: an earlier one may have failed for another reason.
    lines = manager.last_words(state, TELLING_LINES)
    why = cause(state, lines, foreign_holder(state.name, port))
    return f"{why}; {account(state, lines[-SHOWN_LINES:])}"


def _listed(body: bytes) -> list[str]:
    try:
        answer = json.loads(body)
        return [str(item["id"]) for item in answer["data"]]
    except (ValueError, KeyError, TypeError):
        return []
