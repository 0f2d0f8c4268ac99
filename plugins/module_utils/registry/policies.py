# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is declared beside the names: chains, budgets, conditions, and rules for all requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .nodes import place_in
from .problems import Place
from .yaml_tree import Mapping as Node

if TYPE_CHECKING:
    from .model import Reference

# When a chain is walked: `Chain.when`.
ERROR = "error"
CONTEXT_WINDOW = "context_window"
CONTENT_POLICY = "content_policy"


@dataclass(slots=True)
class Chain:
    """Who answers when `primary` fails, in order: an entry of fallback_chains.

    `ranks`: (rank, place) of each step as it was written, "" for a plain name; the primary's too
    where it stands among them. `attempts` are tries of the primary beyond the first.
    """

    name: str
    place: Place
    primary: Reference
    steps: list[Reference]
    when: str = ERROR
    attempts: int | None = None
    delay_ms: int | None = None
    delay_place: Place | None = None
    attempts_place: Place | None = None
    ranks: list[tuple[str, Place]] = field(default_factory=list)


@dataclass(slots=True)
class Budget:
    """What a provider may cost in US dollars; `models`: the parts of its models."""

    name: str
    place: Place
    most: float
    duration: str
    models: dict[str, Part] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """A model's part of its provider's budget."""

    name: str
    place: Place
    most: float


@dataclass(slots=True)
class Condition:
    """An entry of request_metadata_routing.

    `terms`: (what is looked at, what it must be) as declared, in order; what cannot be read as
    that is ("", the text).
    """

    name: str
    place: Place
    terms: list[tuple[str, str]]
    provider: Reference | None = None
    model: Reference | None = None
    fallbacks: list[Reference] = field(default_factory=list)


@dataclass(slots=True)
class Everywhere:
    """routing_rules, as far as they are for all requests. `spec` knows where each key stands."""

    default_fallback: list[Reference] = field(default_factory=list)
    attempts: int | None = None
    delay_ms: int | None = None
    timeout: float | None = None
    strategy: str = ""
    spec: Node | None = None

    def at(self, *path: str) -> Place:
        """Where a value of it is written, or the nearest thing around it that is."""
        return place_in(self.spec, path, Place("", 1, 1))
