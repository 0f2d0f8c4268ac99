# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries: providers on trial that get a part of what others serve."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import ACTIVE, TESTING
from ...registry.problems import ERROR, WARNING, Place, Problem
from .facts import Facts

ALL = 1 + 1e-9  # sums of decimal shares are not exact


def traffic_without_effect(facts: Facts) -> Iterator[Problem]:
    """A share is for a provider on trial."""
    for provider in facts.registry.providers.values():
        if provider.status == TESTING or provider.spec.get("traffic") is None:
            continue
        active = provider.status == ACTIVE
        gets = "all that names lead to it" if active else "nothing"
        message = (
            f"providers.{provider.name}.traffic has no effect: the provider is {provider.status}"
            f" and gets {gets}"
        )
        severity = ERROR if active else WARNING
        place, expected = provider.at("traffic"), f"status: {TESTING}, or no traffic"
        yield Problem(place, "traffic-without-effect", message, expected, severity=severity)


def canary_without_peer(facts: Facts) -> Iterator[Problem]:
    """A share of a name is one that somebody else has the rest of."""
    shared = {
        target.deployment.provider
        for route in facts.table.routes.values()
        for target in route.canaries
    }
    for provider in facts.registry.providers.values():
        if provider.traffic and provider.name not in shared:
            message = (
                f"providers.{provider.name}: no other live provider serves a name of this one, so"
                " there is nothing to share"
            )
            expected = f"status: {ACTIVE}, or no traffic and requests for testing/<model>"
            yield Problem(provider.at("traffic"), "canary-without-peer", message, expected)


def too_much_traffic(facts: Facts) -> Iterator[Problem]:
    """The canaries of one name cannot get more than all of it."""
    told: set[str] = set()
    for route in facts.table.routes.values():
        parts: dict[str, float] = {}
        for target in route.canaries:
            name = target.deployment.provider
            parts[name] = parts.get(name, 0.0) + target.traffic
            if sum(parts.values()) > ALL and name not in told:
                told.add(name)
                listed = ", ".join(f"{one} {100 * part:.4g}%" for one, part in parts.items())
                message = f"the canaries of '{route.name}' would get more than all of it: {listed}"
                yield Problem(target.place, "too-much-traffic", message, "at most 100% together")


def canary_in_rule(facts: Facts) -> Iterator[Problem]:
    """While a provider is on trial its share counts, and its place in a rule does not."""
    for match in facts.registry.exact.values():
        share = _share(facts, match.name, match.provider.name)
        if share:
            path = f"exact_matches.{match.name}"
            yield _waits(path, match.provider.name, share, "priority", match.provider.place)
    for redundant in facts.registry.redundant.values():
        for member in redundant.members:
            share = _share(facts, redundant.name, member.provider.name)
            if share and member.weight is not None:
                path = f"redundant_models.{redundant.name}"
                yield _waits(path, member.provider.name, share, "weight", member.place)


def _share(facts: Facts, name: str, provider: str) -> float:
    route = facts.table.routes.get(name)
    canaries = route.canaries if route else ()
    return sum(one.traffic for one in canaries if one.deployment.provider == provider)


def _waits(path: str, provider: str, share: float, what: str, place: Place) -> Problem:
    message = (
        f"{path}: '{provider}' is on trial, so it gets {100 * share:.4g}% and its {what} waits"
        f" until it is {ACTIVE}"
    )
    expected = f"status: {ACTIVE}, once it has proven itself"
    return Problem(place, "canary-in-rule", message, expected, severity=WARNING)
