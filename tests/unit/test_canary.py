"""The judgement of a canary: who is worse, who is not, and who has done too little to tell."""

from __future__ import annotations

import math
import random

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.canary import (
    PROMOTE,
    UNDO,
    Margin,
    Window,
    fisher,
    judge_canary,
    slower,
    variance,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.metrics import Counts

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, math.inf)


def counted(answered: int, failed: int = 0, each: float = 0.1, spread: float = 0.3) -> Counts:
    """What LiteLLM counts of answers that take `each` second, more or less."""
    chance = random.Random(f"{answered} {each}")
    took = [each * chance.lognormvariate(-spread * spread / 2, spread) for _ in range(answered)]
    return of(took, failed)


def of(took: list[float], failed: int = 0) -> Counts:
    buckets = {
        "+Inf" if math.isinf(bound) else str(bound): sum(one <= bound for one in took)
        for bound in BOUNDS
    }
    return Counts(len(took), failed, sum(took), {"500": failed} if failed else {}, buckets)


# (what, the canary, its peers) -> (worse, enough), with the margins of a promotion
CASES = [
    ("as good as its peers", counted(50), counted(950), (False, True)),
    ("a third fails", counted(20, 10), counted(570), (True, True)),
    ("all fail, the peers too", counted(0, 30), counted(0, 600), (False, True)),
    ("some fail, the peers too", counted(27, 3), counted(540, 60), (False, True)),
    ("better than its peers", counted(30), counted(400, 200), (False, True)),
    ("one of many fails: chance", counted(29, 1), counted(570), (False, True)),
    # 4 % more is certain here, and inside the margin of 5 %.
    ("a little worse, for sure", counted(960, 40), counted(20000), (False, True)),
    ("a little more than the margin", counted(940, 60), counted(20000), (True, True)),
    # Few requests can prove the bad, never the good.
    ("few, all of them good", counted(7), counted(133), (False, False)),
    ("few, one failed", counted(6, 1), counted(133, 2), (False, False)),
    ("few, all failed", counted(0, 4), counted(76), (True, True)),
    ("none", counted(0), counted(600), (False, False)),
    ("nobody to compare with", counted(100), counted(0), (False, False)),
    ("nobody to compare with, all failed", counted(0, 100), counted(0), (False, False)),
    ("peers with few requests", counted(100), counted(3), (False, False)),
    ("nothing at all", counted(0), counted(0), (False, False)),
    ("three times as long", counted(30, each=0.3), counted(570), (True, True)),
    ("twice as long, in one bucket", counted(40, each=1.9), counted(760, each=1.05), (True, True)),
    ("a little longer", counted(40, each=0.13), counted(760), (False, True)),
    ("many times as long, of next to nothing", counted(40, each=0.02), counted(760, each=0.004),
     (False, True)),
    ("one answer took very long: chance", of([0.1] * 39 + [30.0]), counted(760), (False, True)),
    ("longer, and too few to know", counted(3, each=3.0), counted(57), (False, False)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "own", "peers", "expected"), CASES)
def test_a_canary_is_judged(
    what: str, own: Counts, peers: Counts, expected: tuple[bool, bool]
) -> None:
    verdict = judge_canary(Window(own, peers, 3600), PROMOTE)
    assert (verdict.worse, verdict.enough) == expected, (what, verdict.why, verdict.numbers)


def test_the_sentence_shows_the_numbers() -> None:
    own = Counts(20, 10, 4.0, {"500": 8, "429": 2}, {"+Inf": 20})
    verdict = judge_canary(Window(own, Counts(570, 0, 57.0), 600), PROMOTE)
    assert verdict.why == (
        "more of its requests fail: 10 of 30 failed (33.3 %: 8 with 500, 2 with 429), 0.20 s an"
        " answer; its peers: 0 of 570 failed (0.0 %), 0.10 s an answer; in 10 minutes"
    )
    numbers = verdict.numbers
    assert (numbers["requests"], numbers["failed"], numbers["peers_requests"]) == (30, 10, 570)
    assert numbers["failures_by_chance"] < 1e-9
    few = judge_canary(Window(counted(2), counted(38), 90), PROMOTE)
    assert few.why.startswith("too few to tell: it got 2 requests in 90 s, 20 are needed (0 of 2")
    assert judge_canary(Window(Counts(), Counts(), 0), PROMOTE).why.count("no requests") == 2


def test_who_asks_again_and_again_wants_to_be_surer() -> None:
    window = Window(counted(17, 3), counted(377, 3), 600)
    assert judge_canary(window, PROMOTE).worse
    assert not judge_canary(window, UNDO).worse
    assert judge_canary(Window(counted(20, 10), counted(570), 600), UNDO).worse


def test_a_margin_is_what_one_sets() -> None:
    window = Window(counted(80, 20, each=0.4), counted(1900), 600)
    assert judge_canary(window, Margin(errors=0.15)).worse
    assert judge_canary(window, Margin(errors=0.3)).why.startswith("its answers take longer")
    assert not judge_canary(window, Margin(errors=0.3, latency=10)).worse
    assert not judge_canary(window, Margin(errors=0.3, latency=10, requests=101)).enough


@pytest.mark.parametrize(
    "numbers", [(3, 10, 1, 40), (0, 10, 5, 40), (10, 10, 0, 90), (7, 30, 12, 500), (1, 1, 0, 1)]
)
def test_fishers_test_is_exact(numbers: tuple[int, int, int, int]) -> None:
    failed, of_own, peers, of_peers = numbers
    every, bad = of_own + of_peers, failed + peers
    ways = [
        math.comb(bad, mine) * math.comb(every - bad, of_own - mine)
        for mine in range(min(of_own, bad) + 1)
    ]
    assert fisher(*numbers) == pytest.approx(sum(ways[failed:]) / math.comb(every, of_own))


def test_large_numbers_take_no_time() -> None:
    assert fisher(6000, 100_000, 100_000, 2_000_000) < 1e-12
    assert fisher(5000, 100_000, 100_000, 2_000_000) == pytest.approx(0.5, abs=0.01)


def test_the_variance_of_a_histogram_is_near_the_real_one() -> None:
    chance = random.Random(1)
    took = [chance.lognormvariate(-1, 0.8) for _ in range(2000)]
    mean = sum(took) / len(took)
    real = sum((one - mean) ** 2 for one in took) / len(took)
    assert variance(of(took)) == pytest.approx(real, rel=0.4)
    assert variance(Counts()) == 0


def test_equals_are_seldom_taken_for_slower() -> None:
    chance = random.Random(7)
    taken = 0
    for _ in range(300):
        own, peers = ([chance.lognormvariate(-1, 0.7) for _ in range(n)] for n in (25, 400))
        taken += slower(of(own), of(peers)) < 0.01
    assert taken <= 12  # 1 % and the roughness of a histogram
