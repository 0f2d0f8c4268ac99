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

from .explain_answer import Explanation, Matched, Step
from .explain_chain import ERROR, LONG_PROMPT, REFUSED, Rules
from .explain_choice import Choice, Option
from .explain_entries import Entry
from .explain_match import NONE, Match, Names
from .explain_odds import first_asked, outcome
from .explain_steps import Steps
from .explain_tags import AGENT_LETTERS, DEFAULT, Request, TagSettings
from .explain_unknown import client_gets, nearest_names
from .explain_walk import Asked, RequestError, Walk
from .waiting import Waiting

DEALER = "program.shares.shares"  # who deals canaries out, in litellm_settings.callbacks
SPECIAL = (LONG_PROMPT, REFUSED)


class Explainer:
    """A configuration with its index: made once, asked for many names."""

    def __init__(
        self,
        config: Mapping[str, Any],
        rules: Mapping[str, str] | None = None,
        waiting: Sequence[Mapping[str, Any]] = (),
    ) -> None:
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
        self.waiting = Waiting(config, waiting)

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
        request = Request(tuple(tags), agent[:AGENT_LETTERS])
        return _Work(self, name, tuple(down), request, kind).explanation()


class _Work:
    """One explanation in the making."""

    def __init__(
        self, of: Explainer, name: str, down: tuple[str, ...], request: Request, kind: str
    ) -> None:
        self.of, self.name, self.down, self.kind = of, name, down, kind
        self.choice = Choice(of.tags, of.shares, request)
        self.request = request
        self.steps = Steps(of.names, of.origins, self.fails)

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
        steps = self.steps.of(everybody)
        return Explanation(
            name=self.name,
            down=self.down,
            tags=self.request.tags,
            agent=self.request.agent,
            kind=self.kind,
            matched=Matched(match.kind, match.name if listed else "", self.steps.origin(match)),
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
            conditions=self.conditions(match, steps),
            nearest=[] if listed else nearest_names(self.name, self.of.names),
            waiting=self.of.waiting.of(self.name),
        )

    def conditions(self, match: Match, steps: Sequence[Step]) -> dict[str, list[str]]:
        """What others of the name ask of a request that are there for some of them only."""
        asked = {target.id for step in steps for target in step.targets}
        some = [one for one in match.entries if one.id not in asked and DEFAULT not in one.tags]
        return {
            "tags": list(dict.fromkeys(tag for one in some for tag in one.tags)),
            "agents": list(dict.fromkeys(agent for one in some for agent in one.agents)),
        }

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

    def special_steps(self, kind: str, steps: Sequence[Step]) -> list[Step]:
        """Those for one kind of error, where it goes another way than all others."""
        if self.of.rules.chains[kind] is None or self.kind != ERROR:
            return []
        special = self.steps.of(self.everybody(kind)[0])
        same = [one.name for one in special] == [one.name for one in steps]
        return [] if same else special


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


__all__ = ["Explainer", "Explanation", "explain"]
