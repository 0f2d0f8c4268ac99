# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_group_alias and routing_groups: further names for what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..registry.problems import Place, nearest
from ..registry.yaml_tree import Mapping as Node
from ..registry.yaml_tree import Sequence
from .entries import texts
from .forms import GROUP_FORMS
from .groups import Group, Member
from .notes import Notes
from .reader import Section, Sources
from .values import told

SIMPLE_SHUFFLE = "simple-shuffle"
STRATEGIES = {
    "simple-shuffle": "load_balance",
    "usage-based-routing": "usage_based",
    "usage-based-routing-v2": "usage_based",
    "latency-based-routing": "fastest_response",
    "least-busy": "least_loaded",
    "cost-based-routing": "lowest_cost",
    "priority": "ordered",
}
_NO_WORD = "the registry has no word for it"
_GROUP = ("group_name", "models", "routing_strategy", "model_priorities")
OTHER_STRATEGIES = ("provider-budget-routing",)


@dataclass
class Capability:
    """A name for several models, chosen by a strategy of ours."""

    name: str
    models: list[str]
    strategy: str
    place: Place
    fallbacks: list[str | Member] = field(default_factory=list)


class Aliases:
    """Adds to `groups` what aliases stand for; `capabilities` are those that they make."""

    def __init__(self, groups: dict[str, Group], notes: Notes) -> None:
        self.groups = groups
        self.notes = notes
        self.capabilities: dict[str, Capability] = {}
        self.names: dict[str, Section] = {}  # alias -> the name that it stands for
        self.answered: set[str] = set()  # further names that LiteLLM answers today

    def read(self, sources: Sources) -> None:
        settings = sources.mapping("router_settings")
        if settings is None:
            return
        aliases = settings.get("model_group_alias")
        if isinstance(aliases, Node):
            meant = {name: self._target(value) for name, value in aliases.items()}
            for name in aliases:
                self._alias(name, aliases, meant)
        elif aliases is not None:
            place = settings.key_place("model_group_alias")
            self.notes.found(place, "bad-value-ignored", "model_group_alias is no mapping")
        routing = settings.get("routing_groups")
        if isinstance(routing, Sequence):
            self._routing_groups(routing)

    def _target(self, value: object) -> str:
        model = value.get("model") if isinstance(value, Node) else value
        return model if isinstance(model, str) else ""

    def _alias(self, name: str, aliases: Node, meant: Mapping[str, str]) -> None:
        value, place = aliases[name], aliases.key_place(name)
        if isinstance(value, Sequence):
            self._to_list(name, value, place)
            return
        target, seen = meant[name], {name}
        if target in meant and target not in self.groups:
            way = [name, target]
            while target in meant and target not in self.groups and target not in seen:
                seen.add(target)
                target = meant[target]
                way.append(target)
            self._about_way(way, place)
        if target not in self.groups:
            if meant[name] not in meant:
                near = nearest(target, self.groups)
                self.notes.found(
                    place, "alias-unknown", f"{name}: {target or 'nothing'}", near=near
                )
            return
        if target == name:
            return
        if name in self.groups:
            self.notes.found(place, "alias-hijacks", f"{name}: {target}")
        self._beside(f"alias {name}", value, ("model",))
        if meant[name] == target:
            self.answered.add(name)
        old = self.groups[target]
        if old.fallbacks:
            self.notes.found(place, "alias-without-fallback", f"{name}: {target}")
        if name in self.groups:
            made = replace(old, name=name, place=place, places=[place])
            self.groups[name] = replace(made, fallbacks=list(old.fallbacks))
        else:
            self.names[name] = Section(target, place)

    def _about_way(self, way: list[str], place: Place) -> None:
        """An alias that stands for another one: x -> y -> model, or in a circle."""
        if way[-1] in way[:-1]:
            what = f"{' -> '.join(way)}, which is a circle"
            self.notes.found(place, "alias-of-alias", what, "nothing: it leads nowhere")
        else:
            self.notes.found(place, "alias-of-alias", f"{way[0]}: {way[1]}")

    def _beside(self, what: str, value: object, read: tuple[str, ...]) -> None:
        """Says what else stands in an entry."""
        if not isinstance(value, Node):
            return
        for key, item in value.items():
            if key not in read and item not in (None, False):
                why = "a name is listed by /v1/models, or is none" if key == "hidden" else _NO_WORD
                self.notes.not_carried(value.key_place(key), f"{what}: {key}", why)

    def _to_list(self, name: str, value: Sequence, place: Place) -> None:
        self.notes.found(place, "alias-to-list", f"{name}: [{', '.join(texts(value))}]")
        self._no_names(name, value)
        known = list(self._known(name, value))
        if known:
            self._capability(name, known, "load_balance", place)

    def _no_names(self, name: str, value: Sequence) -> None:
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item:
                what = f"'{name}' names what is no name"
                self.notes.found(value.item_place(index), "alias-unknown", what)

    def _known(self, name: str, value: Sequence) -> Iterator[str]:
        for index, item in enumerate(value):
            if isinstance(item, str) and item in self.groups:
                yield item
            elif isinstance(item, str):
                near = nearest(item, self.groups)
                what = f"'{name}' names '{item}'"
                self.notes.found(value.item_place(index), "alias-unknown", what, near=near)

    def _capability(self, name: str, models: list[str], strategy: str, place: Place) -> None:
        if name in self.groups:
            why = "a model has this name already"
            self.notes.not_carried(place, f"the group '{name}' of models", why)
            return
        self.capabilities[name] = Capability(name, models, strategy, place)

    def _routing_groups(self, routing: Sequence) -> None:
        used: dict[str, str] = {}
        for index, item in enumerate(routing):
            place = routing.item_place(index)
            name = item.get("group_name") if isinstance(item, Node) else None
            if not isinstance(item, Node) or not isinstance(name, str):
                self.notes.found(place, "missing-part", f"routing_groups[{index}]")
                continue
            told(f"routing group {name}", item, GROUP_FORMS, self.notes)
            self._beside(f"routing group {name}", item, _GROUP)
            if item.get("routing_strategy") is None:
                what = f"routing_groups[{index}] has no routing_strategy"
                self.notes.found(place, "missing-part", what, "a capability with equal shares")
            models = item.get("models")
            if isinstance(models, Sequence):
                self._routing_group(name, models, item, place, used)
            else:
                self.notes.found(place, "missing-part", f"routing_groups[{index}] has no models")

    def _routing_group(
        self, name: str, models: Sequence, item: Node, place: Place, used: dict[str, str]
    ) -> None:
        """`used`: model -> the group that has it already."""
        written, strategy = item.get("routing_strategy"), "load_balance"
        if isinstance(written, str):
            strategy = strategy_of(written, item.value_place("routing_strategy"), self.notes)
        self._no_names(name, models)
        if strategy == "ordered" and isinstance(item.get("model_priorities"), Node):
            models = self._by_priority(models, item["model_priorities"])
        for model in texts(models):
            if strategy != "ordered" and used.setdefault(model, name) != name:
                what = f"'{model}' is in {used[model]} and in {name}"
                self.notes.found(place, "two-routing-groups", what)
        if list(texts(models)) == [name]:
            self._own_group(name, strategy, place)
        elif known := list(self._known(name, models)):
            self.answered.add(name)
            self._capability(name, known, strategy or "load_balance", place)

    def _by_priority(self, models: Sequence, priorities: Node) -> Sequence:
        def rank(index: int) -> float:
            value = priorities.get(str(models[index]))
            return value if isinstance(value, (int, float)) else float("inf")

        made = Sequence(models._sources, models._start)
        for index in sorted(range(len(models)), key=rank):
            made.add(models[index], models.mark(index))
        return made

    def _own_group(self, name: str, strategy: str, place: Place) -> None:
        """A strategy over copies under the group's own name: the form of our renderings."""
        group = self.groups.pop(name, None)
        if group is None:
            return
        models = []
        for member in group.members:
            names = (n for n, g in self.groups.items() if member.who in {m.who for m in g.members})
            models.append(member.model if member.model in self.groups else next(names, ""))
        if all(models):
            self._capability(name, list(dict.fromkeys(models)), strategy, place)
            members = {member.who for member in group.members}
            self.capabilities[name].fallbacks = [
                one for one in group.fallbacks if isinstance(one, str) or one.who not in members
            ]
        else:
            self.groups[name] = group


def strategy_of(written: str, place: Place, notes: Notes) -> str:
    """Our word for a strategy of LiteLLM's; "" where there is none."""
    if written in STRATEGIES:
        return STRATEGIES[written]
    if written in OTHER_STRATEGIES:
        notes.not_carried(place, f"routing_strategy: {written}", "budgets stand under `budgets`")
        return ""
    near = nearest(written, STRATEGIES)
    notes.found(place, "unknown-strategy", f"routing_strategy: {written}", near=near)
    return STRATEGIES.get(near, "")
