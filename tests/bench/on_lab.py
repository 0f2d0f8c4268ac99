"""What the benchmarks on the virtual lab share: a gateway, and plain LiteLLM beside it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.gateway_under_test import Gateway, gateway_under_test
from tools.lab_hosts import down, is_up, up
from tools.load_report import Report
from tools.plain_litellm import Plain

Figure = dict[str, Any]
_until_the_end = contextlib.ExitStack()


@functools.cache
def gateway() -> Gateway:
    """The lab's, serving something; all of it is as before once the benchmarks end."""
    if not is_up():
        up()
        _until_the_end.callback(down)
    atexit.register(_until_the_end.close)
    found = _until_the_end.enter_context(gateway_under_test())
    found.serve("bench")
    return found


@functools.cache
def plain() -> Plain:
    return Plain(gateway())


@dataclass(frozen=True)
class Floor:
    """Plain LiteLLM, restarted by systemd under the load that ours is under."""

    seen: Report
    start_up_s: float  # of its process, until it answers that load


@functools.cache
def restarted() -> Floor:
    """One restart of plain LiteLLM, twenty requests a second all the while."""
    ours, theirs = gateway(), plain()
    theirs.start_up()
    with ours.load(theirs.url) as load:
        ours.let_pass(load, 4)
        seconds = theirs.restart(load)
        ours.let_pass(load, 4)
    theirs.stop()
    tell("plain restart", load.report(), start_up_s=round(seconds, 2))
    return Floor(load.report(), seconds)


def start_up(times: int = 3) -> float:
    """Seconds that plain LiteLLM takes to its first answer, with whatever runs beside it now."""
    took = []
    for _ in range(times):
        took.append(plain().start_up())
        plain().stop()
    print(f"  plain start-up: {', '.join(f'{s:.2f}' for s in took)} s", file=sys.stderr, flush=True)
    return statistics.median(took)


def figure(value: float, unit: str, floor: float) -> Figure:
    """A figure beside the floor that was measured in the same run."""
    ratio = round(value / floor, 2) if floor else 0.0
    return {"value": round(value, 2), "unit": unit, "floor": round(floor, 2), "ratio": ratio}


def times_start_up(seconds: float, floor: float) -> Figure:
    """The same as a figure that is a ratio itself: its floor is one start-up."""
    ratio = round(seconds / floor, 2)
    return {"value": ratio, "unit": "x LiteLLM's start-up", "floor": 1.0, "ratio": ratio}


def tell(what: str, seen: Report, **more: object) -> None:
    """What is behind the figures, for whoever wonders about them."""
    print(f"  {what}: {seen.summary() | more}", file=sys.stderr, flush=True)
