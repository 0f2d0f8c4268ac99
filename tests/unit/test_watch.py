# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule: whom it asks when, what it makes of it, and how often it does something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import change_journal, watch
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Answer
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.lock import LockedError
from ansible_collections.lab.llm.plugins.module_utils.gateway.schedule import (
    HOUR,
    Rules,
    Seen,
    helped,
    plan,
    restored,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.watch import Watch

NOW = 1_000_000.0
RULES = Rules(every=300, failures=3, most=2)


def row(identity: str, name: str, configured: str = "1") -> dict[str, str]:
    return {"id": identity, "name": name, "mode": "chat", "configured": configured}


def provider(cloud: bool = False, watch: str = "full", interval: float = 0) -> dict[str, Any]:
    told = {"probe": "full", "watch": watch, "cloud": cloud, "interval_seconds": interval}
    return {**told, "variables": []}


def health(name: str, url: str = "http://p/health", host: str | None = None) -> dict[str, Any]:
    return {"provider": name, "host": host, "url": url}


def probes(**more: Any) -> dict[str, Any]:
    found = {
        "models": ["a", "b", "c"],
        "health": [health("own"), health("cloud", "http://c/health", "h1")],
        "completions": [{"route": x, "model": x, "mode": "chat"} for x in "abc"],
        "fallbacks": [],
        "deployments": [row("~own/a", "a"), row("~own/b", "b"), row("~cloud/c", "c")],
        "providers": {"own": provider(), "cloud": provider(True, "health")},
    }
    return found | more


LISTED = ("listing", "models", "models")
OWN, CLOUD = ("health", "own", "own"), ("health", "cloud on h1", "cloud")


def by_id(name: str) -> tuple[str, str, str]:
    return ("new", name, name)


def test_a_generation_is_first_looked_at_whole() -> None:
    assert plan(Seen(), probes(), RULES, NOW).only is None
    assert plan(Seen(1, whole=True), {"models": ["a"]}, RULES, NOW).only is None  # who knows


# what: the provider's row, when it was asked, whether it is now
DUE = [
    ("without an interval each time", provider(), NOW - 1, True),
    ("with an interval when it is over", provider(interval=600), NOW - 600, True),
    ("a timer is not exact", provider(interval=600), NOW - 590, True),
    ("with an interval not before", provider(interval=600), NOW - 300, False),
    ("an interval below the look's", provider(interval=60), NOW - 290, True),
    ("a vendor's health each time", provider(True, "health"), NOW - 1, True),
    ("a vendor that may be asked, once an hour", provider(True, "full"), NOW - 1800, False),
    ("a vendor that may be asked, after an hour", provider(True, "full"), NOW - 3600, True),
    ("a vendor that may be asked, by its interval", provider(True, "full", 7200), NOW - 3600, False),
    ("never before", provider(True, "full", 7200), 0.0, True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "told", "asked", "due"), DUE, ids=[r[0] for r in DUE])
def test_who_is_asked_when(what: str, told: Any, asked: float, due: bool) -> None:
    seen = Seen(1, whole=True, asked={"own": asked})
    found = plan(seen, probes(providers={"own": told, "cloud": provider()}), RULES, NOW)
    assert found.only is not None
    assert (OWN in found.only, "own" in found.asked, "own" not in found.spared) == (due, due, due)
    assert {LISTED, CLOUD} <= found.only


def test_one_deployment_of_each_place_at_a_look_and_all_in_turn() -> None:
    rows = [row(f"~own@{h}/{m}", m) for h in ("h1", "h2") for m in ("a", "b", "c")]
    turns = [
        {w[1] for w in plan(Seen(1, whole=True, turn=n), probes(deployments=rows), RULES, NOW).only or () if w[0] == "new"}
        for n in range(3)
    ]  # fmt: skip
    assert turns == [{f"~own@{h}/{m}" for h in ("h1", "h2")} for m in ("a", "b", "c")]


def test_what_failed_is_asked_again() -> None:
    found = plan(Seen(1, whole=True, failing={by_id("~own/b"): 1}), probes(), RULES, NOW)
    assert by_id("~own/b") in (found.only or ())


def moved(**at: str) -> dict[str, Any]:
    rows = [{**r, "configured": at.get(r["id"][1:4], "1")} for r in probes()["deployments"]]
    return probes(deployments=rows)


NAME = ("routing", "a", "a")
FIRST = ("chains", "a", "~own/b")
# what fails, the probes of both, whether both run the same program, what may be otherwise before
HELPED = [
    ("a dead backend", [by_id("~own/a"), NAME], probes(), probes(), True, []),
    ("its address is another one", [by_id("~own/a"), NAME], probes(), moved(own="2"), True, [by_id("~own/a"), NAME]),
    ("another program", [by_id("~own/a")], probes(), probes(), False, [by_id("~own/a")]),
    ("a provider that only this one has", [by_id("~own/a"), NAME], probes(), probes(deployments=[row("~cloud/c", "c")]), True, []),
    ("a name fails, its deployments do not", [NAME], probes(), probes(), True, [NAME]),
    ("nobody listens", [LISTED, ("listing", "public", "public")], probes(), probes(), True, [LISTED, ("listing", "public", "public")]),
    ("a provider is ill", [OWN], probes(), probes(), True, []),
    ("its health is elsewhere", [OWN], probes(), probes(health=[health("own", "http://old/")]), True, [OWN]),
    ("a new provider is ill", [OWN], probes(), probes(health=[]), True, []),
    ("a chain's target is dead", [FIRST, by_id("~own/b")], probes(), probes(), True, []),
    ("one before that tells nothing", [NAME], probes(), {"models": ["a"]}, True, [NAME]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "failing", "mine", "older", "same", "may"), HELPED, ids=[r[0] for r in HELPED]
)
def test_what_may_be_otherwise_in_the_generation_before(
    what: str, failing: Any, mine: Any, older: Any, same: bool, may: Any
) -> None:
    assert helped(failing, mine, older, same) == may


def test_what_is_remembered_comes_back() -> None:
    seen = Seen(
        7, True, {NAME: 2}, {"own": NOW}, 3, [NOW], {"things": [list(NAME)], "why": "x", "at": NOW}
    )
    assert restored(json.loads(json.dumps(seen.as_dict()))) == seen


class Lab:
    """A gateway whose checks are what the test says: by generation, the things that fail."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store(base)
        self.store.prepare()
        self.bad: dict[int, set[tuple[str, str, str]]] = {}
        self.socket, self.instance, self.restarts = "active", "active", 0
        self.said: list[str] = []
        self.pauses: list[float] = []
        self.undone: list[float] = []
        self.asked: list[Any] = []
        self.at, self.result = NOW, {"changed": True, "generation": 1, "reason": "go back: x"}
        self.refuses: Exception | None = None
        monkeypatch.setattr(watch, "prove", self.prove)
        monkeypatch.setattr(watch, "Asker", lambda *_a, **_k: SimpleNamespace(ask=self.alive))

    def generation(self, number: int, probes: Mapping[str, Any], **manifest: Any) -> None:
        folder = self.store.folder / str(number)
        folder.mkdir()
        told = {"number": number, "digest": "", "files": {}, "venv": "v", "litellm": "", "lock": ""}
        told |= {"units": {}, "variables": [], "secrets": "", **manifest}
        (folder / "manifest.json").write_text(json.dumps(told))
        (folder / "probes.json").write_text(json.dumps(probes))
        self.store.record(number, "live")
        self.store.switch(number)

    def alive(self, _path: str) -> Answer:
        return Answer(0 if LISTED in self.bad.get(self.store.current() or 0, ()) else 200)

    def prove(self, store: Store, number: int, _door: str, options: Any, **_more: Any) -> Any:
        everything = {LISTED, OWN, NAME, by_id("~own/a"), by_id("~own/b")}
        wanted = everything if options.only is None else options.only
        self.asked.append(wanted)
        bad = self.bad.get(number, set())
        checks = [
            {"line": w[0], "check": w[1], "target": w[2], "ok": w not in bad,
             "seen": "boom" if w in bad else "fine", "status": 500 if w in bad else 200}
            for w in sorted(wanted)
        ]  # fmt: skip
        for one in checks:
            if one["line"] == "listing" and not one["ok"]:
                one["status"] = 0
        return SimpleNamespace(checks=checks)

    def undo(self) -> Mapping[str, Any]:
        self.undone.append(self.at)
        if self.refuses:
            raise self.refuses
        if self.result["changed"]:
            self.store.switch(1)
        return self.result

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds

    def look(self, rules: Rules = RULES, after: float = 300) -> str:
        """One look; what was said last."""
        self.at += after
        manager = SimpleNamespace(
            private_socket=lambda n: Path(f"/{n}"),
            states=lambda names: {
                n: SimpleNamespace(active_state=self.socket, restarts=self.restarts) for n in names
            },
            instance=lambda _n: SimpleNamespace(
                active=self.instance, failed=self.instance == "failed"
            ),
        )
        gateway: Any = SimpleNamespace(
            store=self.store, manager=manager, address=lambda _n: "http://x"
        )
        doing = {"say": self.said.append, "pause": self.pause, "now": lambda: self.at}
        Watch(gateway, rules, self.undo, **doing).look()
        return self.said[-1]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab(tmp_path, monkeypatch)
    lab.generation(1, moved(own="old"))
    lab.generation(2, probes())
    return lab


def test_all_is_well(lab: Lab) -> None:
    assert lab.look() == "generation 2: 6 checks, all well"
    assert lab.asked == [frozenset({LISTED}), {LISTED, OWN, NAME, by_id("~own/a"), by_id("~own/b")}]
    lab.asked.clear()
    lab.look()
    assert lab.asked[1] == {LISTED, OWN, CLOUD, by_id("~own/b"), by_id("~cloud/c")}
    assert lab.undone == []


def test_a_bad_generation_is_undone_in_one_look(lab: Lab) -> None:
    lab.bad[2] = {NAME, by_id("~own/a")}
    assert lab.look() == "generation 1 serves again: go back: x"
    assert lab.pauses == [50, 50]  # three times in a row, within half a period
    assert lab.asked[-1] == {NAME, by_id("~own/a")}
    assert any("a fails (boom)" in said and "1 of 3" in said for said in lab.said)
    assert lab.look() == "generation 1: 6 checks, all well"


def test_a_gateway_that_does_not_answer_is_asked_nothing_more(lab: Lab) -> None:
    lab.bad[2] = {LISTED}
    assert lab.look() == "generation 1 serves again: go back: x"
    assert lab.asked == [frozenset({LISTED})] * 3


def test_a_dead_backend_is_no_reason(lab: Lab) -> None:
    lab.generation(3, probes())
    lab.store.record(2, "live")
    lab.bad[3] = {NAME, by_id("~own/a"), OWN}
    for _look in range(5):
        assert "generation 2 would fail in it too" in lab.look()
    assert (lab.undone, lab.pauses) == ([], [])
    lab.bad.clear()
    assert "all well" in lab.look()


def test_what_passes_once_begins_anew(lab: Lab) -> None:
    lab.bad[2] = {NAME}
    lab.pause = lambda seconds: lab.bad.clear()  # type: ignore[method-assign]
    assert "all well" in lab.look()
    assert lab.undone == []


def test_what_was_decided_is_not_asked_again_for_an_hour(lab: Lab) -> None:
    lab.bad[2] = {NAME}
    lab.result = {"changed": False, "outcome": "stays", "reason": "stay: a fails there too"}
    assert lab.look() == "generation 2 stays: stay: a fails there too"
    assert "decided before: stay: a fails there too" in lab.look()
    assert len(lab.undone) == 1
    lab.bad[2] = {NAME, by_id("~own/b")}  # something else: that was not decided
    for _look in range(5):
        lab.look(after=60)
    assert len(lab.undone) == 2
    assert "a change was asked for 2 times within the hour" not in lab.said[-1]
    lab.look(after=HOUR)
    assert len(lab.undone) == 3


def test_it_asks_for_a_change_no_more_than_so_often(lab: Lab) -> None:
    lab.bad[2] = {NAME}
    rules = Rules(every=300, failures=1, most=1)
    lab.look(rules)
    lab.store.switch(2)  # somebody brings the bad one back
    assert "a change was asked for once within the hour, which is the bound" in lab.look(rules)
    assert len(lab.undone) == 1
    lab.look(rules, after=HOUR)
    assert len(lab.undone) == 2


def test_somebody_else_is_at_it(lab: Lab) -> None:
    lab.bad[2] = {NAME}
    lab.refuses = LockedError("the gateway is being changed by joe: wait for it to end")
    assert "stays for now: the gateway is being changed by joe" in lab.look()
    change_journal.begin(lab.store.base, "deploy", "joe", "boot", 3, 2, {})
    assert lab.look().startswith("not looked: a change is under way: joe (deploy to generation 3")


# why it does not look: what is so, what is said
NOT_NOW = [
    ({"socket": "inactive"}, "litellm.socket is stopped, which is somebody's wish"),
    ({"instance": "activating"}, "generation 2 is starting"),
]


@pytest.mark.parametrize(("is_so", "said"), NOT_NOW)
def test_it_does_not_look_now(lab: Lab, is_so: dict[str, str], said: str) -> None:
    lab.bad[2] = {LISTED}
    for name, value in is_so.items():
        setattr(lab, name, value)
    assert lab.look() == f"not looked: {said}"
    assert lab.asked == []


def test_one_that_cannot_start_is_a_failure(lab: Lab) -> None:
    lab.bad[2], lab.instance = {LISTED}, "failed"
    assert "serves again" in lab.look()


def test_one_that_is_started_again_and_again_is_a_failure(lab: Lab) -> None:
    lab.bad[2], lab.instance, lab.restarts = {LISTED}, "activating", 3
    assert "serves again" in lab.look()


def test_nothing_serves_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Lab(tmp_path, monkeypatch).look() == "not looked: nothing serves yet"


def test_the_first_generation_has_none_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path, monkeypatch)
    lab.generation(1, probes())
    lab.bad[1] = {NAME}
    assert lab.look() == "generation 1 stays: a fails (boom); there is none to go back to"
    assert lab.undone == []


def test_what_it_cannot_read_it_forgets(lab: Lab) -> None:
    (lab.store.base / "watch.json").write_text('{"another": "version"}')
    assert "all well" in lab.look()
