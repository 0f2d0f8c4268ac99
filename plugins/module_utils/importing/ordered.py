# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are asked in order and are no model's own: a capability says it with other names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .groups import Group, Member
from .listing import place_among

Ranks = list[list[tuple[str, str]]]


class Ordered:
    """Finds names whose ranks, one name after the other, are those of a group."""

    def __init__(self, groups: Mapping[str, Group], implied: Callable[[str], list[str]]) -> None:
        self.groups = groups
        self.implied = implied

    def capability(self, group: Group) -> dict[str, Any] | None:
        """The group as a capability; None where no names cover it."""
        wanted = _ranks(group.ranks)
        if wanted is None or group.trial or len(wanted) < 2:
            return None
        spec: dict[str, Any] = {}
        names = self._cover(group.name, wanted)
        providers = {who[0] for rank in wanted for who in rank}
        if names is None and len(providers) == 1:
            names = self._of_one(wanted)
            spec["provider"] = providers.pop()
        if names is None:
            return None
        return {**spec, "preferred_models": names, "routing_strategy": "ordered"}

    def _cover(self, own: str, wanted: Ranks) -> list[str] | None:
        names: list[str] = []
        done = 0
        while done < len(wanted):
            best, most = "", 0
            for name in self._candidates(own, wanted[done]):
                ranks = self._ranks_of(name)
                if ranks and len(ranks) > most and wanted[done : done + len(ranks)] == ranks:
                    best, most = name, len(ranks)
            if not most or best in names:
                return None
            names.append(best)
            done += most
        return names

    def _candidates(self, own: str, rank: list[tuple[str, str]]) -> Iterator[str]:
        """A model's own name first, then any other name but the group's."""
        first = rank[0][1]
        yield from (name for name in (first, *self.groups) if name != own)

    def _ranks_of(self, name: str) -> Ranks | None:
        """Those who answer to a name by its own rule, without its fallbacks."""
        group = self.groups.get(name)
        if group is None:
            return [[(provider, name)] for provider in self.implied(name)]
        whole = exact_place(group, self.implied(name)) is not None
        if not whole and len(group.ranks) > 1 and not self.implied(name):
            return None  # a capability itself
        return _ranks(group.ranks if whole else group.ranks[:1])

    def _of_one(self, wanted: Ranks) -> list[str] | None:
        """The models of one provider by their own names."""
        names = [model for rank in wanted for _provider, model in rank]
        for who in (who for rank in wanted for who in rank):
            ranks = self._ranks_of(who[1]) or []
            if not any(who in rank for rank in ranks):
                return None
        return names if len(set(names)) == len(names) else None


def exact_place(group: Group, implied: Sequence[str]) -> int | None:
    """The place that an exact match gives its provider so that all others follow as they are
    listed; None where a group is none."""
    flat = [rank[0] for rank in group.ranks]
    if group.trial or any(len(rank) > 1 for rank in group.ranks):
        return None
    place = place_among([member.provider for member in flat], implied)
    others = (member for at, member in enumerate(flat) if at != place)
    return place if all(member.model == group.name for member in others) else None


def _ranks(ranks: list[list[Member]]) -> Ranks | None:
    """Who is in each rank; None where their shares are not equal."""
    if any(member.weight for rank in ranks for member in rank):
        return None
    return [sorted(member.who for member in rank) for rank in ranks]
