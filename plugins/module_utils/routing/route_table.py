# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The RouteTable: what is meant, before any thought of how LiteLLM is made to do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..registry.model import ON_TRIAL
from ..registry.problems import Place
from ..registry.provider_types import CHAT

if TYPE_CHECKING:
    from ..registry.model_rules import Reference
    from .pattern_use import PatternUse

# What a fallback leads to.
PROVIDER = "provider"
ROUTE = "route"
# What a route comes from.
MODEL = "model"
EXACT_MATCH = "exact_match"
REDUNDANT_MODEL = "redundant_model"
CAPABILITY = "capability"
PATTERN = "pattern"
DEFAULT = "default"
ALIAS = "alias"


@dataclass(slots=True)
class Deployment:
    """One model of one provider on one host ("" where somebody else runs it)."""

    provider: str
    host: str
    model: str
    mode: str
    id: str
    rpm: int | None = None
    tpm: int | None = None
    budget: float | None = None  # US dollars in each budget_duration
    budget_duration: str = ""
    called: str = ""  # the id by which fallbacks call it

    @property
    def limited(self) -> bool:
        """Whether something is counted that is one under all its names."""
        return self.rated or self.budget is not None

    @property
    def rated(self) -> bool:
        """Whether there is a limit on what may be asked in a minute."""
        return self.rpm is not None or self.tpm is not None


@dataclass(slots=True)
class Target:
    """A deployment's part in a route: `rank` counts from 0, a share is relative to the others.

    A canary has neither: it gets the part `traffic` of the route's requests, from 0 to 1. One with
    `tags` or `agents` is there for requests that carry one of these tags, or a User-Agent that one
    of these expressions finds; the others are asked after it, and by all other requests.
    """

    deployment: Deployment
    id: str
    rank: int
    share: float | None
    place: Place
    traffic: float = 0.0
    tags: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)

    @property
    def conditional(self) -> bool:
        """Whether it is there for some requests only."""
        return bool(self.tags or self.agents)


@dataclass(slots=True)
class Fallback:
    """Where a request goes next: to a provider's deployments, or to another route."""

    name: str
    kind: str
    deployments: list[Deployment]
    place: Place


