# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of deployments: which requests they are there for, and the registry's conditions for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .draft import Draft
from .entries import Deployment, texts
from .groups import Group, Member
from .notes import Notes
from .reader import Sources
from .shapes import Shapes

DEFAULT = "default"
_NEVER = "^User-Agent: (?!)"  # what we render beside a tag, so that no User-Agent matches
_HEADER = "^User-Agent: "
_ANYWHERE = re.compile(r"\^User-Agent: \.\*\(\?:(.*)\)")


class Conditions:
    """`plain`: the deployments for requests that meet no condition; the others by name."""

    def __init__(self, deployments: Iterable[Deployment], sources: Sources, notes: Notes) -> None:
        self.notes = notes
        everywhere = sources.settings("router_settings").get("enable_tag_filtering") is True
        self.plain: list[Deployment] = []
        self.some: dict[str, list[Deployment]] = {}
        for one in deployments:
            filtered = everywhere or one.told("enable_tag_filtering") is True
            tags = list(texts(one.params.get("tags"))) if filtered else []
            agents = list(texts(one.params.get("tag_regex"))) if filtered else []
            if not filtered:
                self._unlooked_at(one)
            if one.wildcard or DEFAULT in tags or not (tags or agents):
                self.plain.append(one)
            else:
                self.some.setdefault(one.name, []).append(one)
        self._alone()

    def _unlooked_at(self, one: Deployment) -> None:
        for key in ("tags", "tag_regex"):
            if any(texts(one.params.get(key))):
                why = "nothing looks at it today: `enable_tag_filtering` is not true"
                self.notes.not_carried(one.at(key), f"{one.called}.{key}", why)

    def _alone(self) -> None:
        """A name that has only deployments with conditions: they answer it all the same."""
        known = {one.name for one in self.plain}
        for name in [name for name in self.some if name not in known]:
            members = self.some.pop(name)
            self.plain += members
            what = f"the tags of '{name}'"
            why = "none of its deployments is the default, so a condition would leave others none"
            self.notes.not_carried(members[0].place, what, why)

    def write(self, draft: Draft, groups: Mapping[str, Group], shapes: Shapes) -> None:
        """One condition a tag or expression, where it means the same for every name."""
        found: dict[tuple[str, str], dict[str, list[Deployment]]] = {}
        for name, members in self.some.items():
            for one in sorted(members, key=_rank):
                for condition in _conditions(one):
                    found.setdefault(condition, {}).setdefault(name, []).append(one)
        rules: list[dict[str, Any]] = []
        for condition, by_name in found.items():
            rule = self._rule(condition, by_name, groups, shapes)
            place = next(iter(by_name.values()))[0].place
            if rule is None:
                what = f"the {condition[0]} {condition[1]} of {', '.join(by_name)}"
                why = "a condition holds for every name that its provider serves"
                self.notes.not_carried(place, what, why)
            else:
                path = ("routing_rules", "request_metadata_routing", len(rules))
                draft.from_places(path, [place])
                rules.append(rule)
        if rules:
            section = draft.sections.setdefault("routing_rules", {})
            section.setdefault("request_metadata_routing", rules)

    def _rule(
        self,
        condition: tuple[str, str],
        by_name: Mapping[str, list[Deployment]],
        groups: Mapping[str, Group],
        shapes: Shapes,
    ) -> dict[str, Any] | None:
        heads = {(of[0].provider, of[0].model) for of in by_name.values()}
        providers = {provider for provider, _model in heads}
        if len(providers) > 1:
            return None
        provider = providers.pop()
        rule: dict[str, Any] = {"condition": dict([condition]), "provider": provider}
        served = {name for name in groups if provider in shapes.implied(name)}
        own = all(of[0].model == name for name, of in by_name.items())
        if not (own and served <= set(by_name)):
            missing = (groups[name] for name in groups if name not in by_name)
            first = ({member.who for member in group.ranks[0]} for group in missing)
            if len(heads) > 1 or any(not heads <= who for who in first):
                return None
            rule["model"] = next(iter(heads))[1]
        later = {tuple((one.provider, one.model) for one in of[1:]) for of in by_name.values()}
        if len(later) == 1 and (rest := next(iter(later))):
            names = [shapes.ref(Member(*who)) for who in rest]
            rule["fallback"] = names[0] if len(names) == 1 else names
        return rule


def _rank(one: Deployment) -> tuple[float, float]:
    return one.numbers.get("order", 1), -one.numbers.get("weight", 1)


def _conditions(one: Deployment) -> list[tuple[str, str]]:
    found = [("tag", tag) for tag in texts(one.params.get("tags"))]
    for expression in texts(one.params.get("tag_regex")):
        anywhere = _ANYWHERE.fullmatch(expression)
        if expression == _NEVER:
            continue
        if anywhere:
            found.append(("user_agent", anywhere[1]))
        else:
            plain = expression.removeprefix(_HEADER)
            found.append(("user_agent", f"^{plain}" if plain != expression else expression))
    return found
