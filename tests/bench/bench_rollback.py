"""`program rollback` on the host, under load: to a warm generation, and to a cold one."""

from __future__ import annotations

import time

from on_lab import Figure, figure, gateway, start_up, tell, times_start_up
from tools.gateway_under_test import BASE
from tools.load_report import Report

# The call's own time, by the clock that the load's answers are timed with.
NOW = 'python3 -c "import time; print(time.monotonic())"'
CALL = f"sh -c '{NOW}; python3 {BASE}/program rollback'"


def run() -> dict[str, Figure]:
    """From the call on the host to the first public answer of the generation before."""
    warm, after_warm = rolled_back(warm=True)
    cold, after_cold = rolled_back(warm=False)
    with gateway().load() as load:  # it starts beside one that serves; so does its floor
        gateway().let_pass(load, 3)
        floor = start_up()
    failed = len(after_warm.failed) + len(after_cold.failed)
    return {
        "rollback_warm_s": figure(warm, "s", floor),
        "rollback_cold_s": figure(cold, "s", floor),
        "rollback_cold_ratio": times_start_up(cold, floor),
        "rollback_failed_requests": {"value": failed, "unit": "requests", "floor": 0, "ratio": 0},
    }


def rolled_back(warm: bool) -> tuple[float, Report]:
    ours, mark = gateway(), f"r{time.time():.0f}"
    ours.serve(mark)
    ours.serve(f"{mark}-bad")
    if not warm:
        number = ours.on(f"ls {BASE}/generations | sort -n | tail -2 | head -1")
        ours.user(f"systemctl --user stop litellm@{number}.service")
    with ours.load() as load:
        ours.let_pass(load, 3)
        called = float(ours.user(CALL).splitlines()[0])
        seconds = load.first(called, mark=mark).first - called
        ours.let_pass(load, 3)
    tell(f"{'warm' if warm else 'cold'} rollback", load.report(), seconds=round(seconds, 2))
    assert load.report().turns() == [f"{mark}-bad", mark]
    return seconds, load.report()
