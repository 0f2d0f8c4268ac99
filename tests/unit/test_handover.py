# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hand-over, cut off at each step. systemd is a model here; the lab has the real one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import secrets_file
from ansible_collections.lab.llm.plugins.module_utils.gateway.change import Change, Wanted
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import (
    GenerationError,
    Store,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.manager import Instance
from ansible_collections.lab.llm.plugins.module_utils.host.units import HEADER
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import (
    ManagerError,
    State,
)


class CutOffError(Exception):
    """The cable is pulled."""


@dataclass
class Host:
    """Launchers as they behave: they read `current` when they start and when told to."""

    store: Store
    broken: set[int] = field(default_factory=set)
    deaf: set[int] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    began_with: dict[int, str] = field(default_factory=dict)
    listens: bool = False
    reloads_badly: bool = False
    left: int = 1000

    @property
    def units(self) -> Path:
        return self.store.base / "units"

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
            self.began_with[number] = secrets_file.read(self.store.base / "secrets.env").get(
                "A", ""
            )
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

    def attempt(self, verb: str, *names: str) -> None:
        if "litellm.service" in names:
            self.listens = False
            self.states.clear()  # PartOf=

    def do(self, _verb: str, *_names: str) -> None:
        self.listens = True

    def reload(self) -> None:
        if self.reloads_badly:
            raise ManagerError("systemctl --user daemon-reload: it hangs")

    def states_of(self, name: str) -> State:
        active = "active" if self.listens else "inactive"
        return State(name, {"ActiveState": active, "UnitFileState": "enabled"})

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


def test_a_manager_that_fails_is_a_failure_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_words: object) -> bool:
        raise ManagerError("it hangs")

    going = handover(host)
    with monkeypatch.context() as patch:
        patch.setattr(going, "stand_up", hangs)
        with contextlib.suppress(ManagerError):
            going.go_live(2)
    assert host.store.current() == 1
    going.settle(1)
    assert host.states[1] == "serving"


# --- a whole change: secrets, units, generation ----------------------------------------------


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    module = "ansible_collections.lab.llm.plugins.module_utils.gateway.handover"
    monkeypatch.setattr(f"{module}.LOOK_SECONDS", 0.1)
    store = Store(tmp_path / "gateway")
    store.prepare()
    venv = store.base / "venvs" / "venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").touch()
    (venv.parent / "lab-llm.json").write_text("{}")
    return Host(store)


def change(host: Host) -> Change:
    return Change(handover(host), keep=10, check=False)


def wanted(text: str, key: str, port: int = 4000) -> Wanted:
    units = {"litellm.socket": f"{HEADER}\n[Socket]\nListenStream={port}\n"}
    return Wanted({"config.yaml": text}, "venv", units, ("A",), {}, {"A": key})


def key(host: Host) -> str:
    return secrets_file.read(host.store.base / "secrets.env")["A"]


def aside(host: Host) -> bool:
    return (host.store.base / "secrets.env.before").exists()


def outcome(host: Host, number: int) -> str:
    return host.store.outcome(number).get("outcome", "")


def test_a_change_is_good_only_once_it_is_settled(bare: Host) -> None:
    change(bare).deploy(wanted("one", "old"), live=True)
    assert (outcome(bare, 1), aside(bare)) == ("live", False)
    change(bare).deploy(wanted("two", "new"), live=True, settle=False)
    assert bare.states == {1: "retiring", 2: "serving"}
    assert (outcome(bare, 2), aside(bare)) == ("serving", True)
    assert change(bare).go_to(2)["changed"] is True
    assert (outcome(bare, 2), aside(bare)) == ("live", False)
    assert change(bare).go_to(2)["changed"] is False
    with pytest.raises(GenerationError, match="generation 2 serves"):
        change(bare).discard(2, "why")


@pytest.mark.parametrize("port", [4000, 4001])
@pytest.mark.parametrize("gone", [True, False])
def test_what_is_not_settled_is_taken_back_whole(bare: Host, gone: bool, port: int) -> None:
    change(bare).deploy(wanted("one", "old"), live=True)
    change(bare).deploy(wanted("two", "new", port), live=True, settle=False)
    if gone:
        bare.states.pop(1, None)  # it has finished what it had, and left
    assert change(bare).discard(2, "it does not answer")["previous"] == 1
    assert bare.store.current() == 1
    assert bare.states[1] == "serving"
    assert bare.states.get(2) in (None, "retiring")
    assert (key(bare), bare.began_with[1], aside(bare)) == ("old", "old", False)
    assert "ListenStream=4000" in (bare.units / "litellm.socket").read_text()
    assert outcome(bare, 2) == "failed"
    assert change(bare).discard(2, "again")["changed"] is False
    with pytest.raises(GenerationError, match="no good generation"):
        bare.store.previous()


def test_the_way_back_leads_to_what_served_and_not_to_the_highest(bare: Host) -> None:
    for text in "one", "two":
        change(bare).deploy(wanted(text, "old"), live=True)
    change(bare).go_to(1)
    change(bare).deploy(wanted("three", "old"), live=True, settle=False)
    assert change(bare).discard(3, "why")["previous"] == 1
    assert bare.states[1] == "serving"


def test_the_first_one_is_taken_down(bare: Host) -> None:
    change(bare).deploy(wanted("one", "old"), live=True, settle=False)
    assert bare.listens
    assert change(bare).discard(1, "it does not answer")["previous"] is None
    assert bare.store.current() is None
    assert (bare.states, bare.listens, outcome(bare, 1)) == ({}, False, "failed")
    change(bare).deploy(wanted("one", "old"), live=True)
    assert bare.states == {2: "serving"}


@pytest.mark.parametrize("left", range(14))
def test_cut_off_while_it_is_taken_back_the_next_run_does_it(bare: Host, left: int) -> None:
    change(bare).deploy(wanted("one", "old"), live=True)
    change(bare).deploy(wanted("two", "new"), live=True, settle=False)
    bare.states.pop(1)
    bare.left = left
    with contextlib.suppress(CutOffError):
        change(bare).discard(2, "why")
    bare.left = 1000
    change(bare).deploy(wanted("two", "new"), live=True, settle=False)
    number = bare.store.current()
    assert number in (2, 3)
    assert bare.states[number] == "serving"
    assert change(bare).discard(number, "why")["previous"] == 1
    assert bare.states[1] == "serving"
    assert (key(bare), aside(bare)) == ("old", False)


def test_a_candidate_does_not_cost_the_current_one_its_secrets(bare: Host) -> None:
    change(bare).deploy(wanted("one", "old"), live=True)
    change(bare).deploy(wanted("two", "new"), live=False)
    change(bare).go_to(1)
    assert aside(bare)
    change(bare).discard(2, "why")
    assert (key(bare), outcome(bare, 2), bare.states) == ("old", "discarded", {1: "serving"})


def test_secrets_and_units_come_back_even_if_systemd_fails(bare: Host) -> None:
    change(bare).deploy(wanted("one", "old"), live=True)
    bare.reloads_badly = True
    with pytest.raises(ManagerError, match="it hangs"):
        change(bare).deploy(wanted("two", "new", 4001), live=True)
    assert (key(bare), bare.store.current(), outcome(bare, 2)) == ("old", 1, "failed")
    assert "ListenStream=4000" in (bare.units / "litellm.socket").read_text()


def test_two_at_once_leave_each_other_s_staging_alone(bare: Host) -> None:
    staging = bare.store.folder / ".staging-x"
    staging.mkdir()
    with bare.store.locked("somebody"), pytest.raises(GenerationError, match="somebody"):
        bare.store.locked("me").__enter__()
    assert staging.exists()
