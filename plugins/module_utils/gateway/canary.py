# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a provider on trial is worse than others that serve its names, by what was counted."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from .metrics import Counts


@dataclass(frozen=True)
class Margin:
    """What a canary is allowed, and how sure one wants to be.

    `errors`: how much more of its requests may fail, as a part of all. `latency`: how many times as
    long as its peers' its answers may take, and `seconds` that they may take longer whatever that
    is in times. `chance`: how probable it may be that an equal one looks as bad. `requests`: fewer
    of its own than that say nothing good.
    """

    errors: float = 0.05
    latency: float = 1.5
    seconds: float = 0.05
    chance: float = 0.01
    requests: int = 20


PROMOTE = Margin()
UNDO = Margin(chance=0.001)  # asked again and again: once in so many looks chance would have it


@dataclass(frozen=True)
class Window:
    """What a canary and its peers did, in the same time and for the same names."""

    canary: Counts
    peers: Counts
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """`worse` is proven; without `enough` nothing is. `numbers` are those of the sentence `why`."""

    worse: bool
    enough: bool
    why: str
    numbers: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def judge_canary(window: Window, margin: Margin) -> Verdict:
    """Compare the parts that failed, and the time that answers took.

    More failures are worse if the difference is above the margin and Fisher's exact test gives it
    less than `chance`; longer answers if they take more than `latency` times as long and Welch's
    test of the means, with variances from the histograms, gives that less. Both are one-sided.
    """
    own, peers = window.canary, window.peers
    numbers = _numbers(window)
    told = _told(numbers)
    if own.requests and peers.requests:
        more = numbers["failed_part"] - numbers["peers_failed_part"]
        by_chance = fisher(own.failed, own.requests, peers.failed, peers.requests)
        numbers["failures_by_chance"] = by_chance
        if more >= margin.errors and by_chance < margin.chance:
            return Verdict(True, True, f"more of its requests fail: {told}", numbers)
    if own.answered and peers.answered:
        mine, theirs = numbers["mean_seconds"], numbers["peers_mean_seconds"]
        slow = mine >= theirs * margin.latency and mine - theirs >= margin.seconds
        by_chance = slower(own, peers)
        numbers["latency_by_chance"] = by_chance
        if slow and by_chance < margin.chance:
            return Verdict(True, True, f"its answers take longer: {told}", numbers)
    for who, counts in (("it", own), ("its peers", peers)):
        if counts.requests < margin.requests:
            got = f"{who} got {counts.requests} requests in {_span(window.seconds)}"
            why = f"too few to tell: {got}, {margin.requests} are needed ({told})"
            return Verdict(False, False, why, numbers)
    return Verdict(False, True, f"no worse than its peers: {told}", numbers)


def fisher(failed: int, of: int, failed_peers: int, of_peers: int) -> float:
    """How probable it is that at least `failed` of all failures are the canary's, if it makes no
    difference who answers (the hypergeometric distribution's upper tail)."""
    every, bad = of + of_peers, failed + failed_peers
    whole = _log_choices(every, of)
    logs = (
        _log_choices(bad, mine) + _log_choices(every - bad, of - mine) - whole
        for mine in range(failed, min(of, bad) + 1)
        if of - mine <= every - bad
    )
    return min(1.0, math.fsum(math.exp(one) for one in logs))


def _log_choices(of: int, some: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)


def slower(own: Counts, peers: Counts) -> float:
    """How probable it is that the mean of equal answers differs by so much: Welch's test, with the
    normal distribution. 1 where there are too few answers to know how much they vary."""
    if min(own.answered, peers.answered) < LEAST:
        return 1.0
    error = math.sqrt(variance(own) / own.answered + variance(peers) / peers.answered)
    difference = own.seconds / own.answered - peers.seconds / peers.answered
    return 0.5 * math.erfc(difference / max(error, 1e-9) / math.sqrt(2))


LEAST = 5  # answers whose variance is worth something


def variance(counts: Counts) -> float:
    """Of the seconds of an answer, from its histogram: between buckets and, as if the answers lay
    evenly there, inside of each. Those beyond the last bound count as twice that."""
    bounds = sorted((float(bound), number) for bound, number in counts.buckets.items())
    lower, below, rows = 0.0, 0, []
    for bound, number in bounds:
        upper = bound if math.isfinite(bound) else 2 * lower
        if number > below:
            rows.append((number - below, (lower + upper) / 2, (upper - lower) ** 2 / 12))
        lower, below = upper, max(below, number)
    total = sum(number for number, _middle, _inside in rows)
    if not total:
        return 0.0
    mean = sum(number * middle for number, middle, _inside in rows) / total
    return sum(n * ((middle - mean) ** 2 + inside) for n, middle, inside in rows) / total


def _numbers(window: Window) -> dict[str, Any]:
    found: dict[str, Any] = {"window_seconds": round(window.seconds)}
    for prefix, counts in (("", window.canary), ("peers_", window.peers)):
        found |= {
            f"{prefix}requests": counts.requests,
            f"{prefix}failed": counts.failed,
            f"{prefix}failed_part": counts.failed / counts.requests if counts.requests else 0.0,
            f"{prefix}statuses": dict(counts.statuses),
            f"{prefix}mean_seconds": counts.seconds / counts.answered if counts.answered else 0.0,
        }
    return found


def _told(numbers: dict[str, Any]) -> str:
    own, peers = (_told_of(numbers, prefix) for prefix in ("", "peers_"))
    return f"{own}; its peers: {peers}; in {_span(numbers['window_seconds'])}"


def _told_of(numbers: dict[str, Any], prefix: str) -> str:
    failed, requests = numbers[f"{prefix}failed"], numbers[f"{prefix}requests"]
    if not requests:
        return "no requests"
    statuses = sorted(numbers[f"{prefix}statuses"].items(), key=lambda row: (-row[1], row[0]))
    with_what = ", ".join(f"{number} with {status or 'no status'}" for status, number in statuses)
    part = f"{100 * numbers[f'{prefix}failed_part']:.1f} %"
    told = f"{failed} of {requests} failed ({part}{': ' if with_what else ''}{with_what})"
    if failed < requests:
        told += f", {numbers[f'{prefix}mean_seconds']:.2f} s an answer"
    return told


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
