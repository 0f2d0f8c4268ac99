# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments under one public name: who is asked first, in which shares, and who next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..registry.problems import Place
from .entries import SHUFFLED, Deployment
from .notes import Notes

_FAR = 1e-6  # weights this far apart are ranks: our own renderings have such
SIMPLE = "simple-shuffle"


@dataclass(frozen=True)
class Member:
    """A provider's model and its weight, None where all have equal shares."""

    provider: str
    model: str
    weight: float | None = None

    @property
    def who(self) -> tuple[str, str]:
        return self.provider, self.model


@dataclass
class Group:
    """A public name: members rank by rank, then what is asked next, by name or as a member."""

    name: str
    place: Place
    mode: str
    ranks: list[list[Member]]
    fallbacks: list[str | Member] = field(default_factory=list)
    trial: list[Member] = field(default_factory=list)  # canaries that its rule must name
    places: list[Place] = field(default_factory=list)
    ours: bool = False

    @property
    def stepped(self) -> bool:
        """Whether it is one of ours whose weights say that the last of them answer last."""
        return len(self.ranks) == 2 and (len(self.ranks[0]) > 1 or bool(self.trial)) and self.ours

    @property
    def members(self) -> list[Member]:
        return [member for rank in self.ranks for member in rank]

    def others(self, wanted: Iterable[str | Member]) -> list[str | Member]:
        """Those who are not its own members: these are asked anyway."""
        own = {member.who for member in self.members}
        return [one for one in wanted if isinstance(one, str) or one.who not in own]

    def follow(self, wanted: Iterable[str | Member], place: Place) -> None:
        """Sets who comes after it, as it stands at a place."""
        self.fallbacks = self.others(wanted)
        self.places.append(place)


def groups_of(
    deployments: Iterable[Deployment], trials: Mapping[str, float], strategy: str, notes: Notes
) -> dict[str, Group]:
    """Public name -> its group. `trials`: our canaries and testing providers, by share."""
    by_name: dict[str, list[Deployment]] = {}
    for one in deployments:
        if one.provider and not one.wildcard and not one.name.startswith("~"):
            by_name.setdefault(one.name, []).append(one)
    found = {}
    for name, members in by_name.items():
        peers = [one for one in members if one.provider not in trials]
        if peers:
            own = Group(name, members[0].place, peers[0].mode, _ranks(peers, strategy, notes))
            own.trial = [
                Member(one.provider, one.model, 0)
                for one in members
                if one.provider in trials and one.model != name
            ]
            own.places = [one.place for one in members]
            own.ours = all(one.id.startswith("~") and "order" not in one.numbers for one in members)
            found[name] = own
    return found


def _ranks(members: list[Deployment], strategy: str, notes: Notes) -> list[list[Member]]:
    name = members[0].name
    weights = [one.numbers.get("weight") for one in members]
    orders = sorted({one.numbers["order"] for one in members if "order" in one.numbers})
    mine = all(one.id.startswith("~") for one in members)
    if any(weight is None for weight in weights) and any(weights):
        for one, weight in zip(members, weights, strict=True):
            if weight is None:
                notes.found(one.place, "partial-weights", f"'{name}': {one.model} has no weight")
        weights = [weight or 0 for weight in weights]
    if orders:
        ranks = _by_order(members, orders)
        for one in ranks[-1]:
            notes.found(one.place, "partial-order", f"'{name}': {one.model} has no order")
        if len(ranks) > 1 and any(weights) and any(len(rank) > 1 for rank in ranks):
            notes.found(members[0].place, "order-beside-weights", f"'{name}'")
    elif mine and any(weights):
        ranks = _by_steps(members)
    else:
        ranks = [members]
    if not mine and not any(weights):
        _about_shares(members, ranks, strategy, notes)
    return [_merged(rank) for rank in ranks if rank]


def _by_order(members: list[Deployment], orders: list[float]) -> list[list[Deployment]]:
    """LiteLLM asks the lowest first; whoever has no order beside others that have is last."""
    ranks = [[one for one in members if one.numbers.get("order") == order] for order in orders]
    return [*ranks, [one for one in members if "order" not in one.numbers]]


def _by_steps(members: list[Deployment]) -> list[list[Deployment]]:
    ranks: list[list[Deployment]] = []
    last = 0.0
    for one in sorted(members, key=lambda one: -one.numbers.get("weight", 1)):
        weight = one.numbers.get("weight", 1)
        if not ranks or 0 < weight < last * _FAR:
            ranks.append([])
        ranks[-1].append(one)
        last = weight or last
    return ranks


def _about_shares(
    members: list[Deployment], ranks: list[list[Deployment]], strategy: str, notes: Notes
) -> None:
    for rank in ranks:
        if len(rank) < 2:
            continue
        name, place = rank[0].name, rank[1].place
        notes.found(place, "shared-name", f"'{name}' stands for {len(rank)} deployments")
        for unit in SHUFFLED if strategy == SIMPLE else ():
            values = [one.numbers.get(unit) for one in rank]
            if any(values) and len(set(values)) > 1:
                notes.found(place, "limit-as-weight", f"'{name}': {unit} differs between them")
                break


def _merged(rank: list[Deployment]) -> list[Member]:
    """Each provider's model once, with the sum of its weights; none where all are equal."""
    found: dict[tuple[str, str], float] = {}
    for one in rank:
        key = (one.provider, one.model)
        found[key] = found.get(key, 0) + one.numbers.get("weight", 0)
    weights = list(found.values())
    if not any(weights) or (len(set(weights)) == 1):
        uneven = len(found) < len(rank)
        counts = {key: sum((d.provider, d.model) == key for d in rank) for key in found}
        if uneven and len(set(counts.values())) > 1 and not any(weights):
            return [Member(*key, counts[key]) for key in found]
        return [Member(*key) for key in found]
    return [Member(*key, weight) for key, weight in found.items()]
