# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes an edit certain: nothing else depends on the place, and the result is read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .edit_nodes import ALIAS, EditError, Node, refusal
from .problems import Place, Problem
from .yaml_reader import TreeReader

Path = tuple[str, ...]


def tree_of(text: str | None) -> tuple[Any, int]:
    """A text as values, and how many problems it has."""
    reader = TreeReader()
    return reader.read("", text or ""), len(reader.problems)


def unshared(name: str, root: Node, nodes: Iterable[Node], path: Path, by_hand: str) -> None:
    """Refuses where one of these is written once and used in other places, too."""
    used = {node.text for node in root.walk() if node.kind == ALIAS}
    for node in nodes:
        if node.anchor in used:
            message = (
                f"{'.'.join(path)} is in what *{node.anchor} stands for elsewhere, so that an edit "
                "would change that as well"
            )
            raise refusal(name, node, message, by_hand)


def unused(name: str, root: Node, entry: tuple[Node, Node], path: Path, by_hand: str) -> None:
    """Refuses where something outside of an entry is written as an alias of something in it."""
    inside = [node for part in entry for node in part.walk()]
    anchors = {node.anchor for node in inside if node.anchor}
    known = {id(node) for node in inside}
    for node in root.walk():
        if node.kind == ALIAS and node.text in anchors and id(node) not in known:
            message = (
                f"*{node.text} is used here, and it stands for what is written at {'.'.join(path)}"
            )
            raise refusal(name, node, message, f"Write out what it stands for. {by_hand}")


def is_proven(old: str, new: str, path: Path, value: object) -> bool:
    """Whether `new` means what `old` does but for the value at the path.

    None stands for: nothing there, and no empty mapping left around it.
    """
    before, had = tree_of(old)
    after, has = tree_of(new)
    return has <= had and _plain(after) == _plain(_changed(before, path, value))


def unproven(name: str, path: Path) -> EditError:
    """What there is to say where an edit does not come out as it should."""
    message = f"an edit of {'.'.join(path)} would change more than that; nothing was written"
    return EditError(Problem(Place(name, 1, 1), "cannot-edit", message, "Make it by hand."))


def _changed(tree: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - any YAML value
    if not path:
        return value
    rest = dict(tree)
    inner = _changed(rest.get(path[0], {}), path[1:], value)
    if inner is None or (value is None and inner == {}):
        rest.pop(path[0], None)
    else:
        rest[path[0]] = inner
    return rest


def _plain(value: object) -> object:
    """For a comparison that tells 1 from true and from 1.0."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return type(value), repr(value)
