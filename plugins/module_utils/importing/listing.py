# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of providers: the first that is listed answers first, so that few rules are needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .groups import Group
from .providers import Provider

_MOST_ORDERS = 20  # that are tried
PRIORITIES = ("primary", "secondary", "tertiary")


def by_rank(providers: list[Provider], groups: Mapping[str, Group]) -> list[Provider]:
    """The providers in the order by which most names need no rule, or a short one.

    Of orders that are as good the first counts, and as they are is the first.
    """
    chains = {
        tuple(rank[0].provider for rank in group.ranks): None
        for group in groups.values()
        if len(group.ranks) > 1 and all(len(rank) == 1 for rank in group.ranks)
    }
    names = [one.name for one in providers]
    orders = [names, _after_all(names, chains)]
    orders += [_with_first(names, chain) for chain in list(chains)[:_MOST_ORDERS]]
    best = max(orders, key=lambda order: sum(_worth(chain, order) for chain in chains))
    places = {name: place for place, name in enumerate(best)}
    return sorted(providers, key=lambda one: places[one.name])


def place_among(chain: Sequence[str], implied: Sequence[str]) -> int | None:
    """Which of a chain a rule must name, so that the others follow as they are listed; or None."""
    for place in range(min(len(chain), len(PRIORITIES))):
        others = [*chain[:place], *chain[place + 1 :]]
        if others == [name for name in implied if name != chain[place]]:
            return place
    return None


def _worth(chain: tuple[str, ...], order: Sequence[str]) -> int:
    implied = [name for name in order if name in chain]
    if list(chain) == implied:
        return 2
    return 1 if place_among(chain, implied) is not None else 0


def _after_all(names: list[str], chains: Iterable[tuple[str, ...]]) -> list[str]:
    """Whoever comes later in any chain stands later, as far as they agree."""
    before: dict[str, set[str]] = {name: set() for name in names}
    for chain in chains:
        for place, name in enumerate(chain):
            before[name].update(one for one in chain[:place] if one != name)
    found: list[str] = []
    left = list(names)
    while left:
        free = (name for name in left if before[name] <= set(found))
        one = next(free, left[0])
        left.remove(one)
        found.append(one)
    return found


def _with_first(names: list[str], chain: tuple[str, ...]) -> list[str]:
    """The members of a chain in its order, at the places that they have among the others."""
    members = iter(dict.fromkeys(chain))
    return [next(members) if name in chain else name for name in names]
