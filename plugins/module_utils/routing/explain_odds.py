# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With which probability each of several answers: every way that chance may take, walked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from .explain_choice import Option
from .explain_entries import Entry
from .explain_walk import RequestError, Walk

# id, "" for nobody -> probability, None where nobody can tell
Odds = dict[str, Optional[float]]  # noqa: UP045 - ansible-test knows no other way
Start = Callable[[Callable[[list[Option]], Option]], Walk]
DIGITS = 9


class _UndecidedError(Exception):
    def __init__(self, options: list[Option]) -> None:
        super().__init__()
        self.options = options


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who answers a request, and the likeliest way to that: ids in the order of asking.

    `failure` is how it ends where nobody does, on the likeliest of these ways; `certain` whether
    there is one way only.
    """

    odds: Odds
    way: tuple[str, ...]
    failure: RequestError | None
    certain: bool


def outcome(start: Start, name: str, fails: Callable[[Entry], bool]) -> Outcome:
    """Of a request for a name; `start` makes a walk that decides as it is told."""
    return _grown(start, name, fails, ())


def _grown(
    start: Start, name: str, fails: Callable[[Entry], bool], script: tuple[Option, ...]
) -> Outcome:
    left = iter(script)
    chances: list[bool] = []

    def pick(options: list[Option]) -> Option:
        classes = _classes(options, fails)
        chances.append(len(options) > 1)
        if len(classes) == 1:
            return classes[0]
        try:
            return next(left)
        except StopIteration:
            raise _UndecidedError(classes) from None

    walk = start(pick)
    failure = None
    try:
        found = walk.request(name).id
    except RequestError as failed:
        found, failure = "", failed
    except _UndecidedError as undecided:
        ways = [_grown(start, name, fails, (*script, one)) for one in undecided.options]
        return _merged(undecided.options, ways)
    return Outcome(
        {found: 1.0}, tuple(one.entry.id for one in walk.asked), failure, not any(chances)
    )


def _classes(options: list[Option], fails: Callable[[Entry], bool]) -> list[Option]:
    """Those that fail alike as one of them: which one it was changes no answer.

    Whoever failed is left out next, so the others keep their proportions.
    """
    found: dict[object, Option] = {}
    for number, option in enumerate(options):
        down = option.entry is not None and fails(option.entry)
        key: object = ("down", option.entry.retries) if down and option.entry else number
        before = found.get(key)
        if before is None:
            found[key] = option
        elif before.probability is not None and option.probability is not None:
            found[key] = Option(before.entry, before.probability + option.probability)
    return list(found.values())


def _merged(options: list[Option], outcomes: list[Outcome]) -> Outcome:
    pairs = list(zip(options, outcomes, strict=True))
    likeliest = max(pairs, key=lambda pair: pair[0].probability or 0.0)[1]
    failures = [one.failure for one in (likeliest, *outcomes) if one.failure]
    keys = list(dict.fromkeys(key for one in outcomes for key in one.odds))
    known = all(option.probability is not None for option in options)
    odds = {key: (_sum(key, pairs) if known else _same(key, outcomes)) for key in keys}
    return Outcome(odds, likeliest.way, failures[0] if failures else None, False)


def _sum(key: str, pairs: list[tuple[Option, Outcome]]) -> float | None:
    whole = 0.0
    for option, one in pairs:
        part = one.odds.get(key, 0.0)
        if part is None or option.probability is None:
            return None
        whole += option.probability * part
    return round(whole, DIGITS)


def _same(key: str, outcomes: list[Outcome]) -> float | None:
    """What does not depend on a choice that nobody can foretell."""
    found = {one.odds.get(key, 0.0) for one in outcomes}
    return found.pop() if len(found) == 1 else None


def first_asked(options: list[Option]) -> Odds:
    """Who is asked first."""
    found: Odds = {}
    for option in options:
        key = option.entry.id if option.entry else ""
        before, now = found.get(key, 0.0), option.probability
        found[key] = None if now is None or before is None else round(before + now, DIGITS)
    return found
