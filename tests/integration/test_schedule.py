# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule on a real host: a bad generation is undone, a dead backend is not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from conftest import Play
from tools.gateway_under_test import BASE, USER, Gateway, as_user
from tools.lab_hosts import wait_for

SHORTEST = 24.0  # seconds from look to look, on a machine that starts LiteLLM in a few seconds
START_UPS = 2.5  # from look to look on any other: going back takes one, and the questions
WORDS = ("-e", f"user_service_user={USER}", "-e", "schedule_max_per_hour=9")
WORDS += ("-e", "schedule_failures=2")
# Somebody puts a generation in by hand whose first deployment leads to nobody.
FORCE = r"""set -e
cd {base}/generations
old=$(readlink ../current); old=${{old##*/}}; new=$(($(ls | sort -n | tail -1) + 1))
cp -a $old $new && chmod -R u+w $new
sed -i -e "s/:7101/:7109/" $new/config.yaml
sed -i -e "s/\"number\": $old,/\"number\": $new,/" $new/manifest.json
ln -sfn generations/$new ../current
echo $new
"""
pytestmark = [pytest.mark.lab, pytest.mark.nightly]


@dataclass
class Scheduled:
    """A gateway, and the words with which a timer is made that looks at it every `seconds`."""

    gateway: Gateway
    seconds: float

    @property
    def words(self) -> tuple[str, ...]:
        return (*WORDS, "-e", f"schedule_minutes={self.seconds / 60}")


def said(gateway: Gateway, since: float) -> str:
    """What the schedule has written into the journal."""
    words = f"journalctl --user -o cat --no-pager --since=@{since:.0f} -u litellm-watch.service"
    return gateway.user(words)


@contextlib.contextmanager
def by_hand(gateway: Gateway) -> Iterator[Callable[[], str]]:
    """Without the timer: a call is one look, to its end, and what it said."""

    def look() -> str:
        began = time.time()
        start = "systemctl --user start litellm-watch.service"
        gateway.on(f"cd / && {as_user()} {start}", timeout=300)
        return said(gateway, began)

    gateway.user("systemctl --user stop litellm-watch.timer litellm-watch.service")
    yield look
    gateway.user("systemctl --user start litellm-watch.timer")


def restart(gateway: Gateway, number: str) -> float:
    """Start what `current` names as people do; how long until it serves."""
    began = time.monotonic()
    gateway.user("systemctl --user restart litellm.service")
    wait_for(lambda: gateway.serving() == [number], 300, f"{number} serves")
    return time.monotonic() - began


def force_bad(gateway: Gateway) -> str:
    """A bad generation serves; its number."""
    script = "/opt/gwtest/force.sh"
    gateway.write(script, FORCE.format(base=BASE))
    number = gateway.on(f"cd / && {as_user()} sh {script}")
    restart(gateway, number)
    return number


def has_one_before(gateway: Gateway) -> bool:
    """Whether there is a good generation to go back to."""
    numbers = gateway.on(f"ls {BASE}/generations 2>/dev/null || true").split()
    older = [n for n in numbers if int(n) < int(gateway.current() or 0)]
    return any(gateway.outcome(n).get("outcome") == "live" for n in older)


@pytest.fixture(scope="module")
def scheduled(gateway: Gateway, play: Play) -> Iterator[Scheduled]:
    """A timer looks at what serves, and there is a good generation before that."""
    if not gateway.current():
        gateway.serve("the one before")
    if not has_one_before(gateway):
        gateway.serve("scheduled")
    start_up = restart(gateway, gateway.current())
    scheduled = Scheduled(gateway, max(SHORTEST, START_UPS * start_up))
    gateway.on(f"rm -f {BASE}/watch.json")
    done = play("schedule.yml", *scheduled.words)
    assert done.returncode == 0, done.stdout[-3000:]
    print(f"schedule: a start-up takes {start_up:.1f} s, looks every {scheduled.seconds:.0f} s")
    yield scheduled
    done = play("schedule.yml", *scheduled.words, "-e", "state=absent")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "litellm-watch" not in gateway.user("systemctl --user list-timers --all --no-pager")


def test_a_bad_generation_is_undone_within_two_periods(scheduled: Scheduled) -> None:
    gateway = scheduled.gateway
    good, began = gateway.current(), time.time()
    bad = force_bad(gateway)
    periods = 2 * scheduled.seconds
    took = wait_for(lambda: gateway.current() == good, periods, "it is undone")
    print(f"schedule: undone {took:.1f} s after it served ({took / periods * 2:.2f} periods)")
    wait_for(lambda: gateway.serving() == [good], 30, "the good one serves")
    wait_for(lambda: "serves again: go back: a fails" in said(gateway, began), 30, "a line")
    assert gateway.outcome(bad)["outcome"] == "undone"


def test_a_dead_backend_is_not(scheduled: Scheduled) -> None:
    gateway = scheduled.gateway
    good = gateway.current()
    gateway.backend.on("systemctl stop gwtest-one")
    try:
        with by_hand(gateway) as look:
            told = look()
            assert f"generation {good} stays: " in told, told
            assert "in the generation before too" in told or "would fail in it too" in told, told
            assert (gateway.current(), gateway.serving()) == (good, [good])
            assert gateway.at_rest()["left behind"] == ""
            again = look()  # what was decided is not brought before the transaction again
            assert "decided before" in again or "would fail in it too" in again, again
    finally:
        gateway.prepare()


def test_a_second_run_changes_nothing(scheduled: Scheduled, play: Play) -> None:
    done = play("schedule.yml", *scheduled.words, env={"ANSIBLE_STDOUT_CALLBACK": "default"})
    assert "changed=0 " in done.stdout, done.stdout[-3000:]


def test_a_change_under_way_is_left_alone(scheduled: Scheduled) -> None:
    gateway = scheduled.gateway
    before = gateway.current()
    with by_hand(gateway) as look:
        process = gateway.start_change(gateway.config("beside"))
        try:
            under_way = "the change is under way"
            wait_for(lambda: gateway.journal().get("result") is None, 120, under_way)
            assert "not looked: a change is under way" in look()
        finally:
            told, _ = process.communicate(timeout=600)
        assert process.returncode == 0, told[-3000:]
    assert gateway.current() != before


def test_the_controller_looks_as_well(scheduled: Scheduled, play: Play) -> None:
    gateway, words = scheduled.gateway, (*scheduled.words, "-e", "only_if_unhealthy=true")
    with by_hand(gateway):
        good, bad = gateway.current(), force_bad(gateway)
        done = play("parts/scheduled.yml", *words)
        assert done.returncode == 0, done.stdout[-3000:]
        assert "asking whether the one before is better" in done.stdout
        assert gateway.current() == good != bad
        done = play("parts/scheduled.yml", *words)
        assert "all well" in done.stdout, done.stdout[-3000:]
