# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hand-over, cut off at each step. systemd is a model here; the lab has the real one."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
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
