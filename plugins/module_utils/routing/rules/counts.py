# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts: LiteLLM keeps them in the memory of each process, and nobody adds them up."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.problems import WARNING, Place, Problem
from .facts import Facts


def counted_by_each(facts: Facts) -> Iterator[Problem]:
    """With several processes each has the whole limit, so the real bound is their sum."""
    several = 1 if facts.inventory.redis else facts.inventory.processes
    for place, path, value, unit in _bounds(facts) if several > 1 else ():
        message = (
            f"{path}: each of the gateway's {several} processes counts by itself, so the real bound"
            f" is {several * value:g} {unit}"
        )
        expected = f"a part of {value / several:g}, or gateway_workers: 1 on one gateway, or Redis"
        yield Problem(place, "counted-by-each", message, expected, severity=WARNING)


def _bounds(facts: Facts) -> Iterator[tuple[Place, str, float, str]]:
    for limit in facts.registry.limits.values():
        words = (("rpm", "requests a minute"), ("tpm", "tokens a minute"))
        for unit, words_of in words:
            parts = [getattr(one, unit) for one in limit.models.values()]
            value = getattr(limit, unit) or sum(filter(None, parts))
            if value:
                yield limit.place, f"rate_limit_settings.limits.{limit.name}", value, words_of
    for budget in facts.registry.budgets.values():
        words_of = f"US dollars in {budget.duration}"
        yield budget.place, f"budgets.{budget.name}", budget.most, words_of
