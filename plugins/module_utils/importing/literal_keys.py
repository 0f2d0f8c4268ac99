# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that stand in the files, wherever they do."""

from __future__ import annotations

from ..registry.problems import Place
from ..registry.yaml_tree import Mapping, Sequence
from .notes import Notes
from .reader import Sources
from .secret_values import LITERAL, NAMED, given, secret_name, shaped

# What is said of a key by the parts that carry it over.
_SAID = ("literal-key", "header-sent-literally", "key-sent-literally", "weak-master-key")


def find_literal_keys(sources: Sources, notes: Notes) -> None:
    """Each literal under a key that is called like a secret's, or that looks like one."""
    said = {one.place for one in notes.findings if one.code in _SAID}
    stack: list[tuple[str, object, bool]] = [
        (name, section.value, secret_name(name)) for name, section in sources.sections.items()
    ]
    while stack:
        path, node, hidden = stack.pop()
        if isinstance(node, Mapping):
            for key, value in node.items():
                inner = hidden or secret_name(key)
                if isinstance(value, (Mapping, Sequence)):
                    stack.append((f"{path}.{key}", value, inner))
                elif _is_secret(value, inner) and node.value_place(key) not in said:
                    _say(f"{path}.{key}", node.value_place(key), notes)
        elif isinstance(node, Sequence):
            for index, value in enumerate(node):
                if isinstance(value, (Mapping, Sequence)):
                    stack.append((f"{path}[{index}]", value, hidden))
                elif _is_secret(value, hidden):
                    _say(f"{path}[{index}]", node.item_place(index), notes)


def _is_secret(value: object, hidden: bool) -> bool:
    if not isinstance(value, str) and not (hidden and isinstance(value, int)):
        return False
    text = str(value)
    return (
        not isinstance(value, bool)
        and not NAMED.search(text)
        and ((hidden and given(text).kind == LITERAL) or (shaped(text) and "/" not in text))
    )


def _say(path: str, place: Place, notes: Notes) -> None:
    what = f"{path}: a secret stands in the file at line {place.line}"
    notes.found(place, "literal-key", what)
