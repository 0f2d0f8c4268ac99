# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The RouteTable: what is meant, before any thought of how LiteLLM is made to do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..registry.problems import Place
from ..registry.provider_types import CHAT

PROVIDER = "provider"
ROUTE = "route"


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
    called: str = ""  # the id by which fallbacks call it

    @property
    def limited(self) -> bool:
        return self.rpm is not None or self.tpm is not None


@dataclass(slots=True)
class Target:
    """A deployment's part in a route: `rank` counts from 0, a share is relative to the others.

    A canary has neither: it gets the part `traffic` of the route's requests, from 0 to 1.
    """

    deployment: Deployment
    id: str
    rank: int
    share: float | None
    place: Place
    traffic: float = 0.0


@dataclass(slots=True)
class Fallback:
    """Where a request goes next: to a provider's deployments, or to another route."""

    name: str
    kind: str
    deployments: list[Deployment]
    place: Place


@dataclass(slots=True)
class Route:
    """A public name: its targets by rank or share, then its fallbacks, and the rule behind it."""

    name: str
    kind: str
    place: Place
    targets: list[Target] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)

    @property
    def mode(self) -> str:
        return self.targets[0].deployment.mode if self.targets else CHAT

    @property
    def chain(self) -> list[str]:
        """What LiteLLM calls next, in order; the group's own members it tries anyway."""
        names: dict[str, None] = {}
        for fallback in self.fallbacks:
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
        """The targets that are no canaries."""
        return [target for target in self.targets if not target.traffic]

    @property
    def canaries(self) -> list[Target]:
        """The targets on trial, behind all others."""
        return [target for target in self.targets if target.traffic]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "kind": self.kind,
            "mode": self.mode,
            "targets": [_target_dict(target) for target in self.targets],
            "fallbacks": [
                {
                    "name": fallback.name,
                    "kind": fallback.kind,
                    "ids": [deployment.called for deployment in fallback.deployments],
                    "rule": rule(fallback.place),
                }
                for fallback in self.fallbacks
            ],
            "rule": rule(self.place),
        }


@dataclass(slots=True)
class RouteTable:
    """Every public name that is served, in the order of the registry."""

    routes: dict[str, Route] = field(default_factory=dict)
    deployments: dict[tuple[str, str, str], Deployment] = field(default_factory=dict)
    routed: dict[str, dict[str, None]] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """Whether any deployment has a limit."""
        return any(deployment.limited for deployment in self.deployments.values())


def rule(place: Place) -> str:
    """A place as a reader wants it beside a route."""
    return f"{place.file}:{place.line}"


def _target_dict(target: Target) -> dict[str, Any]:
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
    elif target.share is None:
        told["order"] = target.rank + 1
    else:
        told["weight"] = target.share
    if deployment.limited:
        told |= {"rpm": deployment.rpm, "tpm": deployment.tpm}
    return told
