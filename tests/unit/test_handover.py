# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hand-over, cut off at each step. systemd is a model here; the lab has the real one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import drained
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.manager import GatewayManager
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import ManagerError
from tools.gateway_model import CutOffError, Host, Manager


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    module = "ansible_collections.lab.llm.plugins.module_utils.gateway.handover"
    monkeypatch.setattr(f"{module}.LOOK_SECONDS", 0.1)
    store = Store(tmp_path / "gateway")
    store.prepare()
    for text in "one", "two":
        store.stage(Content({"config.yaml": text}, "venv", {}, (), ""), {})
    host = Host(store)
    go_live(host, 1)
    assert host.states == {1: "serving"}
    return host


def handover(host: Host) -> Handover:
    return Handover(host.store, Manager(host), 0.1)


def go_live(host: Host, number: int) -> None:
    """The steps of a change that have to do with processes."""
    going, old = handover(host), host.store.current()
    going.start(number)
    host.store.switch(number)
    try:
        going.settle(number)
    except (NotServingError, ManagerError):
        with contextlib.suppress(ManagerError):
            going.take_back(number, old)
        raise


def test_the_new_one_serves_and_the_old_one_retires(host: Host) -> None:
    go_live(host, 2)
    assert host.states == {1: "retiring", 2: "serving"}
    assert host.store.current() == 2


def test_a_broken_one_never_serves_and_says_why(host: Host) -> None:
    host.broken.add(2)
    with pytest.raises(NotServingError, match="no such model"):
        go_live(host, 2)
    assert host.states == {1: "serving"}
    assert host.store.current() == 1


def test_one_that_does_not_accept_is_taken_back(host: Host) -> None:
    host.deaf.add(2)
    with pytest.raises(NotServingError, match="generation 2 does not accept"):
        go_live(host, 2)
    assert host.states[1] == "serving"
    assert host.store.current() == 1


def test_an_old_one_that_does_not_listen_is_stopped_first(host: Host) -> None:
    host.deaf.add(1)
    go_live(host, 2)
    assert host.states == {2: "serving"}


def test_the_first_one_that_fails_leaves_nothing_current(host: Host) -> None:
    host.store.link.unlink()
    host.states.clear()
    host.deaf.add(2)
    with pytest.raises(NotServingError):
        go_live(host, 2)
    assert host.store.current() is None


@pytest.mark.parametrize("left", range(8))
def test_cut_off_at_any_step_the_next_run_converges(host: Host, left: int) -> None:
    host.left = left
    cut = False
    try:
        go_live(host, 2)
    except CutOffError:
        cut = True
    assert cut == (left < 6)
    if host.store.current() == 1:
        assert host.states[1] == "serving"
    host.left = 1000
    again = handover(host)
    if host.store.current() == 2:
        again.start(2)
        again.settle(2)
    else:
        go_live(host, 2)
    assert host.states[2] == "serving"
    assert host.states.get(1) in (None, "retiring")


@pytest.mark.parametrize("left", range(8))
def test_cut_off_at_any_step_the_way_back_is_open(host: Host, left: int) -> None:
    host.left = left
    with contextlib.suppress(CutOffError):
        go_live(host, 2)
    host.left = 1000
    go_live(host, 1)
    assert host.states[1] == "serving"
    assert host.states.get(2) in (None, "retiring")


def test_a_manager_that_fails_is_a_failure_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_words: object) -> bool:
        raise ManagerError("it hangs")

    with monkeypatch.context() as patch:
        patch.setattr(Handover, "stand_up", hangs)
        with pytest.raises(ManagerError):
            go_live(host, 2)
    assert host.store.current() == 1
    handover(host).settle(1)
    assert host.states[1] == "serving"


def test_what_older_ones_have_begun_is_waited_for(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drained, "LOOK_SECONDS", 0.01)
    go_live(host, 2)
    host.left_over = ["litellm-1-77.scope", "litellm-2-78.scope"]  # a restart, before and after
    manager: Any = Manager(host)
    assert drained.wait(host.store, manager, 0) == ["litellm@1.service", "litellm-1-77.scope"]
    host.states[1] = "standby: warm"
    assert drained.wait(host.store, manager, 0.02) == ["litellm-1-77.scope"]
    host.left_over.remove("litellm-1-77.scope")
    assert drained.wait(host.store, manager, 60) == []
    host.ending[1] = 3  # looks: it is stopped, and has some seconds for what it has begun
    assert drained.wait(host.store, manager, 60) == []
    assert host.ending == {}


def test_only_what_runs_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    lines = "litellm-1-7.scope loaded active running x\\nlitellm-1-8.scope loaded failed failed x"
    program.write_text(f"#!/bin/sh\nprintf '{lines}\\n'; exit $(cat {tmp_path}/status)\n")
    program.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert GatewayManager(tmp_path).scopes() == ["litellm-1-7.scope"]
    (tmp_path / "status").write_text("1")
    with pytest.raises(ManagerError, match="list-units"):  # nobody may take that for an end
        GatewayManager(tmp_path).scopes()
