# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hand-over, cut off at each step. systemd is a model here; the lab has the real one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Content, Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.manager import Instance
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import State


class CutOffError(Exception):
    """The cable is pulled."""


@dataclass
class Host:
    """Launchers as they behave: they read `current` when they start and when told to."""

    store: Store
    broken: set[int] = field(default_factory=set)
    deaf: set[int] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    left: int = 1000

    def step(self) -> None:
        assert sum(state == "serving" for state in self.states.values()) <= 1
        self.left -= 1
        if self.left < 0:
            raise CutOffError

    def order(self, verb: str, number: int) -> None:
        self.step()
        current = self.store.current() == number
        if verb == "stop":
            self.states.pop(number, None)
        elif verb == "start" and number not in self.states:
            private = "serving" if current else "private: not the current generation"
            self.states[number] = (
                "start failed: no such model" if number in self.broken else private
            )
        elif verb == "reload" and number not in self.deaf and number in self.states:
            was = self.states[number]
            gone = "retiring" if was == "serving" else was
            self.states[number] = "serving" if current else gone
        self.step()

    def instance(self, number: int) -> Instance:
        status = self.states.get(number)
        if status is None:
            return Instance(number, "inactive", "dead", "", "success", "")
        failed = status.startswith("start failed")
        active, sub = ("failed", "failed") if failed else ("active", "running")
        return Instance(number, active, sub, status, "exit-code" if failed else "success", "")

    def instances(self) -> list[Instance]:
        return [self.instance(number) for number in self.states]

    def attempt(self, *_words: str) -> None:
        pass

    def states_of(self, name: str) -> State:
        return State(name, {"ActiveState": "active", "UnitFileState": "enabled"})

    def journal(self, *_words: object) -> list[str]:
        return []


class Manager:
    """The host as the hand-over asks it."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def __getattr__(self, name: str) -> object:
        return getattr(self.host, name)

    def states(self, names: list[str]) -> dict[str, State]:
        return {name: self.host.states_of(name) for name in names}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    module = "ansible_collections.lab.llm.plugins.module_utils.gateway.handover"
    monkeypatch.setattr(f"{module}.LOOK_SECONDS", 0.1)
    store = Store(tmp_path / "gateway")
    store.prepare()
    for text in "one", "two":
        store.stage(Content({"config.yaml": text}, "venv", {}, (), ""), {})
    host = Host(store)
    handover(host).go_live(1)
    assert host.states == {1: "serving"}
    return host


def handover(host: Host) -> Handover:
    return Handover(host.store, Manager(host), 0.1)


def test_the_new_one_serves_and_the_old_one_retires(host: Host) -> None:
    handover(host).go_live(2)
    assert host.states == {1: "retiring", 2: "serving"}
    assert host.store.current() == 2


def test_a_broken_one_never_serves_and_says_why(host: Host) -> None:
    host.broken.add(2)
    with pytest.raises(NotServingError, match="no such model"):
        handover(host).go_live(2)
    assert host.states == {1: "serving"}
    assert host.store.current() == 1


def test_one_that_does_not_accept_is_taken_back(host: Host) -> None:
    host.deaf.add(2)
    with pytest.raises(NotServingError, match="generation 2 does not accept"):
        handover(host).go_live(2)
    assert host.states[1] == "serving"
    assert host.store.current() == 1


def test_an_old_one_that_does_not_listen_is_stopped_first(host: Host) -> None:
    host.deaf.add(1)
    handover(host).go_live(2)
    assert host.states == {2: "serving"}


def test_the_first_one_that_fails_leaves_nothing_current(host: Host) -> None:
    host.store.link.unlink()
    host.states.clear()
    host.deaf.add(2)
    with pytest.raises(NotServingError):
        handover(host).go_live(2)
    assert host.store.current() is None


@pytest.mark.parametrize("left", range(8))
def test_cut_off_at_any_step_the_next_run_converges(host: Host, left: int) -> None:
    host.left = left
    cut = False
    try:
        handover(host).go_live(2)
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
        again.go_live(2)
    assert host.states[2] == "serving"
    assert host.states.get(1) in (None, "retiring")


@pytest.mark.parametrize("left", range(8))
def test_cut_off_at_any_step_the_way_back_is_open(host: Host, left: int) -> None:
    host.left = left
    with contextlib.suppress(CutOffError):
        handover(host).go_live(2)
    host.left = 1000
    handover(host).go_live(1)
    assert host.states[1] == "serving"
    assert host.states.get(2) in (None, "retiring")
