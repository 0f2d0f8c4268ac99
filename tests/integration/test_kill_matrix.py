"""Something is killed at every boundary of a change: one configuration serves within half a minute,
and the next run converges."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tools.cut_off import KINDS, PHASES, CutOff, possible
from tools.gateway_under_test import AT_REST, Gateway

pytestmark = pytest.mark.lab

SECONDS = 30.0  # until it serves again, at the latest
# What `make test` has time for: before, at and after the switch. All others are for the night.
EACH_TIME = {
    ("started", "candidate"),
    ("switched", "program"),
    ("settled", "program"),
}
MATRIX = [
    pytest.param(
        *(phase, kind),
        id=f"{phase}-{kind}",
        marks=() if (phase, kind) in EACH_TIME else pytest.mark.nightly,
    )
    for phase in PHASES
    for kind in KINDS
    if possible(kind, phase)
]
# Whose death nobody notices: who serves is not among them.
UNNOTICED = {"module", "controller", "program"}


@pytest.fixture
def cut_off(running: Gateway, request: pytest.FixtureRequest) -> Iterator[CutOff]:
    phase = request.getfixturevalue("phase")
    mark = f"k{time.time():.0f}"
    broken = {"two": "openai/broken"} if phase == "undoing" else {}
    change = CutOff(running, phase, running.config(mark, **broken))
    yield change
    change.clear()


@pytest.mark.parametrize(("phase", "kind"), MATRIX)
def test_a_kill_leaves_one_configuration_serving(phase: str, kind: str, cut_off: CutOff) -> None:
    gateway, text = cut_off.gateway, cut_off.text
    before, new = gateway.mark(), text.split()[1]
    with gateway.load(rate=10) as load:
        cut_off.begin()
        cut_off.kill(kind)
        killed = time.monotonic()
        back = load.first(killed, seconds=SECONDS + 10)
        cut_off.end()
        gateway.let_change_end()
        gateway.let_pass(load, 2)
    seen = load.report()
    print(f"{phase}-{kind}: served after {back.first - killed:.1f} s, turns {seen.turns()}")
    print(seen.summary())
    assert back.first - killed < SECONDS
    assert set(seen.turns()) <= {before, new}
    assert len(seen.turns()) <= 3, "old, new, and old again: no other way leads anywhere"
    late = [row.error for row in seen.failed if row.sent > back.first + 5]
    assert late == []
    unnoticed = kind in UNNOTICED or (kind == "candidate" and phase in ("started", "proven"))
    assert not (unnoticed and seen.failed), seen.summary()
    converges(gateway, gateway.config(f"{new}-next" if phase == "undoing" else new))


def converges(gateway: Gateway, text: str) -> None:
    status, _, said = gateway.change(text)
    assert status == 0, said[-3000:]
    assert gateway.mark() == text.split()[1]
    assert gateway.at_rest() == AT_REST
    assert gateway.answers() == gateway.mark()
