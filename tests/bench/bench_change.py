"""Twenty changes in a row under load, with one worker and with two, beside one plain restart."""

from __future__ import annotations

from on_lab import Figure, Report, figure, gateway, restarted, tell
from tools.changes import TWENTY, Changes

WORKERS = (1, 2)


def run() -> dict[str, Figure]:
    """Failed requests and the longest standstill; the floor is what a plain restart costs."""
    seen = [changed(workers) for workers in WORKERS]
    floor = restarted().seen
    failed, late = sum(len(one.failed) for one in seen), max(one.longest_stall_s for one in seen)
    # Plain LiteLLM refuses while it restarts: its standstill is the time without any answer.
    return {
        "change_failed_requests": figure(failed, "requests", len(floor.failed)),
        "change_longest_stall_s": figure(late, "s", floor.longest_gap_s),
    }


def changed(workers: int) -> Report:
    """What the load has seen of twenty changes. Who answers has to be who was put live, in turn."""
    changes = Changes(gateway(), workers)
    changes.prepare()
    marks = [gateway().mark()]
    with gateway().load() as load:
        gateway().let_pass(load, 3)
        for _, mark in changes.make(TWENTY):
            marks.append(mark)
            gateway().let_pass(load, 1)
    seen = load.report()
    tell(f"{len(TWENTY)} changes, {workers} workers", seen, in_turn=seen.turns() == marks)
    return seen
