# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule's own thoughts: whom to ask now, what to make of it, whether to do something.

Nothing here asks or changes anything: what is known goes in, what to do comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .deployments import Deployments, declared
from .probe_checks import COMPLETIONS, HEALTH, LISTING, NEW, Check, Thing, thing
from .questions import FULL

HOUR = 3600.0
LISTED = (LISTING, "models", "models")


@dataclass(frozen=True)
class Rules:
    """`every` seconds it looks; `failures` of a thing in a row are too many; it asks for a change
    `most` times an hour."""

    every: float = 300.0
    failures: int = 3
    most: int = 2


@dataclass
class Seen:
    """What is remembered from look to look. `failing`: how often in a row; `asked`: when a
    provider last was; `acted`: when a change was asked for; `settled`: what was decided last about
    which failures, and when. Times are seconds since 1970."""

    generation: int | None = None
    whole: bool = False
    failing: dict[Thing, int] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    turn: int = 0
    acted: list[float] = field(default_factory=list)
    settled: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `restored` is the way back."""
        return {**asdict(self), "failing": [[*what, n] for what, n in self.failing.items()]}

    def of(self, generation: int) -> bool:
        """Another generation is another matter: nothing that was seen counts any more, but who was
        asked and what was done. Returns whether it is another."""
        if generation == self.generation:
            return False
        self.generation, self.whole, self.turn = generation, False, 0
        self.failing, self.settled = {}, {}
        return True

    def count(self, checks: Iterable[Check]) -> None:
        """A good answer ends what was counted."""
        for row in checks:
            if row["ok"]:
                self.failing.pop(thing(row), None)
            else:
                self.failing[thing(row)] = self.failing.get(thing(row), 0) + 1


def restored(said: Mapping[str, Any]) -> Seen:
    """Raises TypeError, ValueError or KeyError for what `as_dict` did not write."""
    failing = {(line, name, target): n for line, name, target, n in said["failing"]}
    return Seen(**{**said, "failing": failing})


@dataclass(frozen=True)
class Plan:
    """`only` these things are asked, all if None; `spared` providers get no completion, `asked`
    are the others."""

    only: frozenset[Thing] | None
    spared: tuple[str, ...]
    asked: tuple[str, ...]


def plan(seen: Seen, probes: Mapping[str, Any], rules: Rules, now: float) -> Plan:
    """Whom to ask now.

    A generation that was not seen before is asked for everything: names, chains and deployments.
    After that each provider's health, and one of its deployments on each host, in turn, for an
    engine that loads models on demand shall not be made to load them all; and what failed the last
    time. A provider with an interval is asked when it is due.
    """
    providers: Mapping[str, Any] = probes.get("providers", {})
    due = tuple(name for name, row in providers.items() if is_due(seen, name, row, rules, now))
    spared = tuple(name for name in providers if name not in due)
    if not seen.whole or not probes.get("deployments"):  # or nothing says which there are
        return Plan(None, spared, due)
    only = {LISTED, *in_turn(seen, probes, due)}
    for row in probes.get("health", ()):
        if row["provider"] in due:
            on = f" on {row['host']}" if row.get("host") else ""
            only.add((HEALTH, row["provider"] + on, row["provider"]))
    return Plan(frozenset(only | seen.failing.keys()), spared, due)


def is_due(seen: Seen, name: str, row: Mapping[str, Any], rules: Rules, now: float) -> bool:
    """Whether it is time; a timer is never exact."""
    paid = row["cloud"] and row["watch"] == FULL
    interval = float(row["interval_seconds"] or (HOUR if paid else 0))
    return now - seen.asked.get(name, 0.0) >= interval - min(rules.every, interval) / 2


def in_turn(seen: Seen, probes: Mapping[str, Any], due: Iterable[str]) -> list[Thing]:
    """One deployment of each place that answers: the next one at each look."""
    places: dict[str, dict[str, None]] = {}
    for row in declared(probes):
        if row["provider"] in due:
            places.setdefault(row["id"].split("/", 1)[0], {})[row["id"]] = None
    chosen = [list(ids)[seen.turn % len(ids)] for ids in places.values()]
    return [(NEW, identity, identity) for identity in chosen]


def helped(
    failing: Iterable[Thing], mine: Mapping[str, Any], older: Mapping[str, Any], same: bool
) -> list[Thing]:
    """Of what fails, the things that may be otherwise in the generation before, by the probes of
    both: what it has, and has otherwise. `same` says that both run the same program.

    What it would ask the same provider in the same words fails there as well: a dead backend.
    """
    failing = list(failing)
    ids = {name for line, name, _target in failing if line == NEW}
    both = [Deployments(declared(one), one.get("providers", {})) for one in (mine, older)]
    urls = [
        {(row["provider"], row.get("host")): row["url"] for row in one.get("health", ())}
        for one in (mine, older)
    ]

    def may(line: str, name: str, target: str) -> bool:
        if line == HEALTH:
            places = [place for place in urls[0] if place[0] == target]
            return any(urls[1].get(place, urls[0][place]) != urls[0][place] for place in places)
        if line not in COMPLETIONS:
            return True
        if not older.get("deployments"):
            return True  # nothing says what it has
        word = target if target.startswith("~") else name
        rows, before = both[0].behind(word), both[1].behind(word)
        alike = both[0].about(word)["configured"] == both[1].about(word)["configured"]
        # A name whose deployments answer is another matter than the deployments.
        explained = word.startswith("~") or all(row["id"] in ids for row in rows)
        return bool(before) and not (same and alike and explained)

    return [what for what in failing if may(*what)]


def too_often(seen: Seen, things: Iterable[Thing], rules: Rules) -> list[Thing]:
    """Those that failed too many times in a row."""
    return [what for what in things if seen.failing.get(what, 0) >= rules.failures]


def held_back(seen: Seen, things: Iterable[Thing], rules: Rules, now: float) -> str:
    """Why no change is asked for now, "" if it is."""
    settled = {tuple(what) for what in seen.settled.get("things", ())}
    if settled and settled >= set(things) and now - seen.settled.get("at", 0.0) < HOUR:
        return f"decided before: {seen.settled['why']}"
    seen.acted = [at for at in seen.acted if now - at < HOUR]
    if len(seen.acted) >= rules.most:
        times = "once" if rules.most == 1 else f"{rules.most} times"
        return f"a change was asked for {times} within the hour, which is the bound"
    return ""
