# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public names as the registry has them: an exact match, shares, or nothing but the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..registry.provider_types import CHAT
from .aliases import Capability
from .draft import Draft
from .groups import Group, Member
from .listing import PRIORITIES
from .notes import Notes
from .ordered import Ordered, exact_place
from .providers import Provider

_SECTIONS = {"providers": "redundant_models", "preferred_models": "capabilities"}
_RULES = ("exact_matches", "redundant_models", "load_balancing", "capabilities")


class Shapes:
    """Writes groups into a draft. `listed`: provider -> the models that it lists, with names."""

    def __init__(
        self,
        draft: Draft,
        providers: Iterable[Provider],
        groups: Mapping[str, Group],
        listed: Mapping[str, list[str]],
        testing: Iterable[str],
        notes: Notes,
    ) -> None:
        self.draft = draft
        self.providers = {one.name: one for one in providers}
        self.groups = groups
        self.listed = listed
        self._implied = _implied(self.providers, listed, set(testing))
        self.testing = set(testing)
        self.notes = notes
        self.strategy = ""  # ours, of names with several; "" for shares
        self.ordered = Ordered(groups, self.implied)
        self.defaults: dict[str, str] = {}
        self.helpers: dict[str, Member] = {}

    def write(self, capabilities: Iterable[Capability]) -> None:
        """All groups, in their order, then the capabilities."""
        for group in self.groups.values():
            self._defaults_for(group)
        spread = self._can_spread()
        for group in self.groups.values():
            if not (self.strategy and self._by_strategy(group, spread)):
                self._write_one(group)
        for one in capabilities:
            members = [
                m for name in one.models if name in self.groups for m in self.groups[name].members
            ]
            like = Group(one.name, one.place, self._mode_of(members), [members], one.fallbacks)
            spec: dict[str, Any] = {"preferred_models": one.models}
            spec |= {"routing_strategy": one.strategy} if one.strategy else {}
            if refs := self.refs(like, one.fallbacks, members):
                spec["fallback"] = refs[0] if len(refs) == 1 else refs
            self.draft.put("capabilities", one.name, spec, [one.place])

    def write_helpers(self) -> None:
        """What only fallbacks needed: names, and default models."""
        for name, member in self.helpers.items():
            spec = {"provider": member.provider, "backend_model": member.model}
            self.draft.put("exact_matches", name, spec)
            self.draft.comments["exact_matches", name] = "only fallbacks needed a name for it"
        for name, model in self.defaults.items():
            self.draft.sections["providers"][name]["default_model"] = model

    def ref(self, member: Member) -> str:
        """What the registry calls a provider's model, whoever falls back to it."""
        listed = self.listed.get(member.provider, ())
        if member.model in listed and len(listed) > 1:
            self.defaults.setdefault(member.provider, member.model)
        place = self.providers[member.provider].place
        mode = self._mode(member.provider, member.model)
        return self._ref(Group("", place, mode, []), member, [])

    def _mode_of(self, members: list[Member]) -> str:
        return self._mode(*members[0].who) if members else CHAT

    def implied(self, name: str) -> list[str]:
        """The providers that answer to a name because they list a model that is called so."""
        return self._implied.get(name, [])

    def _can_spread(self) -> bool:
        """Whether no name is asked in order only because of how its providers are listed."""
        ranked = any(len(group.ranks) > 1 for group in self.groups.values())
        others = (of for name, of in self._implied.items() if name not in self.groups)
        return not ranked and all(len(of) < 2 for of in others)

    def _by_strategy(self, group: Group, spread: bool) -> bool:
        """Writes a name that another strategy than shares is for; whether it could be."""
        name, members = group.name, group.members
        if len(members) < 2 or len(group.ranks) > 1 or any(one.weight for one in members):
            return False
        refs = self.refs(group, group.fallbacks, members)
        if spread and sorted(one.who for one in members) == sorted(
            (provider, name) for provider in self.implied(name)
        ):
            rules = self.draft.sections.setdefault("routing_rules", {})
            rules["load_balancing"] = {"strategy": self.strategy}
            if refs:
                self.draft.put("fallback_chains", name, refs, group.places)
            return True
        models = [self._name_of(member) for member in members]
        if not all(models) or name in self._implied:
            what = f"the strategy of '{name}', {self.strategy}"
            self.notes.not_carried(group.place, what, "its deployments have equal shares now")
            return False
        spec = {"preferred_models": models, "routing_strategy": self.strategy}
        if refs:
            spec["fallback"] = refs
        self.draft.put("capabilities", name, spec, group.places)
        return True

    def _name_of(self, member: Member) -> str:
        """A public name that leads to this provider's model alone, or ""."""
        for name in (member.model, *self.groups):
            other = self.groups.get(name)
            if other is not None and [one.who for one in other.members] == [member.who]:
                return name
        free = member.model not in self.groups
        return member.model if free and self.implied(member.model) == [member.provider] else ""

    def _write_one(self, group: Group) -> None:
        name, ranks = group.name, group.ranks
        if any(name in self.draft.sections.get(one, {}) for one in _RULES):
            why = "a rule of its own stands in the file already, and counts"
            self.notes.not_carried(group.place, f"who answers to {name} in model_list", why)
            return
        places = group.places or [group.place]
        flat = [rank[0] for rank in ranks]
        implied = self.implied(name)
        refs = self.refs(group, group.fallbacks, group.members)
        place = exact_place(group, implied)
        if (
            place is not None
            and not refs
            and [(p, name) for p in implied] == [member.who for member in flat]
        ):
            return
        if place is not None:
            spec: dict[str, Any] = {"provider": flat[place].provider}
            if flat[place].model != name:
                spec["backend_model"] = flat[place].model
            if place:
                spec["priority"] = PRIORITIES[place]
        elif name not in self._implied and (ordered_one := self.ordered.capability(group)):
            spec = ordered_one
            refs = self.refs(group, group.fallbacks, group.members)
        else:
            spec = {"providers": self._shared(group)}
            if not group.stepped:
                later = [member for rank in ranks[1:] for member in rank]
                refs = self.refs(group, [*later, *group.fallbacks], ranks[0])
        if refs:
            spec["fallback"] = refs[0] if len(refs) == 1 else refs
        section = next((to for key, to in _SECTIONS.items() if key in spec), "exact_matches")
        self.draft.put(section, name, spec, places)

    def _shared(self, group: Group) -> list[dict[str, Any]]:
        """The first rank and the canaries; with the weight 0 those who answer after them."""
        last = [replace(one, weight=0) for one in group.ranks[1]] if group.stepped else []
        members = [*group.ranks[0], *last, *group.trial]
        found = [self._member(group.name, one) for one in members]
        if any("weight" in one for one in found):
            for one in found:
                one.setdefault("weight", 1)
        return found

    def _member(self, name: str, member: Member) -> dict[str, Any]:
        spec: dict[str, Any] = {"provider": member.provider}
        if member.model != name:
            spec["model"] = member.model
        if member.weight is not None:
            whole = member.weight == int(member.weight)
            spec["weight"] = int(member.weight) if whole else member.weight
        return spec

    # Fallbacks

    def refs(
        self, group: Group, wanted: Iterable[str | Member], targets: list[Member]
    ) -> list[str]:
        """`targets`: those that the rule itself names, after which a fallback is understood."""
        found = [one if isinstance(one, str) else self._ref(group, one, targets) for one in wanted]
        return [one for one in dict.fromkeys(found) if one != group.name]

    def _ref(self, group: Group, member: Member, targets: list[Member]) -> str:
        """What the registry calls a provider's model as a fallback."""
        if self._resolved(group, member.provider, targets) == member.model:
            return member.provider
        for name in (member.model, *self.groups):
            other = self.groups.get(name)
            if other is not None and other.members == [member] and not other.fallbacks:
                return name
        if self._name_of(member) not in ("", *self.groups):
            return member.model
        helper = f"{member.provider}/{member.model}"
        while helper in self.groups:
            helper += "-"
        self.helpers[helper] = member
        return helper

    def _defaults_for(self, group: Group) -> None:
        """Gives a provider a default model where a fallback means one that is not the same."""
        later = [member for rank in group.ranks[1:] for member in rank]
        for one in (*later, *group.fallbacks):
            if isinstance(one, Member) and self.listed[one.provider]:
                resolved = self._resolved(group, one.provider, group.ranks[0])
                if resolved == "" and one.model in self.listed[one.provider]:
                    self.defaults.setdefault(one.provider, one.model)

    def _resolved(self, group: Group, provider: str, targets: list[Member]) -> str:
        """The model that a fallback to a provider means; as routing.resolve has it."""
        models = [m for m in self.listed[provider] if self._mode(provider, m) == group.mode]
        if provider in self.testing:
            return ""
        wanted = [group.name, *(one.model for one in targets), self.defaults.get(provider, "")]
        for name in wanted:
            if name in models:
                return name
        return models[0] if len(models) == 1 else ""

    def _mode(self, provider: str, model: str) -> str:
        deployments = self.providers[provider].models.get(model, [])
        return next((one.mode for one in deployments if one.mode != CHAT), CHAT)


def _implied(
    providers: Iterable[str], listed: Mapping[str, list[str]], testing: set[str]
) -> dict[str, list[str]]:
    """Model -> those that list it, in the order of the providers."""
    found: dict[str, list[str]] = {}
    for provider in providers:
        for model in listed[provider] if provider not in testing else ():
            found.setdefault(model, []).append(provider)
    return found
