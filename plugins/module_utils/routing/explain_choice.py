# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one of a name's deployments is chosen, as LiteLLM does it: with exact probabilities.

Dealt out to canaries first, then by tags, by order, without those that failed before, and last by
weight, or by a strategy that nobody can foretell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .explain_entries import Entry
from .explain_match import SHUFFLE, Match
from .explain_tags import NotAllowedError, Request, TagSettings, filtered

COST = "cost-based-routing"
NEGLIGIBLE = 1e-7  # a step between ranks is a billion, see routing/lowering


@dataclass(frozen=True, slots=True)
class Option:
    """Somebody who may be asked: None where nobody is there to be asked. `probability` is None
    where a strategy decides by load, latency or use."""

    entry: Entry | None
    probability: float | None
    why: str = ""  # nobody is asked: EMPTY or TAGS


EMPTY, TAGS = "empty", "tags"


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses among those of a name, for one request."""

    tags: TagSettings
    shares: bool  # whether canaries are dealt out
    request: Request

    def options(
        self,
        match: Match,
        strategy: str,
        everyone: Sequence[Entry],
        order: int | None = None,
        failed: frozenset[str] = frozenset(),
        dealt: bool = False,
    ) -> list[Option]:
        """Who may be asked now, the likeliest first.

        `order` is the only one to ask, `failed` are not asked again, and `dealt` says that the
        request has failed before: it is not dealt out to canaries any more.
        """
        if match.single:
            return [Option(match.entries[0], 1.0)]
        found: dict[int, Option] = {}
        for probability, pool in self._dealt(match.entries, dealt):
            for option in self._of_pool(pool, everyone, strategy, order, failed):
                _add(found, option, probability)
        real = [o for o in found.values() if o.probability is None or o.probability > NEGLIGIBLE]
        return sorted(real, key=_rank)

    def _dealt(self, entries: Sequence[Entry], dealt: bool) -> list[tuple[float, Sequence[Entry]]]:
        canaries = [one for one in entries if one.canary] if self.shares else []
        if dealt or not canaries or len(canaries) == len(entries):
            return [(1.0, entries)]
        rest, pools = 1.0, []
        for one in canaries:
            part = min(one.canary, rest)
            rest -= part
            pools.append((part, [one]))
        return [*pools, (rest, entries)]

    def _of_pool(
        self,
        pool: Sequence[Entry],
        everyone: Sequence[Entry],
        strategy: str,
        order: int | None,
        failed: frozenset[str],
    ) -> list[Option]:
        try:
            left = filtered(pool, everyone, self.request, self.tags)
        except NotAllowedError:
            return [Option(None, 1.0, TAGS)]
        orders = [one.order for one in left if one.order is not None]
        first = order if order is not None else min(orders, default=None)
        if first is not None:
            left = [one for one in left if one.order == first]
        left = [one for one in left if one.id not in failed]
        if not left:
            return [Option(None, 1.0, EMPTY)]
        return by_weight(left) if strategy == SHUFFLE else by_strategy(left, strategy)


def by_weight(entries: Sequence[Entry]) -> list[Option]:
    """By the first of weight, rpm and tpm that any of them has; else all alike."""
    for which in range(3):
        weights = [one.weights[which] for one in entries]
        real = [weight if weight > NEGLIGIBLE * max(weights) else 0.0 for weight in weights]
        if sum(real) > 0:
            parts = [weight / sum(real) for weight in real]
            return [Option(one, part) for one, part in zip(entries, parts, strict=True)]
    return [Option(one, 1 / len(entries)) for one in entries]


def by_strategy(entries: Sequence[Entry], strategy: str) -> list[Option]:
    """Known only where one is left, or where all prices are known and the lowest one wins."""
    if len(entries) == 1:
        return [Option(entries[0], 1.0)]
    prices = [one.price for one in entries]
    known = [price for price in prices if price is not None]
    if strategy == COST and len(known) == len(entries):
        cheapest = entries[prices.index(min(known))]
        return [Option(one, float(one is cheapest)) for one in entries]
    return [Option(one, None) for one in entries]


def _add(found: dict[int, Option], option: Option, part: float) -> None:
    key = id(option.entry) if option.entry else hash(option.why)
    before = found.get(key)
    more = None if option.probability is None else option.probability * part
    if before is not None and before.probability is not None and more is not None:
        more += before.probability
    if more is None and part <= NEGLIGIBLE:
        return
    found[key] = Option(option.entry, more, option.why)


def _rank(option: Option) -> Any:  # noqa: ANN401 - a key to sort by
    return -(option.probability or 0.0)
