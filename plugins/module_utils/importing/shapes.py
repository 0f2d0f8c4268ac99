# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public names as the registry has them: an exact match, shares, or nothing but the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..registry.provider_types import CHAT
from .draft import Draft
from .groups import Group, Member
from .listing import PRIORITIES, place_among
from .notes import Notes
from .providers import Provider

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
        self.testing = set(testing)
        self.notes = notes
        self.defaults: dict[str, str] = {}
        self.helpers: dict[str, Member] = {}

    def write(self) -> None:
        """All groups, in their order; then the names that only fallbacks needed."""
        for name in self.groups:
            self._defaults_for(self.groups[name])
        for group in self.groups.values():
            self._write_one(group)
        for name, member in self.helpers.items():
            spec = {"provider": member.provider, "backend_model": member.model}
            self.draft.put("exact_matches", name, spec)
            self.draft.comments["exact_matches", name] = "only fallbacks needed a name for it"
        for name, model in self.defaults.items():
            self.draft.sections["providers"][name]["default_model"] = model

    def implied(self, name: str) -> list[str]:
        """The providers that answer to a name because they list a model that is called so."""
        return [p for p in self.providers if name in self.listed[p] and p not in self.testing]

    def _write_one(self, group: Group) -> None:
        name, ranks = group.name, group.ranks
        if any(name in self.draft.sections.get(one, {}) for one in _RULES):
            why = "a rule of its own stands in the file already, and counts"
            self.notes.not_carried(group.place, f"who answers to {name} in model_list", why)
            return
        places = group.places or [group.place]
        flat = [rank[0] for rank in ranks]
        ordered = all(len(rank) == 1 for rank in ranks) and not group.trial
        same = all(member.model == name for member in flat)
        refs = self._refs(group, group.fallbacks)
        implied = self.implied(name)
        if ordered and same and [member.provider for member in flat] == implied and not refs:
            return
        chain = [member.provider for member in flat]
        place = place_among(chain, implied) if ordered else None
        alike = place is not None and all(
            member.model == name for at, member in enumerate(flat) if at != place
        )
        if place is not None and alike:
            spec: dict[str, Any] = {"provider": flat[place].provider}
            if flat[place].model != name:
                spec["backend_model"] = flat[place].model
            if place:
                spec["priority"] = PRIORITIES[place]
        else:
            later = [member for rank in ranks[1:] for member in rank]
            spec = {"providers": self._shared(group)}
            if not group.stepped:
                refs = list(dict.fromkeys([*self._refs(group, later), *refs]))
        if refs:
            spec["fallback"] = refs[0] if len(refs) == 1 else refs
        section = "redundant_models" if "providers" in spec else "exact_matches"
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

    def _refs(self, group: Group, wanted: Iterable[str | Member]) -> list[str]:
        found = [one if isinstance(one, str) else self._ref(group, one) for one in wanted]
        return [one for one in dict.fromkeys(found) if one != group.name]

    def _ref(self, group: Group, member: Member) -> str:
        """What the registry calls a provider's model as a fallback."""
        if self._resolved(group, member.provider, self.defaults) == member.model:
            return member.provider
        for name in (member.model, *self.groups):
            other = self.groups.get(name)
            if other is not None and other.members == [member] and not other.fallbacks:
                return name
        if member.model not in self.groups and self.implied(member.model) == [member.provider]:
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
                resolved = self._resolved(group, one.provider, self.defaults)
                if resolved == "" and one.model in self.listed[one.provider]:
                    self.defaults.setdefault(one.provider, one.model)

    def _resolved(self, group: Group, provider: str, defaults: Mapping[str, str]) -> str:
        """The model that a fallback to a provider means; as routing.resolve has it."""
        models = [m for m in self.listed[provider] if self._mode(provider, m) == group.mode]
        if provider in self.testing:
            return ""
        wanted = [group.name, *(one.model for one in group.members), defaults.get(provider, "")]
        for name in wanted:
            if name in models:
                return name
        return models[0] if len(models) == 1 else ""

    def _mode(self, provider: str, model: str) -> str:
        deployments = self.providers[provider].models.get(model, [])
        return next((one.mode for one in deployments if one.mode != CHAT), CHAT)
