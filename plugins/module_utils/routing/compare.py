# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different between two LiteLLM configurations, in sentences.

What is meant is compared: names and who answers to them, fallbacks, limits, settings. Whatever has
no sentence of its own is told by its key path, so that two that differ are never called the same.
No value that may be a secret is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain as joined
from typing import Any

from .compare_flat import NOTHING, Difference, differences
from .compare_params import ADD, CHANGE, REMOVE, Change, common, is_alias
from .compare_view import Entry, View, label, views
from .compare_words import chain, counted, listed, plain, shown

_FALLBACK = {
    "fallbacks": "fallback",
    "context_window_fallbacks": "fallback for long prompts",
    "content_policy_fallbacks": "fallback for refused content",
}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes from one configuration to another, as parsed; empty only if they are the same.

    The order in which mappings are written means nothing; the order of lists is told.
    """
    old, new = views(before, after)
    shared = common(old, new)
    return [
        *_providers(old, new),
        *_names(old, new, shared.rearranged),
        *_chains(old, new),
        *shared.changes,
        *_order(old, new),
        *map(_setting, differences(old.rest, new.rest)),
    ]


def few_words(changes: Iterable[Change], most: int = 60) -> str:
    """What changed, in a few words for a table."""
    texts = [change.text for change in changes]
    if not texts:
        return "nothing"
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    room = max(most - len(more), 8)
    first = texts[0] if len(texts[0]) <= room else texts[0][: room - 1].rstrip(" ,;:") + "…"
    return first + more


def _providers(old: View, new: View) -> Iterator[Change]:
    for view, other, word, verb in ((new, old, "new", ADD), (old, new, "gone", REMOVE)):
        folded = _folded(view, other)
        for provider in _of_providers(view, other):
            its = [entry for entry in view.entries.values() if entry.provider == provider]
            said = counted(len({entry.label for entry in its}), "deployment")
            names = listed(name for name, of in folded.items() if of == provider)
            text = f"provider {provider} is {word}: {said}{f', called {names}' if names else ''}"
            yield Change("provider", provider, text, verb)


def _of_providers(view: View, other: View) -> list[str]:
    """Providers that only this one has."""
    there = {entry.provider for entry in other.entries.values()}
    here = dict.fromkeys(entry.provider for entry in view.entries.values())
    return [name for name in here if name and name not in there]


def _folded(view: View, other: View) -> dict[str, str]:
    """Names that only this one has, of a provider that only this one has: told with it."""
    alone = set(_of_providers(view, other))
    found = {}
    for name, group in view.groups.items():
        of = {entry.provider for entry in group}
        if name not in other.groups and len(of) == 1 and of <= alone and not group[0].hidden:
            found[name] = group[0].provider
    chains = set(joined.from_iterable(view.chains.values()))
    return {name: provider for name, provider in found.items() if name not in chains}


def _names(old: View, new: View, rearranged: set[str]) -> Iterator[Change]:
    for name, group in new.groups.items():
        if name not in old.groups:
            yield from _new_name(name, group, old, new)
        elif name in rearranged or _members(old, name) != _members(new, name):
            yield _rearranged(name, old, new)
    told = _folded(old, new)
    for name, group in old.groups.items():
        gone = _of_providers(old, new) if group[0].hidden else ()
        if name not in new.groups and name not in told and group[0].provider not in gone:
            yield Change("name", name, f"{_hidden(group[0]) or name} is gone", REMOVE)


def _new_name(name: str, group: list[Entry], old: View, new: View) -> Iterator[Change]:
    if group[0].hidden:
        if group[0].provider not in _of_providers(new, old):
            yield Change("name", name, f"{_hidden(group[0])} is new", ADD)
    elif name not in _folded(new, old):
        hops = [chains[name] for way, chains in new.chains.items() if _told(way, name, old, new)]
        then = "".join(f", with {chain([*map(label, hop)])} as the fallback" for hop in hops if hop)
        yield Change("name", name, f"{name} is new: answered by {new.answered_by(name)}{then}", ADD)


def _hidden(entry: Entry) -> str:
    return f"{label(entry.name)}, for fallbacks alone," if entry.hidden else ""


def _members(view: View, name: str) -> list[str]:
    chosen_by = view.strategies.get(name, "")
    return [chosen_by, *sorted(entry.id for entry in view.groups[name])]


def _rearranged(name: str, old: View, new: View) -> Change:
    before, after = old.answered_by(name), new.answered_by(name)
    said = f"answered by {after}; before by {before}"
    same = "written anew; who answers, and in which order, stays"
    return Change("route", name, f"{label(name)}: {same if before == after else said}")


def _chains(old: View, new: View) -> Iterator[Change]:
    """Fallbacks; the same change at several names is said once."""
    for way in dict.fromkeys((*new.chains, *old.chains)):
        before, after = old.chains.get(way, {}), new.chains.get(way, {})
        same: dict[str, tuple[Any, Any, list[str]]] = {}
        for name in dict.fromkeys((*after, *before)):
            pair = before.get(name), after.get(name)
            if pair[0] != pair[1] and not _told(way, name, old, new):
                same.setdefault(repr(pair), (*pair, []))[2].append(name)
        for one, other, names in same.values():
            who = listed(map(label, names))
            yield Change("fallback", who, f"{who}: {_hop(one, other, _FALLBACK[way[1]])}")


def _told(way: tuple[str, str], name: str, old: View, new: View) -> bool:
    """Whether a name comes or goes together with its fallback, and both are said at once."""
    if name.startswith("~") or (name in old.groups) == (name in new.groups):
        return False
    comes, goes = (name in view.chains.get(way, {}) for view in (new, old))
    return way[1] == "fallbacks" and comes == (name in new.groups) and comes != goes


def _hop(before: list[str] | None, after: list[str] | None, word: str) -> str:
    old, new = (chain([label(x) for x in side or ()]) for side in (before, after))
    if before and after:
        if old == new:
            old, new = chain(before), chain(after)
        return f"the {word} changes from {old} to {new}"
    if after:
        return f"the {word} is {new} now, before nobody"
    if before:
        return f"the {word} to {old} is gone"
    return f"no {word} of a name like it is taken" if before is None else f"has no empty {word} now"


def _order(old: View, new: View) -> Iterator[Change]:
    if _moved(list(old.entries), list(new.entries)):
        yield Change("order", "", "the deployments are listed in another order")
    for way in old.chains:
        if _moved(list(old.chains[way]), list(new.chains.get(way, ()))):
            yield Change("order", "", f"the {_FALLBACK[way[1]]}s are listed in another order")


def _moved(before: list[Any], after: list[Any]) -> bool:
    """Whether what both have stands in another order."""
    both = set(before) & set(after)
    return [x for x in before if x in both] != [x for x in after if x in both]


def _setting(one: Difference) -> Change:
    if is_alias(one.path):
        alias, leads = one.path[2], shown(one.path, one.after)
        gone, new = one.after is NOTHING, one.before is NOTHING
        text = "is gone" if gone else f"is new: it leads to {leads}" if new else f"leads to {leads}"
        return Change("alias", str(alias), f"alias {alias} {text}", _verb(one))
    return Change("setting", ".".join(map(str, one.path[:2])), plain(one), _verb(one))


def _verb(one: Difference) -> str:
    return ADD if one.before is NOTHING else REMOVE if one.after is NOTHING else CHANGE
