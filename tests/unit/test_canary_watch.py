"""The timer's look at canaries: what it remembers, what is undone, and who may have more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import canary_watch, change_journal
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Answer
from ansible_collections.lab.llm.plugins.module_utils.gateway.canary import PROMOTE
from ansible_collections.lab.llm.plugins.module_utils.gateway.canary_watch import (
    MOST_LOOKS,
    may_have,
    remembered,
    thinned,
    tick,
    watch,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.lock import LockedError
from ansible_collections.lab.llm.plugins.module_utils.gateway.metrics import Look

BEGAN = 1_000_000.0


class Gateway:
    """Generations with shares, one of them current, and its counters."""

    def __init__(self, base: Path) -> None:
        self.store = Store(base)
        self.store.prepare()
        self.held = SimpleNamespace(values_of=lambda number: {"LITELLM_MASTER_KEY": "sk-a"})
        self.manager = SimpleNamespace(private_socket=lambda number: base / f"{number}.sock")
        self.counters: dict[str, tuple[int, int]] = {}
        self.status, self.asked = 200, 0
        self.margin: dict[str, float] = {}

    def serve(
        self, number: int, shares: Mapping[str, float], before: int | None, at: float = BEGAN
    ) -> None:
        """A generation that serves now; a new process counts from 0."""
        route = {"canary": ["~c/m"], "peers": ["~a/m", "~b/m"], "share": 0.0}
        canaries = [
            {"provider": name, "share": share, "routes": {"m": {**route, "canary": [f"~{name}/m"]}}}
            for name, share in shares.items()
        ]
        folder = self.store.folder / str(number)
        folder.mkdir(parents=True)
        margin = {"margin": self.margin} if self.margin else {}
        (folder / "probes.json").write_text(json.dumps({"canaries": canaries, **margin}))
        self.store.record(number, "live", before=before)
        outcome = self.store.outcomes / f"{number}.json"
        outcome.write_text(json.dumps({**json.loads(outcome.read_text()), "at": at}))
        self.store.switch(number)
        self.counters = {}

    def count(self, **more: tuple[int, int]) -> None:
        """(answered, failed) more of each provider."""
        for name, (answered, failed) in more.items():
            old = self.counters.get(name, (0, 0))
            self.counters[name] = (old[0] + answered, old[1] + failed)

    def ask(self, path: str) -> Answer:
        assert path == "/metrics/"
        self.asked += 1
        lines = []
        for name, (answered, failed) in self.counters.items():
            labels = f'model_group="m",model_id="~{name}/m"'
            lines.append(f"litellm_deployment_success_responses_total{{{labels}}} {answered}.0")
            lines.append(f"litellm_deployment_failure_responses_total{{{labels}}} {failed}.0")
        return Answer(self.status, "\n".join(lines).encode())


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    made = Gateway(tmp_path)
    monkeypatch.setattr(canary_watch, "asker", lambda gateway, number: made.ask)
    return made


BAD, GOOD = (20, 10), (30, 0)


def test_a_promotion_is_undone_where_the_canary_is_worse(gateway: Gateway) -> None:
    gateway.serve(3, {"c": 0.05}, before=2)
    gateway.serve(4, {"c": 0.25}, before=3)
    assert tick(gateway.store, gateway.ask, BEGAN + 60).undo is None  # nothing to tell by
    gateway.count(a=(90, 0), c=BAD)
    decision = tick(gateway.store, gateway.ask, BEGAN + 120)
    assert decision.undo == 3
    (line,) = decision.lines
    assert line.startswith("canary c at 25 %: more of its requests fail: 10 of 30 failed (33.3 %")
    assert line.endswith("in 2 minutes; back to generation 3, where it had 5 %")


def test_a_first_share_is_undone_too(gateway: Gateway) -> None:
    gateway.serve(3, {}, before=2)
    gateway.serve(4, {"c": 0.05}, before=3)
    gateway.count(a=(570, 0), c=BAD)
    decision = tick(gateway.store, gateway.ask, BEGAN + 60)
    assert decision.undo == 3
    assert decision.lines[0].endswith("back to generation 3, where it had none")


# shares before, shares now, what was counted of c
STAYS = [
    ("it does well", {"c": 0.05}, {"c": 0.25}, GOOD),
    ("too few to tell", {"c": 0.05}, {"c": 0.25}, (3, 0)),
    ("the change was another one", {"c": 0.25}, {"c": 0.25}, BAD),
    ("it has less than before", {"c": 0.5}, {"c": 0.25}, BAD),
]


@pytest.mark.parametrize(("what", "before", "now", "counted"), STAYS)
def test_it_stays(
    what: str,
    before: dict[str, float],
    now: dict[str, float],
    counted: tuple[int, int],
    gateway: Gateway,
) -> None:
    gateway.serve(3, before, before=2)
    gateway.serve(4, now, before=3)
    gateway.count(a=(90, 0), c=counted)
    decision = tick(gateway.store, gateway.ask, BEGAN + 60)
    assert decision.undo is None, what
    assert len(decision.lines) == 1
    assert ("so it stays" in decision.lines[0]) == (counted == BAD)


def test_the_first_generation_has_nothing_to_go_back_to(gateway: Gateway) -> None:
    gateway.serve(1, {"c": 0.25}, before=None)
    gateway.count(a=(90, 0), c=BAD)
    assert tick(gateway.store, gateway.ask, BEGAN + 60).undo is None


def test_what_happened_before_the_promotion_is_no_reason_to_undo_it(gateway: Gateway) -> None:
    gateway.serve(3, {"c": 0.05}, before=2)
    gateway.count(a=(570, 0), c=BAD)
    tick(gateway.store, gateway.ask, BEGAN + 60)
    gateway.serve(4, {"c": 0.25}, before=3, at=BEGAN + 90)  # its backend was mended
    gateway.count(a=(90, 0), c=GOOD)
    decision = tick(gateway.store, gateway.ask, BEGAN + 150)
    assert decision.undo is None
    assert "no worse than its peers: 0 of 30 failed" in decision.lines[0]
    assert "in 60 s" in decision.lines[0]


def test_of_two_canaries_the_bad_one_is_the_reason(gateway: Gateway) -> None:
    gateway.serve(3, {"c": 0.05, "d": 0.05}, before=2)
    gateway.serve(4, {"c": 0.05, "d": 0.25}, before=3)
    gateway.count(a=(90, 0), c=GOOD, d=BAD)
    decision = tick(gateway.store, gateway.ask, BEGAN + 60)
    assert decision.undo == 3
    assert [line[:8] for line in decision.lines] == ["canary d", "canary c"]


def test_the_margin_is_the_generations_own(gateway: Gateway) -> None:
    gateway.margin = {"errors": 0.5, "latency": 2}
    gateway.serve(4, {"c": 0.25}, before=3)
    gateway.count(a=(90, 0), c=BAD)
    assert tick(gateway.store, gateway.ask, BEGAN + 60).undo is None
    gateway.margin = {"errors": 0.3}
    gateway.serve(5, {"c": 0.3}, before=4)
    gateway.count(a=(90, 0), c=BAD)
    assert tick(gateway.store, gateway.ask, BEGAN + 120).undo == 4


def test_without_a_canary_nobody_is_asked(gateway: Gateway) -> None:
    assert tick(gateway.store, gateway.ask, BEGAN).lines == ()
    gateway.serve(3, {}, before=2)
    assert tick(gateway.store, gateway.ask, BEGAN).lines == ()
    assert gateway.asked == 0
    assert not (gateway.store.base / "canary.json").exists()


def test_a_gateway_that_does_not_tell_its_counters_stays(gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.25}, before=3)
    gateway.status = 401
    decision = tick(gateway.store, gateway.ask, BEGAN)
    assert (decision.undo, decision.lines) == (
        None,
        ("canaries: the gateway does not tell its counters: 401",),
    )


@pytest.mark.parametrize("text", ["", "[]", '{"looks": [{}]}', '{"looks": 3}', "{"])
def test_a_file_that_is_not_ours_is_forgotten(text: str, gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.25}, before=3)
    (gateway.store.base / "canary.json").write_text(text)
    tick(gateway.store, gateway.ask, BEGAN)
    assert len(remembered(gateway.store)) == 1


def test_what_is_remembered_has_a_bound_and_loses_no_request(gateway: Gateway) -> None:
    gateway.serve(3, {"c": 0.25}, before=2)
    for minute in range(300):
        gateway.count(a=(3, 0), c=(1, 0))
        tick(gateway.store, gateway.ask, BEGAN + 60 * minute)
    looks = remembered(gateway.store)
    assert len(looks) <= MOST_LOOKS
    said = may_have(gateway, "c", 0.5, BEGAN + 60 * 300, 600, PROMOTE)
    assert 7 <= said["numbers"]["requests"] <= 11  # the newest ones are all there
    said = may_have(gateway, "c", 0.5, BEGAN + 60 * 300, 1e6, PROMOTE)
    assert said["numbers"]["requests"] == 300
    size = (gateway.store.base / "canary.json").stat().st_size
    assert size < 100_000


def test_a_day_is_remembered(gateway: Gateway) -> None:
    gateway.serve(3, {"c": 0.25}, before=2)
    for hour in range(100):
        tick(gateway.store, gateway.ask, BEGAN + 3600 * hour)
    assert len(remembered(gateway.store)) == 27


def test_the_end_of_a_generation_is_kept_longest() -> None:
    looks = [Look(at, at // 7, {}) for at in range(MOST_LOOKS + 1)]
    kept = thinned(looks)
    assert len(kept) <= MOST_LOOKS
    ends = [one.at for one, after in pairwise(looks) if one.generation != after.generation]
    assert set(ends) <= {one.at for one in kept}
    assert kept[-1] is looks[-1]


# What is asked for, what it has, what it did -> allowed, words
STEPS = [
    (0.25, {"c": 0.05}, GOOD, True, "c at 5 %: no worse than its peers: 0 of 30 failed"),
    (0.25, {"c": 0.05}, BAD, False, "c at 5 %: more of its requests fail: 10 of 30"),
    (1.0, {"c": 0.05}, BAD, False, "more of its requests fail"),
    (0.25, {"c": 0.05}, (5, 0), False, "too few to tell: it got 5 requests"),
    (0.05, {"c": 0.25}, BAD, True, "less of it needs no proof"),
    (0.05, {"c": 0.05}, BAD, True, "less of it needs no proof"),
    (0.0, {"c": 0.05}, BAD, True, "less of it needs no proof"),
    (0.05, {}, BAD, True, "c has no share yet"),
    (0.05, {"d": 0.05}, BAD, True, "c has no share yet"),
]


@pytest.mark.parametrize(("share", "now", "counted", "allowed", "words"), STEPS)
def test_who_may_have_more(
    share: float,
    now: dict[str, float],
    counted: tuple[int, int],
    allowed: bool,
    words: str,
    gateway: Gateway,
) -> None:
    gateway.serve(4, now, before=3)
    gateway.count(a=(570, 0), c=counted)
    said = may_have(gateway, "c", share, BEGAN + 600, 3600, PROMOTE)
    assert said["allowed"] == allowed, said
    assert words in said["why"]
    assert said["share"] == now.get("c", 0.0)
    assert said["rises"] == (share > now.get("c", 0.0))
    assert not (gateway.store.base / "canary.json").exists()  # whoever asks changes nothing


def test_the_first_of_all_may_have_a_share(gateway: Gateway) -> None:
    assert may_have(gateway, "c", 0.05, BEGAN, 3600, PROMOTE)["allowed"]


def test_without_counters_nobody_has_more(gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.05}, before=3)
    gateway.status = 500
    said = may_have(gateway, "c", 0.25, BEGAN, 3600, PROMOTE)
    assert (said["allowed"], said["why"]) == (False, "the gateway does not tell its counters: 500")


def test_only_the_window_counts(gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.05}, before=3)
    gateway.count(a=(500, 0), c=BAD)
    tick(gateway.store, gateway.ask, BEGAN + 60)
    gateway.count(a=(600, 0), c=GOOD)
    later = BEGAN + 60 + 3600
    assert may_have(gateway, "c", 0.25, later, 3600, PROMOTE)["allowed"]
    assert not may_have(gateway, "c", 0.25, later, 7200, PROMOTE)["allowed"]


def test_a_window_without_a_look_in_it_counts_from_the_one_before(gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.05}, before=3)
    gateway.count(a=(500, 0), c=BAD)
    tick(gateway.store, gateway.ask, BEGAN + 60)
    gateway.count(a=(500, 0), c=(25, 0))
    said = may_have(gateway, "c", 0.25, BEGAN + 120, 0, PROMOTE)
    assert (said["allowed"], said["numbers"]["requests"]) == (True, 25)
    assert said["numbers"]["window_seconds"] == 60


class Undone:
    """What the transaction is asked, and what it answers."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer, self.calls = answer, []

    def __call__(self, _gateway: object, number: int, reason: str) -> dict[str, Any]:
        self.calls.append((number, reason))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "done", "last"),
    [
        ({"changed": True}, True, "generation 3 serves again"),
        ({"failed": True, "msg": "it does not start"}, False, "4 stays: it does not start"),
        (LockedError("somebody is at it"), False, "4 stays for now: somebody is at it"),
    ],
)
def test_the_transaction_is_asked_and_what_came_of_it_is_said(
    answer: dict[str, Any] | Exception, done: bool, last: str, gateway: Gateway
) -> None:
    gateway.serve(3, {"c": 0.05}, before=2)
    gateway.serve(4, {"c": 0.25}, before=3)
    gateway.count(a=(90, 0), c=BAD)
    lines: list[str] = []
    take_back = Undone(answer)
    assert watch(gateway, take_back, lines.append, lambda: BEGAN + 60) == done
    assert [number for number, _reason in take_back.calls] == [3]
    assert "10 of 30 failed" in take_back.calls[0][1]
    assert lines[-1].endswith(last)


def test_while_a_change_is_under_way_nobody_looks(gateway: Gateway) -> None:
    gateway.serve(4, {"c": 0.25}, before=3)
    change_journal.begin(gateway.store.base, "deploy", "me", "boot", 5, 4, {})
    lines: list[str] = []
    assert not watch(gateway, Undone({}), lines.append, lambda: BEGAN)
    assert (lines, gateway.asked) == ([], 0)
