# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request's way through LiteLLM: who is asked, and who next when that fails.

This is LiteLLM's own walk (Router.async_function_with_fallbacks and what it calls), step by step,
with its surprises: a hop without fallbacks of its own goes on with those of the name that was
asked first, nobody is called twice by one name, and what happens inside a name counts as a hop.
It begins with nothing counted and nobody cooling down. Where chance decides, `pick` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..registry.provider_types import CHAT
from .explain_chain import ERROR, Rules
from .explain_choice import EMPTY, Choice, Option
from .explain_entries import Entry
from .explain_match import NONE, SHUFFLE, Match, Names

UNKNOWN, DOWN = "unknown", "down"
SKIPPED, REPEATED = "skipped", "repeated"
Pick = Callable[[list[Option]], Option]


class RequestError(Exception):
    """`why`: DOWN (`entry` failed), UNKNOWN (no such name), EMPTY or TAGS (nobody is left)."""

    def __init__(self, why: str, name: str, entry: Entry | None = None) -> None:
        super().__init__(why)
        self.why, self.name, self.entry = why, name, entry


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes next: a name, or again the same one for others of its members."""

    name: str
    order: int | None = None
    excluded: frozenset[str] | None = None


@dataclass(slots=True)
class Hop:
    """A name that is called. `called` is shared by all hops that follow one from another."""

    name: str
    order: int | None = None
    excluded: frozenset[str] = frozenset()
    failed: set[str] = field(default_factory=set)  # in this name, and in those before it
    depth: int = 0
    called: set[object] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who was asked, under which name, and among which others."""

    name: str
    match: Match
    entry: Entry
    options: tuple[Option, ...]


class Walk:
    """One request for a name. `fails` says who does; `kind` how, see explain_chain."""

    def __init__(
        self,
        names: Names,
        rules: Rules,
        choice: Choice,
        fails: Callable[[Entry], bool],
        pick: Pick,
        kind: str = ERROR,
    ) -> None:
        self.names, self.rules, self.choice = names, rules, choice
        self.fails, self.pick, self.kind = fails, pick, kind
        self.asked: list[Asked] = []
        self.first = ""

    def request(self, name: str) -> Entry:
        """Who answers. Raises RequestError."""
        self.first = name
        if not self.names.wildcards and self.names.match(name).kind == NONE:
            raise RequestError(UNKNOWN, name)  # the proxy asks its router for what it knows only
        return self._call(Hop(name))

    def _call(self, hop: Hop) -> Entry:
        try:
            return self._tries(hop)
        except RequestError as failure:
            return self._after(hop, failure)

    def _tries(self, hop: Hop) -> Entry:
        """Asks, and again as often as a deployment that failed says."""
        try:
            return self._ask(hop)
        except RequestError as failure:
            latest = failure
        own = latest.entry.retries if latest.entry else None
        for _again in range(self.rules.retries if own is None else own):
            if not self._worth_another_try(hop, latest):
                break
            try:
                return self._ask(hop)
            except RequestError as failure:
                latest = failure
        raise latest

    def _worth_another_try(self, hop: Hop, failure: RequestError) -> bool:
        """Not for what is called by an id, and not where the request itself is at fault."""
        match = self.names.match(hop.name)
        itself = self.kind != ERROR or failure.why == UNKNOWN
        return not itself and bool(match.entries) and not match.single

    def _ask(self, hop: Hop) -> Entry:
        match = self.names.match(hop.name)
        if match.kind == NONE:
            raise RequestError(UNKNOWN, hop.name)
        options = self.choice.options(
            match,
            self.names.strategy_of(hop.name),
            self.names.by_name.get(self.names.meant(hop.name), ()),
            hop.order,
            hop.excluded,
            dealt=bool(hop.order or hop.excluded or hop.depth),
        )
        option = self.pick(options)
        if option.entry is None:
            raise RequestError(option.why, hop.name)
        self.asked.append(Asked(hop.name, match, option.entry, tuple(options)))
        if self.fails(option.entry):
            raise RequestError(DOWN, hop.name, option.entry)
        return option.entry

    def _after(self, hop: Hop, failure: RequestError) -> Entry:
        listed = self.names.listed(hop.name)
        if self.kind == ERROR:
            orders = sorted({one.order for one in listed if one.order is not None})
            if len(orders) > 1:
                asked = orders[0] if hop.order is None else hop.order
                later = [Target(hop.name, order) for order in orders if order > asked]
                later += self._fallbacks(hop) or []
                if later:
                    return self._fall_back(hop, later, failure)
            answered = self._fail_over(hop, listed, failure)
            if answered is not None:
                return answered
        targets = self._fallbacks(hop)
        if targets is None:
            raise failure
        try:
            return self._fall_back(hop, targets, failure)
        except RequestError:
            raise failure from None

    def _fallbacks(self, hop: Hop) -> list[Target] | None:
        chains = self.rules.chains[self.kind] or self.rules.chains[ERROR]
        found = chains.of_names([hop.name, self.first]) if chains else None
        return None if found is None else [Target(name) for name in found]

    def _fail_over(self, hop: Hop, listed: Sequence[Entry], failure: RequestError) -> Entry | None:
        """To the other members of the name, where these are chosen by weight."""
        if not self.rules.failover or self.names.strategy_of(hop.name) != SHUFFLE:
            return None
        if failure.entry is None or failure.entry.mode != CHAT:
            return None  # it goes on so for chat only
        excluded = hop.failed | {failure.entry.id}
        if not {one.id for one in listed} - excluded:
            return None
        hop.failed = excluded
        others = Target(hop.name, excluded=frozenset(excluded))
        try:
            return self._fall_back(hop, [others], failure)
        except RequestError:
            return None

    def _fall_back(self, hop: Hop, targets: Sequence[Target], failure: RequestError) -> Entry:
        """The first of the targets that answers, each called once. Raises the last failure."""
        if hop.depth >= self.rules.max_fallbacks:
            raise failure
        called = set() if hop.called is None else hop.called
        called.add(Target(hop.name))
        depth, failed = hop.depth, hop.failed
        for target in targets:
            if target in called and not self._repeated(target, called):
                continue
            called.add(target)
            depth, failed = depth + 1, {*failed}
            excluded = hop.excluded if target.excluded is None else target.excluded
            sequel = Hop(target.name, target.order, excluded, failed, depth, called)
            try:
                return self._call(sequel)
            except RequestError as latest:
                failure, failed = latest, sequel.failed
        raise failure

    def _repeated(self, target: Target, called: set[object]) -> bool:
        """Whether what was called is called once more.

        LiteLLM knows a call by the text of those it leaves out, which is a set as a list: two or
        more of them may come in another order (by the seed of Python's hashes) and are new then.
        """
        told_anew = (target, REPEATED)
        if len(target.excluded or ()) < 2 or told_anew in called:
            return False
        option = self.pick([Option(None, None, SKIPPED), Option(None, None, REPEATED)])
        if option.why == REPEATED:
            called.add(told_anew)
        return option.why == REPEATED


__all__ = ["DOWN", "EMPTY", "UNKNOWN", "Asked", "RequestError", "Walk"]
