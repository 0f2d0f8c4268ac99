# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry that was made must pass the check; what does not is taken out and said."""

from __future__ import annotations

import bisect
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any, NamedTuple

from ..compile import Compiled, compile_registry
from ..registry.load import load_registry
from ..registry.problems import ERROR, Place, Problem
from ..registry.schema import check_schema
from ..registry.yaml_tree import Mapping as Node
from ..registry.yaml_tree import Sequence
from ..routing.resolve import Inventory
from .draft import Draft, Path
from .notes import NOWHERE, Notes

_MOST_ROUNDS = 60
_MOST_SAID = 5
_FIRST = ("unknown-", "duplicate-")
_MISSING = "(missing-key)"  # of an entry that something has been taken out of

_SAY_WHAT = ("bad-name", "bad-value", "wrong-type")
_LIKE_A_KEY = "what looks like a key is nowhere written"


class Cut(NamedTuple):
    """Something that was taken out: what, where it came from, and why."""

    path: Path
    origin: Place
    why: str


def prove(
    draft: Draft,
    texts: Callable[[], Mapping[str, str]],
    inventory: Inventory,
    notes: Notes,
    scrubbed: Callable[[str], str] = str,
) -> Compiled | None:
    """Compiles what `texts` gives, and cuts out of the draft what is an error, until none is left.

    None where nothing is left. The problems' files are names in the new registry. `scrubbed` is
    a text without what looks like a secret: an entry that has such a name is cut out first.
    """
    cuts = _secrets(draft, scrubbed)
    for _round in range(_MOST_ROUNDS):
        files = texts()
        if not files:
            break
        compiled, errors, root = _checked(files, inventory)
        if compiled is not None and not errors:
            _say(cuts, notes)
            return compiled
        paths = Paths(root)
        wrong = {paths.at(one.place): one for one in reversed(errors)}
        wrong.pop((), None)
        gone = _cut(draft, wrong)
        cuts += gone
        if not gone:
            notes.errors += _unmended(errors)
            break
    _say(cuts, notes)
    return None


def _checked(
    files: Mapping[str, str], inventory: Inventory
) -> tuple[Compiled | None, list[Problem], Node]:
    """What is wrong: first with the form alone, for the rules know nothing of a broken entry; then
    with names that are not there, for others follow from these."""
    with tempfile.TemporaryDirectory(prefix="lab-llm-import-") as folder:
        for name, text in files.items():
            (File(folder) / name).write_text(text, encoding="utf-8")
        root, problems = load_registry(folder)
        found, _broken = check_schema(root)
        errors = [one for one in (*problems, *found) if one.severity == ERROR]
        if errors:
            return None, errors, root
        compiled = compile_registry(folder, inventory)
    errors = [one for one in compiled.problems if one.severity == ERROR]
    errors = [replace(one, message=one.message.replace(f"{folder}/", "")) for one in errors]
    first = [one for one in errors if one.code.startswith(_FIRST)]
    return compiled, first or errors, root


def _cut(draft: Draft, wrong: Mapping[Path, Problem]) -> list[Cut]:
    """Takes out the innermost of these paths: where each came from, and why it went."""
    gone: list[Cut] = []
    # The last of a list first, so that what stands before it keeps its place.
    for path in sorted(wrong, key=_backwards, reverse=True):
        inner = any(other[: len(path)] == path and other != path for other in wrong)
        origin = draft.origin(path) or NOWHERE
        went = () if inner else draft.cut(path)
        if went and went != path and isinstance(went[-1], str):
            origin = draft.origin(went) or origin
        if went:
            gone.append(Cut(_named(went, path), origin, _why(wrong[path])))
    return gone


def _named(went: Path, path: Path) -> Path:
    """What is said to be gone: of a section that is empty now its last entry."""
    return path[:2] if len(went) == 1 else went


def _secrets(draft: Draft, scrubbed: Callable[[str], str]) -> list[Cut]:
    """Takes out what is called like a secret: where each came from, and why it went."""
    gone: list[Cut] = []
    # A rule goes as a whole: without one of its names it would mean something else.
    inside = ("fallback", "chain", "preferred_models")
    found = {
        at if at[0] == "providers" or (at[2:3] and at[2] in inside) else at[:2]
        for at in _hidden(draft.sections, scrubbed)
    }
    for path in sorted(found, key=_backwards, reverse=True):
        origin = draft.origin(path) or NOWHERE
        went = draft.cut(path)
        if went:
            gone.append(Cut(_named(went, path), origin, _LIKE_A_KEY))
    return gone


def _hidden(value: Any, scrubbed: Callable[[str], str], path: Path = ()) -> Iterator[Path]:  # noqa: ANN401
    """The innermost paths to what looks like a secret."""
    if isinstance(value, str):
        if scrubbed(value) != value:
            yield path
        return
    keys = range(len(value)) if isinstance(value, list) else value
    for key in keys if isinstance(value, (dict, list)) else ():
        if isinstance(key, str) and scrubbed(key) != key:
            yield (*path, key)
        else:
            yield from _hidden(value[key], scrubbed, (*path, key))


def _unmended(errors: list[Problem]) -> list[str]:
    """What to say where nothing can be taken out that would help."""
    said = [f"    - {one.message} ({one.code})." for one in errors[:_MOST_SAID]]
    return ["What was read makes no registry that passes the check:", *said]


def _why(problem: Problem) -> str:
    wanted = f"; right is {problem.expected}" if problem.code in _SAY_WHAT else ""
    return f"{problem.message} ({problem.code}){wanted}"


def _say(cuts: Iterable[Cut], notes: Notes) -> None:
    """What went, each entry once; where it went because a part of it had to, why that had to."""
    known = list(cuts)
    for path, origin, why in known:
        if any(len(one.path) < len(path) and path[: len(one.path)] == one.path for one in known):
            continue
        parts = [one.why for one in known if one.path[: len(path)] == path and one.path != path]
        whys = [*parts, why]
        # That an entry lacks something says nothing where that has been taken out of it.
        whys = [one for one in whys if not one.endswith(_MISSING)] or whys
        what = f"{shown(path)} in the registry"
        notes.not_carried(origin, what, "; ".join(dict.fromkeys(whys)))


def _backwards(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((key, "") if isinstance(key, int) else (-1, key) for key in path)


def shown(path: Path) -> str:
    """A path as people write it: providers.gpu1.models[0]."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f"{'.' if text else ''}{key}"
    return text


class Paths:
    """Finds the innermost path of a tree at a place."""

    def __init__(self, root: Node) -> None:
        found: list[tuple[str, int, int, int, Path]] = []
        stack: list[tuple[Path, Node | Sequence]] = [((), root)]
        while stack:
            path, node = stack.pop()
            for key in list(node) if isinstance(node, Node) else range(len(node)):
                here = (*path, key)
                found += [(*place, len(here), here) for place in _places_of(node, key)]
                value = node[key]  # type: ignore[index]
                if isinstance(value, (Node, Sequence)):
                    stack.append((here, value))
        self._found = sorted(found, key=lambda one: one[:4])
        self._keys = [one[:4] for one in self._found]

    def at(self, place: Place) -> Path:
        """The path that begins at a place, or is the last to begin before it; () for none."""
        end = bisect.bisect_right(self._keys, (*place, len(self._keys)))
        if not end or self._keys[end - 1][0] != place.file:
            return ()
        return self._found[end - 1][4]


def _places_of(node: Node | Sequence, key: str | int) -> tuple[Place, ...]:
    if isinstance(node, Node):
        return node.key_place(str(key)), node.value_place(str(key))
    return (node.item_place(int(key)),)
