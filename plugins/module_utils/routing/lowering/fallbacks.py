# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""router_settings.fallbacks, and how long a chain may be."""

from __future__ import annotations

from collections.abc import Mapping

from ..route_table import RouteTable
from .work import Work

LITELLM_MAX_FALLBACKS = 5  # its default


def fallbacks(work: Work) -> None:
    """A chain for each name that has one."""
    chains = {route.name: route.chain for route in work.table.routes.values()}
    hops = _longest(work.table, chains)
    if hops > LITELLM_MAX_FALLBACKS:
        work.settings["max_fallbacks"] = hops
    found: list[dict[str, list[str]]] = [{name: chain} for name, chain in chains.items() if chain]
    found += [{name: []} for name in inheriting(chains)]
    if found:
        work.settings["fallbacks"] = found


def _longest(table: RouteTable, chains: Mapping[str, list[str]]) -> int:
    """The most hops that one request may take: LiteLLM stops after `max_fallbacks`.

    It asks nobody twice for one request, so there are never more than there are targets and names,
    also where names are each other's fallbacks.
    """
    targets = sum(len(route.targets) for route in table.routes.values())
    most = len(table.deployments) + targets + len(chains)
    known: dict[str, int] = {}
    stack = [*chains][::-1]
    opened: set[str] = set()
    while stack:
        name = stack[-1]
        unknown = [to for to in chains[name] if to in chains and to not in opened]
        if name not in opened and unknown:
            stack += unknown
        else:
            stack.pop()
            hops = sum(1 + known.get(to, most if to in chains else 0) for to in chains[name])
            known[name] = min(most, len(table.routes[name].targets) - 1 + hops)
        opened.add(name)
    return max(known.values(), default=0)


def inheriting(chains: Mapping[str, list[str]]) -> list[str]:
    """Names that LiteLLM would give another name's fallbacks.

    It takes `openai/x` and `x` for the same there, whichever of them has fallbacks; an empty
    list stops that.
    """
    sources = {name for name, chain in chains.items() if chain}
    ends = {name.split("/", 1)[1] for name in sources if "/" in name}
    return [
        name
        for name, chain in chains.items()
        if not chain and (name in ends or ("/" in name and name.split("/", 1)[1] in sources))
    ]
