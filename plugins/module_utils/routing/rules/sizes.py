# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes: ranges that contradict one another, leave something out, or prefer nobody."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from ...registry.model_rules import SizeRange
from ...registry.problems import WARNING, Problem
from ..route_table import MODEL
from ..sources.model_sizes import range_of, size_of
from .facts import Facts, listing


def empty_size_range(facts: Facts) -> Iterator[Problem]:
    """The smaller end comes first."""
    for one in facts.registry.sizes:
        if one.low > one.high:
            low, _dash, high = one.text.partition("-")
            message = f"{_path(one)}: no size is in it"
            yield Problem(one.place, "bad-size-range", message, f'"{high.strip()} - {low.strip()}"')


def overlapping_sizes(facts: Facts) -> Iterator[Problem]:
    """A size has one preferred provider."""
    widest: SizeRange | None = None
    for one in _in_order(facts):
        if widest is not None and _overlap(widest, one):
            later, first = (one, widest) if one.place > widest.place else (widest, one)
            where = f"{first.place.file}:{first.place.line}"
            message = f"{_path(later)} overlaps with '{first.text}' ({where})"
            expected = 'ranges that only meet, such as "< 8B", "8B - 13B" and "> 13B"'
            yield Problem(later.place, "overlapping-sizes", message, expected)
        if widest is None or (one.high, one.with_high) > (widest.high, widest.with_high):
            widest = one


def size_gap(facts: Facts) -> Iterator[Problem]:
    """Between two ranges nobody is preferred."""
    ranges = _in_order(facts)
    for before, after in pairwise(ranges):
        meets = before.high > after.low or (
            before.high == after.low and (before.with_high or after.with_low)
        )
        if meets:
            continue
        gap = SizeRange(
            "", before.place, before.provider,
            before.high, after.low, not before.with_high, not after.with_low,
        )  # fmt: skip
        routes = (one for one in facts.table.routes.values() if one.kind == MODEL)
        inside = [one.name for one in routes if gap.holds(size_of(facts.registry, one))]
        found = f"; {listing(inside)} is there" if inside else ""
        message = f"{_path(after)}: nobody is preferred between '{before.text}' and this{found}"
        expected = "ranges that meet, or a range for what is between them"
        yield Problem(after.place, "size-gap", message, expected, severity=WARNING)


def size_without_effect(facts: Facts) -> Iterator[Problem]:
    """A preference is for a model that several providers serve."""
    for one in facts.registry.sizes:
        if one.place in facts.table.sized:
            continue
        provider = facts.registry.providers.get(one.provider.name)
        if provider is None or not provider.served or one.low > one.high:
            continue  # said as such
        inside = [
            route.name
            for route in facts.table.routes.values()
            if route.kind == MODEL and range_of(facts.registry, route) is one
        ]
        why = f"'{provider.name}' has no model of this size that another one has as well"
        if not inside:
            why = "no model is known to be of this size"
        message = f"{_path(one)} has no effect: {why}"
        expected = "models with their size, at several providers"
        yield Problem(one.place, "size-without-effect", message, expected, severity=WARNING)


def _in_order(facts: Facts) -> list[SizeRange]:
    found = [one for one in facts.registry.sizes if one.low <= one.high]
    return sorted(found, key=lambda one: (one.low, not one.with_low, one.place))


def _overlap(one: SizeRange, other: SizeRange) -> bool:
    low = max((one.low, not one.with_low), (other.low, not other.with_low))
    high = min((one.high, one.with_high), (other.high, other.with_high))
    if math.isinf(low[0]):
        return False
    return low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1])


def _path(one: SizeRange) -> str:
    return f"model_size_routing.[size={one.text}]"
