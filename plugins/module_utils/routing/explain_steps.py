# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From who is asked when everybody fails to steps: who is asked, and who is asked after that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .explain_answer import Step, TargetOf
from .explain_entries import Entry
from .explain_match import SHUFFLE, Match, Names
from .explain_walk import Asked

SHARE, ORDER, STRATEGY, FALLBACK = "share", "order", "strategy", "fallback"


class Steps:
    """Makes the steps of one name. `rules` as lowering gives them, `fails` says who is down."""

    def __init__(
        self, names: Names, rules: Mapping[str, str], fails: Callable[[Entry], bool]
    ) -> None:
        self.names, self.rules, self.fails = names, rules, fails

    def of(self, asked: Sequence[Asked]) -> list[Step]:
        """A step for each name that is called, and for each rank of those within it."""
        calls: dict[str, list[Asked]] = {}
        for one in asked:
            calls.setdefault(one.name, []).append(one)
        steps: list[Step] = []
        for name, of_name in calls.items():
            ranks = self._ranks(of_name)
            rule = self._rule_of(name, list(calls), of_name[0].match)
            how = FALLBACK if steps else self._how(name, ranks)
            strategy = self.names.strategy_of(name)
            said = "" if strategy == SHUFFLE or of_name[0].match.single else strategy
            steps += [Step(how, name, rank, rule, said if len(rank) > 1 else "") for rank in ranks]
        return steps

    def origin(self, match: Match) -> str:
        """Where the rule of a name stands: its own, else that of its first deployment."""
        keys = [match.name, *(f"{entry.id}@{entry.name}" for entry in match.entries)]
        return next((self.rules[key] for key in keys if key in self.rules), "")

    def _ranks(self, asked: Sequence[Asked]) -> list[list[TargetOf]]:
        """Those who may be asked at once, then those who may be asked only when these failed."""
        known: dict[str, None] = {}
        ranks = []
        for one in asked:
            rank = []
            for option in one.options:
                entry = option.entry
                if entry is not None and entry.id not in known:
                    known[entry.id] = None
                    rank.append(self._target(entry, option.probability))
            if rank:
                ranks.append(sorted(rank, key=lambda target: bool(target.canary)))
        return ranks

    def _how(self, name: str, ranks: Sequence[Sequence[TargetOf]]) -> str:
        if self.names.strategy_of(name) != SHUFFLE and len(ranks[0]) > 1:
            return STRATEGY
        return ORDER if len(ranks) > 1 else SHARE

    def _target(self, entry: Entry, share: float | None) -> TargetOf:
        rule = self.rules.get(f"{entry.id}@{entry.name}", "")
        return TargetOf.of(entry, share, not self.fails(entry), rule)

    def _rule_of(self, name: str, way: Sequence[str], match: Match) -> str:
        """Of a name that is asked for its own; of a fallback where it was said to be one, for a
        name that was called on the way there."""
        before = way[: way.index(name)]
        found = (self.rules.get(f"{one}->{name}") for one in before)
        return next(filter(None, found), "") or self.origin(match)
