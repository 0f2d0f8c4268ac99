# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names with a `*`: patterns, and what a fallback means that names something under one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from .draft import Draft
from .entries import Deployment
from .groups import Group, Member
from .notes import Notes

_FAR = 1e-6  # weights this far apart are ranks: our own renderings have such
_SPECIAL = re.compile(r"([][.^$*+?{}()|\\])")


class Wildcards:
    """The deployments under wildcards, longest first as LiteLLM asks them."""

    def __init__(self, deployments: Iterable[Deployment], notes: Notes) -> None:
        self.notes = notes
        self.by_name: dict[str, list[Deployment]] = {}
        for one in deployments:
            if one.wildcard and one.provider:
                self.by_name.setdefault(one.name, []).append(one)
        self.names = sorted(self.by_name, key=lambda name: (-len(name), name))
        self.fallbacks: dict[str, list[str]] = {}
        self.default: str = ""

    def covers(self, name: str) -> Group | None:
        """A name under a wildcard as a group of its own, None where none covers it."""
        for pattern in self.names:
            found = re.match(re.escape(pattern).replace(r"\*", "(.*)"), name)
            if found is None or "*" in name:
                continue
            ranks = []
            for one in self._ranked(pattern):
                parts = iter(found.groups())
                model = re.sub(r"\*", lambda _star: next(parts, ""), one.model)  # noqa: B023
                ranks.append([Member(one.provider, model)])
            first = self.by_name[pattern][0]
            return Group(name, first.place, first.mode, ranks, places=[first.place])
        return None

    def _ranked(self, name: str) -> list[Deployment]:
        return sorted(self.by_name[name], key=lambda one: one.numbers.get("order", 1))

    def write(self, draft: Draft, ref: Callable[[Member], str]) -> None:
        """Patterns in the order of the longest first: that is who wins today.

        `ref` says what the registry calls a provider's model as a fallback.
        """
        for name in self.names:
            members = self._ranked(name)
            first, others = members[0], members[1:]
            if name == "*" and first.model == "*" and not others:
                self._write_default(draft, first)
            elif name.index("*") == len(name) - 1:
                self._write_pattern(draft, name, members, ref)
            else:
                why = "only a '*' at the end is a prefix; the other form is not to be told apart"
                self.notes.not_carried(first.place, f"wildcard {name}", why)

    def _write_default(self, draft: Draft, first: Deployment) -> None:
        self.default = first.provider
        rules = draft.sections.setdefault("routing_rules", {})
        rules["default_provider"] = first.provider
        draft.from_places(("routing_rules", "default_provider"), [first.place])

    def _write_pattern(
        self, draft: Draft, name: str, members: list[Deployment], ref: Callable[[Member], str]
    ) -> None:
        first, others = members[0], members[1:]
        self._about_shares(name, [first, *others])
        prefix = _SPECIAL.sub(r"\\\1", name[:-1])
        spec: dict[str, Any] = {"pattern": f"^{prefix}.*", "provider": first.provider}
        if "*" not in first.model:
            spec["backend_model"] = first.model
        elif not _sent_on(name, first):
            why = f"what is sent would be another name than {first.model}"
            self.notes.not_carried(first.place, f"wildcard {name}", why)
            return
        refs = [
            one.provider if "*" in one.model else ref(Member(one.provider, one.model))
            for one in others
            if one.provider != first.provider
        ]
        refs = list(dict.fromkeys([*refs, *self.fallbacks.get(name, ())]))
        if refs:
            spec["fallback"] = refs[0] if len(refs) == 1 else refs
        draft.add("patterns", spec, [one.place for one in (first, *others)])

    def _about_shares(self, name: str, members: list[Deployment]) -> None:
        """A pattern has one provider first: deployments of one rank are asked in turn."""
        ranks: dict[float, set[str]] = {}
        for one in members:
            weight = one.numbers.get("weight", 1)
            step = round(-math.log10(weight) / 9) if 0 < weight < _FAR else 0
            ranks.setdefault(one.numbers.get("order", step), set()).add(one.provider)
        shared = next((of for of in ranks.values() if len(of) > 1), None)
        if shared:
            what = f"the shares of {', '.join(sorted(shared))} in the wildcard {name}"
            why = "a pattern has one provider first, so they are asked in turn"
            self.notes.not_carried(members[0].place, what, why)


def _sent_on(name: str, one: Deployment) -> bool:
    """Whether the registry sends what LiteLLM sends: the name itself, or without the provider's."""
    if one.model == name:
        return _plain(name.partition("/")[0]) != _plain(one.provider) or "/" not in name
    prefix = name.removesuffix("*")
    return one.model == "*" and prefix.endswith("/") and _plain(prefix[:-1]) == _plain(one.provider)


def _plain(text: str) -> str:
    return text.lower().replace("-", "").replace("_", "")
