# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""aliases: other names for public names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..draft import Draft
from ..route_table import ALIAS, Route


def aliases(draft: Draft, routes: Mapping[str, Route]) -> dict[str, Route]:
    """A copy of the route that each stands for, with its fallbacks.

    LiteLLM's own model_group_alias takes no fallbacks along, and hides a model of that name.
    """
    found: dict[str, Route] = {}
    for name, place in draft.registry.alias_places.items():
        meant = stands_for(draft.registry.aliases, name)
        route = routes.get(meant)
        if route is None or name in routes:
            continue  # a problem
        targets = [replace(target, tags=[*target.tags]) for target in route.targets]
        found[name] = replace(route, name=name, kind=ALIAS, place=place, targets=targets,
                              fallbacks=[], long_prompt=[], refused=[])  # fmt: skip
        draft.alias_of[name] = meant
        draft.declared[name] = [*draft.declared.get(meant, ())]
    return found


def stands_for(known: Mapping[str, object], name: str) -> str:
    """What an alias stands for in the end; "" where aliases go round in a circle."""
    seen: set[str] = set()
    while name in known:
        if name in seen:
            return ""
        seen.add(name)
        name = getattr(known[name], "name", "")
    return name
