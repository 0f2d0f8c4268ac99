"""Under load, whatever is deployed: no request fails, and no two configurations answer at once."""

from __future__ import annotations

import time

import pytest
from tools.changes import TWENTY, Changes
from tools.gateway_under_test import AT_REST, BASE, Gateway
from tools.load_report import Report

pytestmark = pytest.mark.lab

RESTART = "systemctl --user restart litellm.service"


def is_whole(seen: Report, marks: list[str]) -> None:
    """Nothing failed, and the configurations answered one after the other, in this order."""
    print(seen.summary(), seen.turns())
    assert seen.failed == [], seen.summary()
    assert seen.turns() == marks
    assert seen.said_goodbye()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_a_change_the_way_back_and_a_restart(running: Gateway, workers: int) -> None:
    first, mark = running.mark(), f"n{workers}-{time.time():.0f}"
    with running.load() as load:
        running.let_pass(load, 3)
        running.serve(mark, "-e", f"gateway_workers={workers}")
        running.let_pass(load, 1)
        running.user(f"python3 {BASE}/program rollback")
        back = running.mark()
        running.let_pass(load, 1)
        running.user(RESTART)
        running.let_pass(load, 1)
    is_whole(load.report(), [first, mark, back])
    assert running.at_rest() == AT_REST


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [1, 2])
def test_twenty_changes_in_a_row(gateway: Gateway, workers: int) -> None:
    changes = Changes(gateway, workers)
    changes.prepare()
    marks = [gateway.mark()]
    with gateway.load() as load:
        gateway.let_pass(load, 3)
        for kind, mark in changes.make(TWENTY):
            print(kind, mark)
            marks.append(mark)
            gateway.let_pass(load, 1)
    is_whole(load.report(), marks)
    assert load.report().longest_stall_s < 2
