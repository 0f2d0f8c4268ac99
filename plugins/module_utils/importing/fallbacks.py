# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of fallbacks in any of the forms that people write, and what LiteLLM makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..registry.problems import Place
from ..registry.yaml_tree import Mapping, Sequence
from .notes import Notes
from .reader import Sources
from .values import kind_of_value

FALLBACKS, LONG, REFUSED = "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"
DEFAULT = "default_fallbacks"
# In general_settings they have no effect, which is said there; they are read as they were meant.
_SECTIONS = ("router_settings", "litellm_settings", "general_settings")
_TARGETS = ("fallback_models", "fallbacks", "fallback", "models", "to")
_SOURCES = ("model", "model_name", "name", "from", "source")


@dataclass
class Chain:
    """What is asked when `source` fails, in order."""

    source: str
    targets: list[str]
    place: Place


@dataclass
class Chains:
    """The chains of a configuration by their kind."""

    by_kind: dict[str, list[Chain]] = field(default_factory=dict)
    default: list[str] = field(default_factory=list)
    default_place: Place | None = None


def read_chains(sources: Sources, notes: Notes) -> Chains:
    """All chains; router_settings' where both sections have some."""
    found = Chains()
    sections = [sources.mapping(name) for name in _SECTIONS]
    for kind in (FALLBACKS, LONG, REFUSED, DEFAULT):
        holders = [section for section in sections if section and section.get(kind) is not None]
        litellm = sections[1]
        if litellm in holders[1:] and litellm is not None:
            what = f"litellm_settings.{kind}"
            notes.found(litellm.key_place(kind), "fallbacks-overridden", what)
        if not holders:
            continue
        holder = holders[0]
        if kind == DEFAULT:
            found.default = list(_names(holder[kind], notes, holder.key_place(kind)))
            found.default_place = holder.key_place(kind)
            notes.found(holder.key_place(kind), "default-fallback", kind)
        else:
            shape = "context-fallbacks-shape" if kind == LONG else "fallbacks-shape"
            chains = list(_chains(holder[kind], holder.key_place(kind), kind, shape, notes))
            found.by_kind[kind] = _first_of_each(chains, kind, notes)
    return found


def _chains(node: object, here: Place, kind: str, shape: str, notes: Notes) -> Iterator[Chain]:
    if isinstance(node, Mapping):
        if node:
            notes.found(here, shape, f"{kind} is a mapping")
        yield from _pairs(node, kind, notes)
        return
    if not isinstance(node, Sequence):
        notes.found(here, shape, f"{kind} is no list")
        return
    for index, item in enumerate(node):
        place = node.item_place(index)
        if not isinstance(item, Mapping):
            notes.found(place, shape, f"{kind}[{index}] says not whose fallback it is", "nothing")
            continue
        source = next((item[key] for key in _SOURCES if isinstance(item.get(key), str)), "")
        target = next((key for key in _TARGETS if key in item), "")
        if source and target:
            notes.found(place, shape, f"{kind}[{index}]: {{model: {source}, {target}: [...]}}")
            yield Chain(source, list(_names(item[target], notes, place)), place)
            continue
        if len(item) > 1:
            notes.found(place, shape, f"{kind}[{index}] has {len(item)} names in one entry")
        yield from _pairs(item, kind, notes)


def _pairs(node: Mapping, kind: str, notes: Notes) -> Iterator[Chain]:
    for source, targets in node.items():
        place = node.key_place(source)
        if isinstance(targets, str):
            notes.found(node.value_place(source), "fallback-string", f"{kind}: {source}: {targets}")
        yield Chain(source, list(_names(targets, notes, place)), place)


def _names(node: object, notes: Notes, here: Place) -> Iterator[str]:
    """The names in a list; `{model: x, ...}` in place of a name sends other parameters too."""
    for item in node if isinstance(node, Sequence) else [node]:
        name = item.get("model") if isinstance(item, Mapping) else item
        if not isinstance(name, (str, int, float)) or name is True or name is False or name == "":
            notes.found(here, "fallback-unknown", f"{_kind(name)} in a list of fallbacks")
        if isinstance(item, Mapping) and len(item) > 1:
            what = f"what a fallback to {name} sends besides"
            notes.not_carried(here, what, "the registry has no word for parameters of requests")
        if isinstance(name, str) and name:
            yield name
        elif isinstance(name, (int, float)) and not isinstance(name, bool):
            yield str(name)


def _kind(value: object) -> str:
    return "nothing" if value in (None, "") else f"{kind_of_value(value)}, which is no name,"


def _first_of_each(chains: list[Chain], kind: str, notes: Notes) -> list[Chain]:
    found: dict[str, Chain] = {}
    for chain in chains:
        if chain.source in found:
            what = f"{kind} of '{chain.source}', which stand at {found[chain.source].place} already"
            notes.found(chain.place, "fallback-twice", what)
        else:
            found[chain.source] = chain
    return list(found.values())
