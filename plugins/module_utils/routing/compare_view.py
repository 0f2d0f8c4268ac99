# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A LiteLLM configuration as people think of it: names, who answers to them, who comes next."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .canaries import SHARE, canary_settings
from .compare_flat import Flat, flat
from .compare_strategies import GROUPS, begins_with, chosen, strategies
from .compare_words import address, chain
from .counted import as_they_hold

# Weights this far apart are ranks, not shares: see litellm._stepped.
FAR = 1e-6
PARAMS, INFO = "litellm_params", "model_info"
ORDER, WEIGHT = (PARAMS, "order"), (PARAMS, "weight")
TRAFFIC = (INFO, SHARE)
SETTINGS = "litellm_settings"
FALLBACKS = tuple(
    (section, key)
    for section in ("router_settings", "litellm_settings")
    for key in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
)
_ID = re.compile(r"~(?P<provider>[^@/]+)(?:@(?P<host>[^/]+))?/(?P<model>[^#]+)(?:#.*)?")

Key = tuple[str, str, int]  # public name, id, how many of these came before it


@dataclass(frozen=True)
class Entry:
    """One deployment under one name."""

    name: str
    id: str
    provider: str
    flat: Flat

    @property
    def label(self) -> str:
        """The deployment as people call it."""
        return label(self.id)

    @property
    def hidden(self) -> bool:
        """Whether it is there for fallbacks alone: its name is an id."""
        return self.name.startswith("~")


@dataclass
class View:
    """`entries` by name, id and number; `groups`: name -> its entries; `chains`: (section, key)
    -> name -> what is asked next; `strategies`: name -> LiteLLM's word for how one is chosen;
    `rest`: all that is in none of these, flat."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    groups: dict[str, list[Entry]] = field(default_factory=dict)
    chains: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    strategies: dict[str, str] = field(default_factory=dict)
    rest: Flat = field(default_factory=dict)

    def ids_of(self, name: str) -> list[str]:
        """The ids of who answers to a name, as listed."""
        return [entry.id for entry in self.groups[name]]

    def answered_by(self, name: str) -> str:
        """Who answers to a name, in words."""
        group = self.groups[name]
        if name in self.strategies:
            return chosen((entry.label for entry in group), self.strategies[name])
        return answered_by(group)


def views(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[View, View]:
    """Both configurations; a part that either has in another shape stays in `rest` of both."""
    both = (as_they_hold(before), as_they_hold(after))
    known = all(map(_has_entries, both))
    hops = [way for way in FALLBACKS if all(_has_chains(config, way) for config in both)]
    # What a canary needs comes and goes with it, and is not told beside it.
    dealt = known and all(_deals(one) == (one.get(SETTINGS) == canary_settings()) for one in both)
    made: list[tuple[View, dict[str, Any]]] = []
    for config, other in (both, both[::-1]):
        view, rest = View(), dict(config)
        if dealt and _deals(config):
            del rest[SETTINGS]
        if known:
            _take_entries(view, _taken(rest, "model_list", other))
        for section, key in hops:
            if key in (rest.get(section) or {}):
                inner = rest[section] = dict(rest[section])
                found = _taken(inner, key, other.get(section) or {})
                view.chains[section, key] = {k: v for item in found for k, v in item.items()}
        made.append((view, rest))
    folded = all(_fold(*one) for one in made)
    for view, rest in made:
        if folded:
            _take_strategies(view, rest)
        view.rest = flat(rest)
    return made[0][0], made[1][0]


def _fold(view: View, rest: Mapping[str, Any]) -> bool:
    """Whether all names with a strategy are made as ours are: then no more is said of them."""
    found = strategies(rest)
    chains = view.chains.get(FALLBACKS[0], {})
    return found is not None and all(
        len(view.groups.get(name, ())) > 1 and begins_with(chains.get(name), view.ids_of(name))
        for name in found
    )


def _take_strategies(view: View, rest: dict[str, Any]) -> None:
    """Out of the settings, and their names' members out of their chains."""
    view.strategies = strategies(rest) or {}
    if view.strategies:
        rest["router_settings"] = dict(rest["router_settings"])
        del rest["router_settings"][GROUPS]
    chains = view.chains.get(FALLBACKS[0], {})
    for name in view.strategies:
        behind = chains.pop(name)[len(view.ids_of(name)) :]
        if behind:
            chains[name] = behind


