# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the registry that lead to more than one name, or to whatever fits."""

from __future__ import annotations

from dataclasses import dataclass

from .problems import Place


@dataclass(slots=True)
class Reference:
    """A name that points at something else, where it is written."""

    name: str
    place: Place


@dataclass(slots=True)
class Pattern:
    """A regular expression over the names that are asked for; the list's order is precedence."""

    text: str
    place: Place
    text_place: Place
    provider: Reference
    backend_model: Reference | None
    rank: int
    fallbacks: list[Reference]

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self.text


@dataclass(slots=True)
class Capability:
    """A public name for a task, answered by the models that are good at it.

    `strategy` is the registry's word for how one of them is chosen. Without `preferred` they are
    the models that fit: of the provider or of all, with one of the specialties (any if none is
    given), at least `min_context` tokens and `min_size` parameters (0: whatever it has).
    """

    name: str
    place: Place
    provider: Reference | None
    preferred: list[Reference]
    strategy: Reference
    specialties: list[str]
    min_context: int
    min_size: float
    fallbacks: list[Reference]


@dataclass(slots=True)
class SizeRange:
    """The provider that is preferred for models of so many parameters.

    `low` and `high` are parameters, 0 and infinity where nothing bounds it; `with_low` and
    `with_high` say whether the bound itself is in it.
    """

    text: str
    place: Place
    provider: Reference
    low: float
    high: float
    with_low: bool
    with_high: bool

    def holds(self, size: float) -> bool:
        """Whether a model of so many parameters is in it."""
        above = size >= self.low if self.with_low else size > self.low
        below = size <= self.high if self.with_high else size < self.high
        return above and below
