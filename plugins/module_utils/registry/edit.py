# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of a registry's files that leave every other byte as it was: order, quotes, comments.

People write these files. So nothing is read and dumped anew: a part of the text is taken out or
put in, then the text is read again and must mean the old one with exactly that change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import edit_cuts, edit_scalars
from .edit_checks import Path, is_proven, tree_of, unproven, unshared, unused
from .edit_nodes import ALIAS, MAPPING, SCALAR, EditError, Node, read_nodes, refusal
from .edit_scalars import Scalar
from .problems import Place, Problem

__all__ = ["ABOUT", "EditError", "Path", "with_value", "without_entry", "without_provider"]

Texts = Mapping[str, "str | None"]

# Where a provider's own settings stand, beside its entry: they go with it.
ABOUT: tuple[Path, ...] = (
    ("rate_limit_settings", "limits"),
    ("health_checks",),
    ("budgets",),
)


def without_provider(files: Mapping[str, str], provider: str) -> dict[str, str | None]:
    """The files that change, with their new texts, when a provider goes; None: the file goes.

    `files`: name -> text, of a registry that could be read without an error. Besides
    `providers.<provider>` go its limits, health check and budget, wherever they stand. Sections
    that become empty go, and files whose last section goes. What refers to the provider stays.
    Raises EditError where an edit cannot be made with certainty, KeyError if nothing declares it.
    """
    now: dict[str, str | None] = dict(files)
    if not _declaring(now, ("providers", provider)):
        raise KeyError(provider)
    for section in (("providers",), *ABOUT):
        now |= without_entry(now, (*section, provider))
    return {name: text for name, text in now.items() if text != files[name]}


def without_entry(files: Texts, path: Path) -> dict[str, str | None]:
    """The files that change when the entry at a path goes; none if there is no such entry."""
    changed: dict[str, str | None] = {}
    for name in _declaring(files, path):
        text = files[name] or ""
        way = _way(name, text, path)
        last = all(len(node.entries) == 1 for node, _index in way)
        changed[name] = None if last else _cut(name, text, way, path)
    return changed


def with_value(files: Mapping[str, str], path: Path, value: Scalar | None) -> dict[str, str]:
    """The file that changes when the scalar at a path becomes `value`; none if it is that already.

    `files` as in without_provider. The mapping that holds the scalar must exist, the scalar itself
    need not; None takes it out. Raises EditError where the edit cannot be made with certainty,
    KeyError (with the path) where there is no such mapping.
    """
    holders = _declaring(files, path[:-1])
    if not holders:
        raise KeyError(".".join(path[:-1]))
    if value is None:
        gone = without_entry(files, path)
        return {name: text for name, text in gone.items() if text is not None}
    # A section may be spread over several files; an entry of it never is.
    name = next(iter(_declaring(files, path)), holders[0])
    text = files[name]
    new = _written(name, text, path, value)
    if not is_proven(text, new, path, value):
        raise unproven(name, path)
    return {name: new} if new != text else {}


def _written(name: str, text: str, path: Path, value: Scalar) -> str:
    way = _way(name, text, path[:-1])
    root = way[0][0] if way else _root(name, text)
    node = _inside(name, way[-1], path[:-1]) if way else root
    index = node.find(path[-1])
    old = node.entries[index][1] if index >= 0 else None
    by_hand = _by_hand(value)
    shared = [one for one, _index in way] + [node] + ([old] if old else [])
    unshared(name, root, shared, path, by_hand)
    if old is None:
        new = edit_scalars.inserted(text, node, path[-1], value)
        if new is None:
            raise refusal(name, node, f"{'.'.join(path[:-1])} is empty", by_hand)
        return new
    if old.kind != SCALAR:
        raise refusal(name, old, f"{'.'.join(path)} is not a plain value here", by_hand)
    if tree_of(f"x: {text[old.start : old.end]}")[0] == {"x": value} and not old.anchor:
        return text
    return edit_scalars.replaced(text, old, value)


def _cut(name: str, text: str, way: list[tuple[Node, int]], path: Path) -> str:
    root, (holder, index) = way[0][0], way[-1]
    by_hand = _by_hand(None)
    unshared(name, root, [node for node, _index in way], path, by_hand)
    unused(name, root, holder.entries[index], path, by_hand)
    # Blank lines and comments around it may be part of a text above it, then: try less, or more.
    for whole, tidy in ((False, True), (False, False), (True, False)):
        cuts = edit_cuts.cuts_of(text, way, whole)
        if cuts is None:
            message = f"{'.'.join(path)} shares its lines with something else"
            raise refusal(name, holder.entries[index][0], message, by_hand)
        new = edit_cuts.without(text, cuts, tidy)
        if is_proven(text, new, path, None):
            return new
    raise unproven(name, path)


def _by_hand(value: Scalar | None) -> str:
    how = "Remove it" if value is None else f"Write {edit_scalars.written(value)} there"
    return f"{how} yourself, then run site.yml."


# Where it stands


def _declaring(files: Texts, path: Path) -> list[str]:
    return [name for name, text in files.items() if text and _has(tree_of(text)[0], path)]


def _has(tree: Any, path: Path) -> bool:  # noqa: ANN401 - any part of a YAML document
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True


def _root(name: str, text: str) -> Node:
    root = read_nodes(text)
    if root is None:
        raise EditError(Problem(Place(name, 1, 1), "cannot-edit", "the file is empty"))
    return root


def _way(name: str, text: str, path: Path) -> list[tuple[Node, int]]:
    """Each mapping on the way to an entry, with the index of the entry that leads on."""
    node = _root(name, text)
    way: list[tuple[Node, int]] = []
    for depth, key in enumerate(path):
        if way:
            node = _inside(name, way[-1], path[:depth])
        index = node.find(key)
        if index < 0:
            message = f"{'.'.join(path[: depth + 1])} comes from a merge ('<<') here"
            raise refusal(name, node, message, "Write it out, then try again.")
        way.append((node, index))
    return way


def _inside(name: str, step: tuple[Node, int], path: Path) -> Node:
    """The mapping that an entry holds; one that is written elsewhere is not followed."""
    value = step[0].entries[step[1]][1]
    if value.kind != MAPPING:
        kind = f"only *{value.text}" if value.kind == ALIAS else "no mapping"
        message = f"{'.'.join(path)} is {kind} here"
        raise refusal(name, value, message, "Write it out, then try again.")
    return value
