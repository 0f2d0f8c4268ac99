# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retries and load balancing: what LiteLLM has once for all, and what nothing comes of."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.policies import ERROR
from ...registry.problems import WARNING, Place, Problem
from ...registry.provider_types import CHAT
from ...registry.yaml_tree import Mapping as Node
from ..route_table import Route
from ..sources.balancing import spread
from ..strategies import ORDERED
from .chains import names_of_chains, path_of
from .facts import Facts


def delay_conflict(facts: Facts) -> Iterator[Problem]:
    """LiteLLM has one delay for the whole gateway, so all that are declared must be the same."""
    everywhere = facts.registry.everywhere
    found: list[tuple[str, int, Place]] = []
    if everywhere.delay_ms is not None:
        place = everywhere.at("retry_delay_ms")
        found.append(("routing_rules.retry_delay_ms", everywhere.delay_ms, place))
    for chain in facts.registry.chains:
        if chain.delay_ms is not None and chain.delay_place is not None:
            path = f"{path_of(chain)}.retry_delay_ms"
            found.append((path, chain.delay_ms, chain.delay_place))
    for path, delay, place in found[1:]:
        first, wanted, there = found[0]
        if delay != wanted:
            message = (
                f"{path} is {delay}, and {first} is {wanted} ({there.file}:{there.line}); LiteLLM"
                " has one delay for the whole gateway"
            )
            yield Problem(place, "delay-conflict", message, "the same milliseconds everywhere")


def retry_without_effect(facts: Facts) -> Iterator[Problem]:
    """Tries that LiteLLM does not make, and delays before tries that nobody makes."""
    applied = names_of_chains(facts)
    for chain in facts.registry.chains:
        names = applied.get(id(chain), [])
        if chain.when != ERROR and chain.attempts and chain.attempts_place:
            message = f"{path_of(chain)}: what fails for the prompt's sake is not tried again"
            yield _useless(chain.attempts_place, message, f"no retry_attempts, or when: {ERROR}")
        elif chain.attempts and chain.attempts_place and _none_is_chat(names):
            message = f"{path_of(chain)}: LiteLLM tries nothing again but chats"
            yield _useless(chain.attempts_place, message, "no retry_attempts")
        elif chain.delay_place and not chain.attempts and not facts.registry.everywhere.attempts:
            message = f"{path_of(chain)} has a delay between tries, and no retry_attempts"
            yield _useless(chain.delay_place, message, "retry_attempts of 1 or more")
        elif chain.delay_ms and chain.delay_place and _all_have_several(names):
            message = (
                f"{path_of(chain)}: LiteLLM waits only where a name has a single deployment, and"
                f" '{names[0].name}' has {len(names[0].targets)}"
            )
            yield _useless(chain.delay_place, message, "no retry_delay_ms")


def _none_is_chat(routes: list[Route]) -> bool:
    return bool(routes) and all(route.mode != CHAT for route in routes)


def _all_have_several(routes: list[Route]) -> bool:
    return bool(routes) and all(len(route.targets) > 1 for route in routes)


def balancing_without_effect(facts: Facts) -> Iterator[Problem]:
    """A strategy that is not one, is switched off, or has no name to spread."""
    everywhere = facts.registry.everywhere
    written = everywhere.spec.get("load_balancing") if everywhere.spec is not None else None
    if not isinstance(written, Node):
        return
    path, place = "routing_rules.load_balancing", everywhere.at("load_balancing")
    named = [
        key for key in ("strategy", "routing_strategy")
        if isinstance(written.get(key), str) and written[key]
    ]  # fmt: skip
    if len({written[key] for key in named}) > 1:
        message = f"{path}: strategy and routing_strategy say different things"
        at = written.value_place(named[1])
        yield Problem(at, "strategy-conflict", message, "one of the two")
    elif named and written.get("enabled") is False:
        message = f"{path} has a strategy, and is not enabled"
        at = written.value_place(named[0])
        yield _useless(at, message, "enabled: true, or no strategy", "balancing-without-effect")
    elif (
        everywhere.strategy
        and everywhere.strategy not in ORDERED
        and not spread(facts.table, facts.table.routes)
    ):
        message = f"{path} spreads nothing: no two providers list the same model without a rule"
        expected = "the same model at several providers, or redundant_models"
        yield _useless(place, message, expected, "balancing-without-effect")


def canary_beside_strategy(facts: Facts) -> Iterator[Problem]:
    """A canary's share is dealt before LiteLLM chooses, and its strategies learn from all."""
    for route in facts.table.routes.values():
        if route.canaries and route.strategy:
            target = route.canaries[0]
            message = (
                f"'{route.name}' is chosen by {route.strategy}, beside which"
                f" '{target.deployment.provider}' cannot get a share"
            )
            expected = "no traffic until it is active, or strategy: load_balance"
            yield Problem(target.place, "canary-beside-strategy", message, expected)


def _useless(
    place: Place, message: str, expected: str, code: str = "retry-without-effect"
) -> Problem:
    return Problem(place, code, message, expected, severity=WARNING)
