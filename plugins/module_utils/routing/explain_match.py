# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part of a configuration a name leads to, as LiteLLM finds it.

An id that is no name, then an alias, then a routing group, then a name, then the longest wildcard
that begins like it, then what is sent to a provider. Upper and lower case differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .counted import as_they_hold
from .explain_entries import Entry, entries_of
from .litellm_known import MODELS
from .litellm_providers import PROVIDERS

EXACT, GROUP, WILDCARD, ID, ALIAS, SENT, NONE = (
    "exact", "group", "wildcard", "id", "alias", "sent", "none",
)  # fmt: skip
SHUFFLE = "simple-shuffle"
PRIORITY = "priority"
_SPECIAL = "*+?\\^$|()"  # what LiteLLM counts to tell which of two wildcards is the closer one


@dataclass(frozen=True, slots=True)
class Match:
    """`name` is what matched: the name, a wildcard, or what an alias stands for."""

    kind: str
    name: str
    entries: tuple[Entry, ...] = ()

    @property
    def single(self) -> bool:
        """Whether one deployment is called by its id, past all choices."""
        return self.kind == ID


class Names:
    """An index of a configuration, made once."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = config.get("router_settings") or {}
        self.entries = entries_of(as_they_hold(config))
        self.by_name: dict[str, list[Entry]] = {}
        self.by_id: dict[str, Entry] = {}
        for one in self.entries:
            self.by_name.setdefault(one.name, []).append(one)
            self.by_id[one.id] = one  # of two, LiteLLM knows the last one
        self.aliases: Mapping[str, Any] = settings.get("model_group_alias") or {}
        self.groups = {one["group_name"]: one for one in settings.get("routing_groups") or ()}
        self.strategy = str(settings.get("routing_strategy") or SHUFFLE)
        self.group_of = {
            model: one["group_name"]
            for one in self.groups.values()
            if one["routing_strategy"] != PRIORITY
            for model in one["models"]
        }
        self.wildcards = sorted((name for name in self.by_name if "*" in name), key=_closeness)
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._by_sent: dict[str, list[Entry]] = {}

    def match(self, name: str) -> Match:
        """Who may answer to a name: no entries where nobody does."""
        if name not in self.by_name and name in self.by_id:
            return Match(ID, name, (self.by_id[name],))
        meant = self.meant(name)
        kind = EXACT if meant == name else ALIAS
        if self.callable_group(meant):
            found = Match(GROUP, meant, self._of_group(meant))
        elif meant in self.by_name:
            found = Match(kind, meant, tuple(self.by_name[meant]))
        else:
            found = self._wildcard(meant) or self._sent(meant)
        return found

    def listed(self, name: str) -> tuple[Entry, ...]:
        """What LiteLLM counts as a name's members when it looks for the next one to ask.

        Not the same as who may answer: an id that is no name has those of a wildcard that fits.
        """
        found = list(self.by_name.get(name, ()))
        if name in self.aliases:
            meant = self.meant(name)
            group = self.callable_group(meant)
            found += self._of_group(meant) if group else self.by_name.get(meant, ())
        if self.callable_group(name):
            found += self._of_group(name)
        if found:
            return tuple(found)
        wildcard = self._wildcard(name)
        return wildcard.entries if wildcard else ()

    def meant(self, name: str) -> str:
        """What an alias stands for, else the name; an alias of an alias is not followed."""
        target = self.aliases.get(name)
        found = target.get("model") if isinstance(target, Mapping) else target
        return found if isinstance(found, str) and found else name

    def callable_group(self, name: str) -> bool:
        """Whether a name is that of a routing group and of nothing else."""
        return name in self.groups and name not in self.by_name and name not in self.aliases

    def strategy_of(self, name: str) -> str:
        """How LiteLLM chooses among those of a name."""
        name = self.meant(name)
        group = name if self.callable_group(name) else self.group_of.get(name)
        found = str(self.groups[group]["routing_strategy"]) if group else self.strategy
        return SHUFFLE if found == PRIORITY else found

    def _of_group(self, name: str) -> tuple[Entry, ...]:
        group = self.groups[name]
        members = [one for model in group["models"] for one in self.by_name.get(model, ())]
        first: Mapping[str, int] = group.get("model_priorities") or {}
        if group["routing_strategy"] == PRIORITY and first:
            members = [replace(one, order=first.get(one.name)) for one in members]
        return tuple(members)

    def _wildcard(self, name: str) -> Match | None:
        provider = inferred_provider(name)
        for asked in (name, f"{provider}/{name}"):
            for wildcard in self.wildcards:
                if not asked.startswith(wildcard.partition("*")[0]):
                    continue
                found = self._expression(wildcard).match(asked)
                if found:
                    entries = self.by_name[wildcard]
                    filled = [replace(one, sent=_filled(one.sent, found)) for one in entries]
                    return Match(WILDCARD, wildcard, tuple(filled))
        return None

    def _expression(self, wildcard: str) -> re.Pattern[str]:
        if wildcard not in self._compiled:
            self._compiled[wildcard] = re.compile(_regex(wildcard))
        return self._compiled[wildcard]

    def _sent(self, name: str) -> Match:
        """LiteLLM takes what is sent to a provider for a name as well."""
        if not self._by_sent:
            for one in self.entries:
                self._by_sent.setdefault(one.sent, []).append(one)
        found = self._by_sent.get(name)
        return Match(SENT, name, tuple(found)) if found else Match(NONE, name)


def inferred_provider(name: str) -> str | None:
    """The provider that LiteLLM takes a name's model for, None if it knows none."""
    first, slash, _rest = name.partition("/")
    if slash:
        return first if first in PROVIDERS else None
    for provider, models in MODELS.items():
        if name in models:
            return provider
    tuned = "ft:gpt-3.5-turbo" in name or "ft:gpt-4" in name
    return "openai" if tuned or name.startswith("gpt-image") else None


def _regex(wildcard: str) -> str:
    return re.escape(wildcard).replace(r"\*", "(.*)")


def _closeness(wildcard: str) -> tuple[int, int]:
    """The longest comes first, then the one with the most signs, then the first one."""
    regex = _regex(wildcard)
    return -len(regex), -sum(map(regex.count, _SPECIAL))


def _filled(sent: str, found: re.Match[str]) -> str:
    """What is sent, with what the wildcard's stars stand for."""
    if "*" not in sent:
        return sent
    if len(found.groups()) > sent.count("*"):
        return found.string
    for part in found.groups():
        sent = sent.replace("*", part, 1)
    return sent
