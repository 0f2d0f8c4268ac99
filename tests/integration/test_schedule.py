# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule on a real host: a bad generation is undone, a dead backend is not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Play
from tools.gateway_under_test import BASE, USER, Gateway, as_user
from tools.lab_hosts import wait_for

SECONDS = 40.0  # from look to look
WORDS = ("-e", f"user_service_user={USER}", "-e", f"schedule_minutes={SECONDS / 60}")
WORDS += ("-e", "schedule_max_per_hour=9")
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
pytestmark = pytest.mark.lab


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


def force_bad(gateway: Gateway) -> str:
    """A bad generation serves; its number."""
    script = "/opt/gwtest/force.sh"
    gateway.write(script, FORCE.format(base=BASE))
    number = gateway.on(f"cd / && {as_user()} sh {script}")
    gateway.user("systemctl --user restart litellm.service")
    wait_for(lambda: gateway.serving() == [number], 120, "the bad generation serves")
    return number


def has_one_before(gateway: Gateway) -> bool:
    """Whether there is a good generation to go back to."""
    numbers = gateway.on(f"ls {BASE}/generations 2>/dev/null || true").split()
    older = [n for n in numbers if int(n) < int(gateway.current() or 0)]
    return any(gateway.outcome(n).get("outcome") == "live" for n in older)


@pytest.fixture(scope="module")
def scheduled(gateway: Gateway, play: Play) -> Iterator[Gateway]:
    """A timer looks at what serves, and there is a good generation before that."""
    if not gateway.current():
        gateway.serve("the one before")
    if not has_one_before(gateway):
        gateway.serve("scheduled")
    gateway.on(f"rm -f {BASE}/watch.json")
    done = play("schedule.yml", *WORDS)
    assert done.returncode == 0, done.stdout[-3000:]
    yield gateway
    done = play("schedule.yml", *WORDS, "-e", "state=absent")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "litellm-watch" not in gateway.user("systemctl --user list-timers --all --no-pager")


def test_a_bad_generation_is_undone_within_two_periods(scheduled: Gateway) -> None:
    good, began = scheduled.current(), time.time()
    bad = force_bad(scheduled)
    took = wait_for(lambda: scheduled.current() == good, 2 * SECONDS, "it is undone")
    print(f"schedule: undone {took:.1f} s after it served, looks every {SECONDS:g} s")
    wait_for(lambda: scheduled.serving() == [good], 30, "the good one serves")
    wait_for(lambda: "serves again: go back: a fails" in said(scheduled, began), 30, "a line")
    assert scheduled.outcome(bad)["outcome"] == "undone"


def test_a_dead_backend_is_not(scheduled: Gateway) -> None:
    good = scheduled.current()
    scheduled.backend.on("systemctl stop gwtest-one")
    try:
        with by_hand(scheduled) as look:
            told = look()
            assert f"generation {good} stays: " in told, told
            assert "in the generation before too" in told or "would fail in it too" in told, told
            assert (scheduled.current(), scheduled.serving()) == (good, [good])
            assert scheduled.at_rest()["left behind"] == ""
            again = look()  # what was decided is not brought before the transaction again
            assert "decided before" in again or "would fail in it too" in again, again
    finally:
        scheduled.prepare()


@pytest.mark.nightly
def test_a_second_run_changes_nothing(scheduled: Gateway, play: Play) -> None:
    done = play("schedule.yml", *WORDS, env={"ANSIBLE_STDOUT_CALLBACK": "default"})
    assert "changed=0 " in done.stdout, done.stdout[-3000:]


@pytest.mark.nightly
def test_a_change_under_way_is_left_alone(scheduled: Gateway) -> None:
    before = scheduled.current()
    process = scheduled.start_change(scheduled.config("beside the schedule"))
    try:
        with by_hand(scheduled) as look:
            under_way = "the change is under way"
            wait_for(lambda: scheduled.journal().get("result") is None, 120, under_way)
            assert "not looked: a change is under way" in look()
    finally:
        assert process.wait(300) == 0
    assert scheduled.current() != before


@pytest.mark.nightly
def test_the_controller_looks_as_well(scheduled: Gateway, play: Play) -> None:
    words = (*WORDS, "-e", "only_if_unhealthy=true")
    with by_hand(scheduled):
        good, bad = scheduled.current(), force_bad(scheduled)
        done = play("parts/scheduled.yml", *words)
        assert done.returncode == 0, done.stdout[-3000:]
        assert "asking whether the one before is better" in done.stdout
        assert scheduled.current() == good != bad
        done = play("parts/scheduled.yml", *words)
        assert "all well" in done.stdout, done.stdout[-3000:]
