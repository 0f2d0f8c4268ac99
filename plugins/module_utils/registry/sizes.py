# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of models as people write them: 7B, 8x7B, 270M, 1T, and ranges of them."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_SIZE = r"(?:[0-9]+x)?[0-9]+(?:\.[0-9]+)?[KMBTkmbt]"
_BETWEEN = re.compile(rf"({_SIZE}) *- *({_SIZE})")
_BEYOND = re.compile(rf"([<>])(=?) *({_SIZE})")


class Bounds(NamedTuple):
    """A range; `with_low` and `with_high` say whether the bounds are in it."""

    low: float
    high: float
    with_low: bool
    with_high: bool


def parameters(size: str) -> float:
    """How many parameters a size stands for; "8x7B" are 56 billion."""
    experts, times, each = size.rpartition("x")
    number = float(each[:-1]) * _UNITS[each[-1].lower()]
    # Rounded, so that 0.135B and 135M are the same.
    return float(round(number * (int(experts) if times else 1)))


def bounds(text: str) -> Bounds | None:
    """The range that is written as "< 8B", "8B - 13B" (both are in it) or "> 13B".

    None for any other text.
    """
    between = _BETWEEN.fullmatch(text)
    if between:
        return Bounds(parameters(between[1]), parameters(between[2]), True, True)
    beyond = _BEYOND.fullmatch(text)
    if not beyond:
        return None
    sign, equal, size = beyond.groups()
    edge = parameters(size)
    if sign == "<":
        return Bounds(0.0, edge, True, bool(equal))
    return Bounds(edge, math.inf, bool(equal), True)
