# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aliases: other names for names that there are."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry.problems import Problem
from ..sources.aliases import stands_for
from .facts import Facts
from .names import taken


def alias_of_nothing(facts: Facts) -> Iterator[Problem]:
    """An alias stands for a public name that somebody serves."""
    registry = facts.registry
    for name, reference in registry.aliases.items():
        meant = stands_for(registry.aliases, name)
        if reference.name not in registry.public_names:
            message = f"aliases.{name} stands for '{reference.name}'; no such public name"
            known = [
                one
                for one in registry.public_names
                if one != name and stands_for(registry.aliases, one) in facts.table.routes
            ]
            yield facts.unknown(reference, "unknown-alias", message, known)
        elif not meant:
            message = f"aliases.{name}: these names stand for each other"
            expected = "a name that is no alias"
            yield Problem(reference.place, "alias-cycle", message, expected)
        elif meant in registry.public_names and meant not in facts.table.routes:
            message = f"aliases.{name} stands for '{meant}', which no live provider serves"
            yield Problem(reference.place, "alias-not-served", message, "a name that is served")


def alias_taken(facts: Facts) -> Iterator[Problem]:
    """LiteLLM's alias would take a model's requests away without a word."""
    registry = facts.registry
    for name, place in registry.alias_places.items():
        capability = registry.capabilities.get(name)
        there = taken(registry, name) or (capability.place if capability is not None else None)
        if there is not None:
            where = f"{there.file}:{there.line}"
            message = f"aliases.{name}: '{name}' is a public name already ({where})"
            yield Problem(place, "duplicate-route", message, "another name")