def _taken(rest: dict[str, Any], key: str, other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The list under a key, which is removed. An empty one stays, if only to differ from none."""
    found: list[dict[str, Any]] = rest.get(key) or []
    if found or other.get(key):
        rest.pop(key, None)
    return found


def _has_entries(config: Mapping[str, Any]) -> bool:
    entries = config.get("model_list", [])
    return isinstance(entries, list) and all(
        isinstance(entry, Mapping)
        and isinstance(entry.get("model_name"), str)
        and isinstance(entry.get(PARAMS), Mapping)
        and isinstance(entry.get(INFO, {}), Mapping)
        for entry in entries
    )


def _deals(config: Mapping[str, Any]) -> bool:
    """Whether any deployment is a canary."""
    return any(SHARE in entry.get(INFO, {}) for entry in config.get("model_list", ()))


def _has_chains(config: Mapping[str, Any], way: tuple[str, str]) -> bool:
    section = config.get(way[0], {})
    if not isinstance(section, Mapping):
        return False
    items = section.get(way[1], [])
    good = isinstance(items, list) and all(
        isinstance(item, Mapping)
        and len(item) == 1
        and all(isinstance(key, str) for key in item)
        and all(isinstance(x, list) and all(isinstance(y, str) for y in x) for x in item.values())
        for item in items
    )
    names = [key for item in items for key in item] if good else []
    return good and len(names) == len(set(names))


def _take_entries(view: View, entries: Sequence[Mapping[str, Any]]) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        given = entry.get(INFO, {}).get("id")
        id_ = given if isinstance(given, str) else _made_up_id(entry[PARAMS])
        found = Entry(entry["model_name"], id_, _provider(id_), flat(entry))
        view.entries[found.name, found.id, seen[found.name, found.id]] = found
        seen[found.name, found.id] += 1
        view.groups.setdefault(found.name, []).append(found)


def _made_up_id(params: Mapping[str, Any]) -> str:
    model, base = str(params.get("model", "?")), params.get("api_base")
    return f"{model} at {address(base)}" if isinstance(base, str) else model


def _provider(id_: str) -> str:
    found = _ID.fullmatch(id_)
    return found["provider"] if found else ""


def label(name: str) -> str:
    """What is called by a name or an id: `gpt-4`, or `llama3.1 at ollama on gpu01`."""
    found = _ID.fullmatch(name)
    if not found:
        return name
    return f"{found['model']} at {found['provider']}" + (
        f" on {found['host']}" if found["host"] else ""
    )


def answered_by(group: Sequence[Entry]) -> str:
    """Who answers to a name: `a 90 %, b 10 %, then c`; with a canary `d 5 % on trial, else a`."""
    trial = [entry for entry in group if _number(entry, TRAFFIC, 0)]
    rest = chain([_shares(rank) for rank in _ranks([one for one in group if one not in trial])])
    if not trial:
        return rest
    parts = (f"{one.label} {100 * _number(one, TRAFFIC, 0):.4g} %" for one in trial)
    return f"{', '.join(parts)} on trial, else {rest}"


def _ranks(group: Sequence[Entry]) -> list[list[Entry]]:
    """The entries that are asked first, then those that are asked next, and so on."""
    ranks: list[list[Entry]] = []
    for order in sorted({_number(entry, ORDER, 1) for entry in group}):
        level = [entry for entry in group if _number(entry, ORDER, 1) == order]
        last = None
        for entry in sorted(level, key=lambda one: -_number(one, WEIGHT, 1)):
            weight = _number(entry, WEIGHT, 1)
            if last is None or weight < last * FAR:
                ranks.append([])
            ranks[-1].append(entry)
            last = weight
    return ranks


def _shares(rank: Sequence[Entry]) -> str:
    if len(rank) == 1:
        return rank[0].label
    weights = [_number(entry, WEIGHT, 1) for entry in rank]
    whole = sum(weights) or len(weights)
    return ", ".join(
        f"{entry.label} {100 * (weight if sum(weights) else 1) / whole:.3g} %"
        for entry, weight in zip(rank, weights, strict=True)
    )


def _number(entry: Entry, path: tuple[str, str], otherwise: float) -> float:
    found = entry.flat.get(path, otherwise)
    good = isinstance(found, (int, float)) and not isinstance(found, bool)
    good = good and not math.isnan(found)
    return float(found) if good else otherwise