@dataclass(slots=True)
class Route:
    """A public name: its targets by rank or share, then its fallbacks, and the rule behind it.

    A name with `*` in it is a wildcard: its fallbacks are targets as well, since LiteLLM knows no
    others there. `strategy` is LiteLLM's word for how one of the targets is chosen; "" is by rank
    or share. `retries` (None: the gateway's rule) are tries of the first target beyond the first.
    `long_prompt` and `refused` are asked, in place of the fallbacks, when a prompt is too long
    for the model or when its content is refused.
    """

    name: str
    kind: str
    place: Place
    targets: list[Target] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)
    strategy: str = ""
    retries: int | None = None
    long_prompt: list[Fallback] = field(default_factory=list)
    refused: list[Fallback] = field(default_factory=list)

    @property
    def on_trial(self) -> bool:
        """Whether it is the name of a model at a provider on trial."""
        return self.name.startswith(ON_TRIAL)

    @property
    def mode(self) -> str:
        return self.targets[0].deployment.mode if self.targets else CHAT

    @property
    def wildcard(self) -> bool:
        """Whether it stands for all names that begin like it."""
        return "*" in self.name

    @property
    def calls_members(self) -> bool:
        """Whether its own members stand in its chain.

        LiteLLM goes on to the next one by itself where they have an order, and for chat by weight;
        not where a strategy chooses, and by weight neither for embeddings nor for completions.
        """
        if len(self.targets) < 2 or self.strategy:
            return len(self.targets) > 1
        one_a_rank = self.targets[-1].rank + 1 == len(self.targets)
        return self.mode != CHAT and not (one_a_rank and self.peers == self.targets)

    @property
    def every_fallback(self) -> list[Fallback]:
        """Those of all three kinds."""
        return [*self.fallbacks, *self.long_prompt, *self.refused]

    @property
    def chain(self) -> list[str]:
        """What LiteLLM calls next, in order.

        It tries a group's own members anyway, unless `calls_members`.
        """
        names: dict[str, None] = {}
        if self.calls_members:
            names.update((target.id, None) for target in self.targets)
        for fallback in () if self.wildcard else self.fallbacks:
            names.update(dict.fromkeys(self.called_by(fallback)))
        return list(names)

    def called_by(self, fallback: Fallback) -> list[str]:
        """The names that one fallback adds: none where it leads to this route's own targets."""
        if fallback.kind == ROUTE:
            return [fallback.name]
        own = {target.id for target in self.targets}
        own |= {target.deployment.called for target in self.targets}
        return [one.called for one in fallback.deployments if one.called not in own]

    @property
    def shared(self) -> bool:
        return any(target.share is not None for target in self.targets)

    @property
    def peers(self) -> list[Target]:
        """The targets that are neither canaries nor there for some requests only."""
        return [one for one in self.targets if not one.traffic and not one.conditional]

    @property
    def canaries(self) -> list[Target]:
        """The targets on trial, behind all others."""
        return [target for target in self.targets if target.traffic]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        told: dict[str, Any] = {"name": self.name, "kind": self.kind, "mode": self.mode}
        if self.strategy:
            told["strategy"] = self.strategy
        if self.retries is not None:
            told["retries"] = self.retries
        told["targets"] = [_target_dict(target, self.strategy) for target in self.targets]
        told["fallbacks"] = [_fallback_dict(fallback) for fallback in self.fallbacks]
        if self.long_prompt:
            told["long_prompt"] = [_fallback_dict(fallback) for fallback in self.long_prompt]
        if self.refused:
            told["refused"] = [_fallback_dict(fallback) for fallback in self.refused]
        return {**told, "rule": rule(self.place)}


@dataclass(slots=True)
class RouteTable:
    """Every public name that is served, in the order of the registry.

    `routed`: provider -> its models that requests reach. `declared`: name -> what its rules name as
    fallbacks, whether that serves or not. `patterns` tells what became of each; `sized`: place of
    a range of sizes -> the names that it orders.
    """

    routes: dict[str, Route] = field(default_factory=dict)
    deployments: dict[tuple[str, str, str], Deployment] = field(default_factory=dict)
    routed: dict[str, dict[str, None]] = field(default_factory=dict)
    declared: dict[str, list[Reference]] = field(default_factory=dict)
    patterns: list[PatternUse] = field(default_factory=list)
    sized: dict[Place, list[str]] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """Whether any deployment has a limit of requests or tokens."""
        return any(deployment.rated for deployment in self.deployments.values())


def rule(place: Place) -> str:
    """A place as a reader wants it beside a route."""
    return f"{place.file}:{place.line}"


def _fallback_dict(fallback: Fallback) -> dict[str, Any]:
    ids = [deployment.called for deployment in fallback.deployments]
    told = {"name": fallback.name, "kind": fallback.kind}
    return {**told, "ids": ids, "rule": rule(fallback.place)}


def _target_dict(target: Target, strategy: str) -> dict[str, Any]:
    deployment = target.deployment
    told: dict[str, Any] = {
        "provider": deployment.provider,
        "host": deployment.host,
        "model": deployment.model,
        "id": target.id,
        "rule": rule(target.place),
    }
    if target.traffic:
        told["traffic"] = target.traffic
    elif target.share is None and not strategy:
        told["order"] = target.rank + 1
    elif not strategy:
        told["weight"] = target.share
    if deployment.rated:
        told |= {"rpm": deployment.rpm, "tpm": deployment.tpm}
    if deployment.budget is not None:
        told |= {"max_budget": deployment.budget, "budget_duration": deployment.budget_duration}
    conditions = {"tags": target.tags, "agents": target.agents}
    return told | {key: values for key, values in conditions.items() if values}
