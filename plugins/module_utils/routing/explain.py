# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers a name, with what share, and who next: told by the lowered configuration.

What is walked is what LiteLLM gets, not what the registry means, so that an explanation agrees
with LiteLLM where the two should differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .explain_answer import Explanation, Matched, Step, TargetOf
from .explain_chain import ERROR, LONG_PROMPT, REFUSED, Rules
from .explain_choice import Choice, Option
from .explain_entries import Entry
from .explain_match import ID, NONE, SHUFFLE, WILDCARD, Match, Names
from .explain_odds import first_asked, outcome
from .explain_tags import Request, TagSettings
from .explain_unknown import client_gets, nearest_names
from .explain_walk import Asked, RequestError, Walk

DEALER = "program.shares.shares"  # who deals canaries out, in litellm_settings.callbacks
SPECIAL = (LONG_PROMPT, REFUSED)


class Explainer:
    """A configuration with its index: made once, asked for many names."""

    def __init__(self, config: Mapping[str, Any], rules: Mapping[str, str] | None = None) -> None:
        self.config = config
        self.origins = rules or {}
        self.names = Names(config)
        self.rules = Rules.of(config)
        router = config.get("router_settings") or {}
        self.tags = TagSettings(
            bool(router.get("enable_tag_filtering")),
            router.get("tag_filtering_match_any", True) is not False,
        )
        callbacks = (config.get("litellm_settings") or {}).get("callbacks") or ()
        self.shares = DEALER in callbacks

    @property
    def providers(self) -> dict[str, None]:
        """What may stand in `down`: the providers, and each provider@host."""
        found: dict[str, None] = {}
        for entry in self.names.entries:
            found[entry.provider] = None
            if entry.host:
                found[f"{entry.provider}@{entry.host}"] = None
        return found

    def explain(
        self,
        name: str,
        *,
        down: Iterable[str] = (),
        tags: Iterable[str] = (),
        agent: str = "",
        kind: str = ERROR,
    ) -> Explanation:
        """What happens to a request for a name.

        All deployments of those in `down` (a provider, or provider@host) fail. `kind` is how:
        "error", "long_prompt" (too long for the model) or "refused" (by its content policy).
        """
        gone = tuple(down)
        return _Work(self, name, gone, Request(tuple(tags), agent), kind).explanation()


class _Work:
    """One explanation in the making."""

    def __init__(
        self, of: Explainer, name: str, down: tuple[str, ...], request: Request, kind: str
    ) -> None:
        self.of, self.name, self.down, self.kind = of, name, down, kind
        self.choice = Choice(of.tags, of.shares, request)
        self.request = request

    def explanation(self) -> Explanation:
        match = self.of.names.match(self.name)
        listed = match.kind != NONE
        first = self.choice.options(
            match,
            self.of.names.strategy_of(self.name),
            self.of.names.by_name.get(self.of.names.meant(self.name), ()),
        ) if listed else []  # fmt: skip
        found = outcome(self.walk(self.fails, self.kind), self.name, self.fails)
        everybody, worst = self.everybody(self.kind)
        steps = self.steps(everybody)
        return Explanation(
            name=self.name,
            down=self.down,
            tags=self.request.tags,
            agent=self.request.agent,
            kind=self.kind,
            matched=Matched(match.kind, match.name if listed else "", self.origin(match)),
            strategy=self.of.names.strategy_of(self.name) if listed else "",
            steps=steps,
            special={kind: self.special_steps(kind, steps) for kind in SPECIAL},
            first=first_asked(first),
            answers={key: part for key, part in found.odds.items() if key},
            nobody=found.odds.get("", 0.0),
            tries=list(found.way),
            certain=found.certain,
            client_gets=client_gets(found.failure, self.of.names) if found.failure else "",
            at_worst=client_gets(worst, self.of.names) if worst else "",
            nearest=[] if listed else nearest_names(self.name, self.of.names),
        )

    def fails(self, entry: Entry) -> bool:
        return any(entry.belongs_to(one) for one in self.down)

    def walk(self, fails: Callable[[Entry], bool], kind: str) -> Callable[[Any], Walk]:
        def start(pick: Callable[[list[Option]], Option]) -> Walk:
            return Walk(self.of.names, self.of.rules, self.choice, fails, pick, kind)

        return start

    def everybody(self, kind: str) -> tuple[list[Asked], RequestError | None]:
        """Who is asked when all of them fail, in the likeliest order."""
        walk = self.walk(_all, kind)(_likeliest)
        try:
            walk.request(self.name)
        except RequestError as failure:
            return walk.asked, failure
        return walk.asked, None

    def steps(self, everybody: Sequence[Asked]) -> list[Step]:
        """The names that are called one after the other, with everybody who is asked there."""
        found: dict[str, list[Asked]] = {}
        for one in everybody:
            found.setdefault(one.name, []).append(one)
        return [self.step(name, asked, list(found)) for name, asked in found.items()]

    def special_steps(self, kind: str, steps: Sequence[Step]) -> list[Step]:
        """Those for one kind of error, where it goes another way than all others."""
        if self.of.rules.chains[kind] is None or self.kind != ERROR:
            return []
        special = self.steps(self.everybody(kind)[0])
        same = [one.name for one in special] == [one.name for one in steps]
        return [] if same else special

    def step(self, name: str, asked: Sequence[Asked], way: Sequence[str]) -> Step:
        """Everybody of a name, those first who are asked first."""
        targets: dict[str, TargetOf] = {}
        for one in asked:
            for option in one.options:
                entry = option.entry
                if entry is not None and entry.id not in targets:
                    part = option.probability if one is asked[0] else 0.0
                    targets[entry.id] = self.target(entry, part)
        names = self.of.names
        orders = {one.order for one in targets.values()} - {None}
        how = "order" if len(orders) > 1 else "share"
        if name != self.name:
            how = "fallback"
        elif names.strategy_of(name) != SHUFFLE and len(targets) > 1:
            how = "strategy"
        match = asked[0].match
        origin = (
            self.origin(match) if name == self.name else self.origin_of_fallback(name, way, match)
        )
        return Step(how, name, list(targets.values()), origin)

    def target(self, entry: Entry, share: float | None) -> TargetOf:
        rule = self.of.origins.get(f"{entry.id}@{entry.name}", "")
        return TargetOf.of(entry, share, not self.fails(entry), rule)

    def origin(self, match: Match) -> str:
        """Where the rule of a name stands: its own, else that of its first deployment."""
        origins = self.of.origins
        keys = [match.name, *(f"{entry.id}@{entry.name}" for entry in match.entries)]
        return next((origins[key] for key in keys if key in origins), "")

    def origin_of_fallback(self, target: str, way: Sequence[str], match: Match) -> str:
        """Where it was said that this is one, for a name that was called on the way there."""
        found = (self.of.origins.get(f"{name}->{target}") for name in way)
        return next(filter(None, found), "") or self.origin(match)


def _all(_entry: Entry) -> bool:
    return True


def _likeliest(options: list[Option]) -> Option:
    return options[0]


def explain(
    config: Mapping[str, Any],
    name: str,
    *,
    down: Iterable[str] = (),
    tags: Iterable[str] = (),
    rules: Mapping[str, str] | None = None,
    agent: str = "",
) -> Explanation:
    """One name of a configuration. For many, make an Explainer."""
    return Explainer(config, rules).explain(name, down=down, tags=tags, agent=agent)


__all__ = ["ID", "NONE", "WILDCARD", "Explainer", "Explanation", "explain"]
