# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cycles: names that are each other's fallbacks."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.model import Reference, Registry
from ...registry.problems import Place, Problem
from ..pattern_text import EXPANDED, meaning
from ..resolve import kind_of
from ..route_table import ROUTE
from .facts import Facts

Edges = dict[str, list[Reference]]


def fallback_cycle(facts: Facts) -> Iterator[Problem]:
    """A chain of public names that comes back to itself over others.

    Two names may be each other's fallback: LiteLLM asks no name twice for one request. A default
    fallback comes back to many names, and is none of this.
    """
    edges = _edges(facts)
    done: set[str] = set()
    for start in edges:
        yield from _cycles_from(start, edges, done)


def places_for_many(registry: Registry) -> set[Place]:
    """Where fallbacks are named that are meant for whatever names they fit."""
    chains = [step.place for chain in registry.chains for step in chain.steps]
    expanded = (one for one in registry.patterns if meaning(one.text).kind == EXPANDED)
    matched = [one.place for pattern in expanded for one in pattern.fallbacks]
    return {*chains, *matched, *(one.place for one in registry.everywhere.default_fallback)}


def _edges(facts: Facts) -> Edges:
    default = {one.place for one in facts.registry.everywhere.default_fallback}
    found: Edges = {}
    for name, references in facts.table.declared.items():
        found[name] = [
            one
            for one in references
            if one.place not in default and kind_of(facts.registry, one.name) == ROUTE
        ]
    return found


def _cycles_from(start: str, edges: Edges, done: set[str]) -> Iterator[Problem]:
    if start in done:
        return
    path = {start: iter(edges[start])}  # name -> what is left to look at, in order
    while path:
        name = next(reversed(path), start)
        reference = next(path[name], None)
        if reference is None:
            del path[name]
            done.add(name)
        elif reference.name in path:
            names = list(path)
            circle = [*names[names.index(reference.name) :], reference.name]
            if len(circle) != 3:
                message = f"the fallbacks go round in a circle: {' -> '.join(circle)}"
                yield Problem(reference.place, "fallback-cycle", message, "a chain that ends")
        elif reference.name not in done:
            path[reference.name] = iter(edges.get(reference.name, ()))
