# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries, items and references of loaded mappings, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .model_rules import Reference
from .problems import Place
from .yaml_tree import Mapping as Node
from .yaml_tree import Sequence


def entries(root: Node, section: str) -> Iterator[tuple[str, Place, Any]]:
    """(name, place, value) of a mapping inside of a mapping; nothing where there is none."""
    node = root.get(section)
    if isinstance(node, Node):
        for name, value in node.items():
            yield name, node.key_place(name), value


def items(spec: Node, key: str) -> Iterator[tuple[Place, Any]]:
    """(place, value) of a list inside of a mapping; nothing where there is none."""
    found = spec.get(key)
    if isinstance(found, Sequence):
        for index, item in enumerate(found):
            yield found.item_place(index), item


def reference(spec: Node, key: str) -> Reference:
    """The name that stands at a key."""
    return Reference(str(spec[key]), spec.value_place(key))


def references(spec: Node, key: str) -> list[Reference]:
    """The names at a key, be it one or a list of them."""
    if spec.get(key) is None:
        return []
    if isinstance(spec[key], Sequence):
        return [Reference(str(name), place) for place, name in items(spec, key)]
    return [reference(spec, key)]


def place_in(spec: Node | None, path: Iterable[str], place: Place) -> Place:
    """Where a value inside of a mapping is written, or the nearest thing around it that is; `place`
    is that of the mapping itself."""
    node: Any = spec
    for key in path:
        if not isinstance(node, Node) or key not in node:
            break
        place = node.value_place(key)
        node = node[key]
    return place
