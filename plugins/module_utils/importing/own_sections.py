# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hand-kept file has in the registry's own words already: taken over as it is."""

from __future__ import annotations

from typing import Any

from ..registry.problems import Place, nearest
from ..registry.yaml_tree import Mapping, Sequence
from .draft import Draft
from .notes import Notes
from .reader import Sources
from .secret_values import VARIABLE, given
from .settings import OURS
from .writing import plain

_LISTS = ("patterns", "model_size_routing")
_PROVIDER_MARKS = ("type", "base_url", "env_var", "models")


def read_own_sections(draft: Draft, sources: Sources, notes: Notes) -> None:
    """Sections of the registry, and providers that stand outside of `providers`."""
    for name, section in list(sources.sections.items()):
        value = section.value
        if name in OURS or name.startswith("x-"):
            _section(draft, name, value, section.place, notes)
        elif isinstance(value, Mapping) and "type" in value and _is_provider(value):
            draft.put("providers", name, plain(value), [section.place])
            del sources.sections[name]
    for name, spec in draft.sections.get("providers", {}).items():
        if isinstance(spec, dict):
            _key_of(spec, name, sources, notes)


def _is_provider(value: Mapping) -> bool:
    return sum(key in value for key in _PROVIDER_MARKS) > 1


def _section(draft: Draft, name: str, value: object, place: Place, notes: Notes) -> None:
    wanted = Sequence if name in _LISTS else bool if name == "debug_router" else Mapping
    if value is None or (not name.startswith("x-") and not isinstance(value, wanted)):
        if value is not None:
            notes.not_carried(place, f"section {name}", "it has not the form of that section")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            draft.put(name, key, plain(item), [value.key_place(key)])
            _origins(draft, (name, key), item)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            draft.add(name, plain(item), [value.item_place(index)])
    else:
        draft.sections[name] = plain(value)
        draft.from_places((name,), [place])


def _origins(draft: Draft, path: tuple[str | int, ...], value: object) -> None:
    """Where the keys of an entry stand, so that what is taken out is named by its line."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            draft.from_places((*path, key), [value.key_place(key)])
            _origins(draft, (*path, key), item)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            draft.from_places((*path, index), [value.item_place(index)])
            _origins(draft, (*path, index), item)


def _key_of(spec: dict[str, Any], name: str, sources: Sources, notes: Notes) -> None:
    """A provider's `api_key` as the name of a variable."""
    for key in [one for one in spec if nearest(one, ("api_key", "apikey", "key", "token")) == one]:
        value = given(spec.pop(key))
        node = sources.settings("providers").get(name)
        place = node.value_place(key) if isinstance(node, Mapping) else sources.place("providers")
        variable = value.variable or f"{name.upper().replace('-', '_').replace('.', '_')}_API_KEY"
        if value.kind == VARIABLE:
            spec.setdefault("env_var", value.variable)
        elif value.secret:
            what = f"providers.{name}.{key}: a key stands in the file at line {place.line}"
            notes.found(place, "literal-key", what)
            spec.setdefault("env_var", variable)
            notes.by_hand(f"Give {variable} the key that stood in the file, after you change it.")
