# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An explanation: what is known of a request for one name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .explain_entries import Entry


@dataclass(frozen=True, slots=True)
class Matched:
    """Which part of the configuration a name led to, and where its rule stands ("" for none)."""

    kind: str  # exact, alias, group, wildcard, id, sent or none
    entry: str
    rule: str


@dataclass(frozen=True, slots=True)
class TargetOf:
    """Somebody who may be asked in a step. `share` is the part of those requests that come to
    this step which ask it first, None where a strategy decides; `budget` in US dollars."""

    id: str
    provider: str
    host: str
    model: str
    share: float | None
    order: int | None
    rpm: int | None
    tpm: int | None
    budget: float | None
    budget_duration: str
    parallel: int | None
    retries: int | None
    canary: float
    tags: list[str]
    agents: list[str]
    up: bool
    rule: str

    @property
    def limited(self) -> bool:
        """Whether something is counted here that can be used up."""
        counted = (self.rpm, self.tpm, self.parallel, self.budget)
        return any(limit is not None for limit in counted)

    @property
    def provider_at(self) -> str:
        """provider, or provider@host where it has several."""
        return f"{self.provider}@{self.host}" if self.host else self.provider

    @classmethod
    def of(cls, entry: Entry, share: float | None, up: bool, rule: str) -> TargetOf:
        """From an entry of the configuration."""
        params = entry.params
        return cls(
            id=entry.id,
            provider=entry.provider,
            host=entry.host,
            model=entry.model,
            share=None if share is None else round(share, 9),
            order=entry.order,
            rpm=params.get("rpm"),
            tpm=params.get("tpm"),
            budget=params.get("max_budget"),
            budget_duration=str(params.get("budget_duration") or ""),
            parallel=params.get("max_parallel_requests"),
            retries=entry.retries,
            canary=entry.canary,
            tags=entry.tags,
            agents=entry.agents,
            up=up,
            rule=rule,
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Step:
    """Those who may be asked at one time, after those of the step before it have failed.

    `how`: by "share", in "order" of their ranks, by a "strategy", or because the name is called as
    a "fallback"; `strategy` is LiteLLM's word for one. `rule` is where it was said.
    """

    how: str
    name: str
    targets: list[TargetOf]
    rule: str
    strategy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "how": self.how,
            "name": self.name,
            "targets": [target.as_dict() for target in self.targets],
            "rule": self.rule,
            "strategy": self.strategy,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens to a request for a name.

    `steps`: who is asked, step after step as long as all of them fail. `first` and `answers`: id ->
    the probability that it is asked first, and that it answers, with those in `down` failing; None
    where that depends on load. `nobody`: the probability that nobody answers. `tries`: the ids of
    the likeliest way, which is the only one if it is `certain`. `client_gets` says what comes when
    nobody answers, "" where somebody always does; `at_worst` the same for when all of them fail.
    `special`: steps after a prompt that is too long, or was refused, where they differ.
    `conditions`: the `tags` and `agents` of requests that others of the name are there for.
    `waiting`: those in a slot that would have a part in it, were it their turn: see waiting.py.
    """

    name: str
    down: tuple[str, ...]
    tags: tuple[str, ...]
    agent: str
    kind: str
    matched: Matched
    strategy: str
    steps: list[Step]
    special: dict[str, list[Step]]
    first: dict[str, float | None]
    answers: dict[str, float | None]
    nobody: float | None
    tries: list[str]
    certain: bool
    client_gets: str
    at_worst: str
    nearest: list[str] = field(default_factory=list)
    conditions: dict[str, list[str]] = field(default_factory=dict)
    waiting: list[dict[str, str]] = field(default_factory=list)

    @property
    def targets(self) -> dict[str, TargetOf]:
        """Everybody who may be asked, by id."""
        steps = [*self.steps, *(step for steps in self.special.values() for step in steps)]
        return {target.id: target for step in reversed(steps) for target in step.targets}

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "down": list(self.down),
            "tags": list(self.tags),
            "agent": self.agent,
            "kind": self.kind,
            "matched": {
                "kind": self.matched.kind,
                "entry": self.matched.entry,
                "rule": self.matched.rule,
            },
            "strategy": self.strategy,
            "steps": [step.as_dict() for step in self.steps],
            "special": {kind: [s.as_dict() for s in steps] for kind, steps in self.special.items()},
            "first": self.first,
            "answers": self.answers,
            "nobody": self.nobody,
            "tries": self.tries,
            "certain": self.certain,
            "client_gets": self.client_gets,
            "at_worst": self.at_worst,
            "nearest": self.nearest,
            "conditions": self.conditions,
            "waiting": self.waiting,
        }

    def lines(self) -> list[str]:
        """For people."""
        from .explain_words import lines

        return lines(self)
