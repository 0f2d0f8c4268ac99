# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an import, as LiteLLM would have read them: the last of two keys, its includes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..registry.load import file_text, shown
from ..registry.problems import Place, Problem
from ..registry.yaml_reader import TreeReader
from ..registry.yaml_scalars import HAS_YAML
from ..registry.yaml_tree import Mapping, Sequence, Source
from .notes import Notes

_MOST_FILES = 50
# What stops LiteLLM's loader; what stands before it can be read all the same.
_STOPS = {"yaml-syntax", "several-documents", "yaml-tag", "too-large"}


class LastWins(TreeReader):
    """Reads as PyYAML does for LiteLLM: of a key that stands twice the last one counts."""

    def __init__(self) -> None:
        super().__init__()
        self.twice: list[Problem] = []

    def _duplicate(self, event: Any, key: str, first: Place) -> bool:  # noqa: ANN401
        super()._duplicate(event, key, first)
        self.twice.append(self.problems.pop())
        return True


@dataclass
class Section:
    """A part of the whole, with where its key stands."""

    value: Any
    place: Place


@dataclass
class Sources:
    """What was read: sections by name, in the order of the files, and the files' names."""

    sections: dict[str, Section] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def get(self, name: str) -> Any:  # noqa: ANN401 - YAML holds anything
        found = self.sections.get(name)
        return found.value if found else None

    def mapping(self, name: str) -> Mapping | None:
        value = self.get(name)
        return value if isinstance(value, Mapping) else None

    def settings(self, name: str) -> Mapping:
        """A section of settings; empty where there is none, or no mapping."""
        return self.mapping(name) or Mapping([Source("")], 0)

    def sequence(self, name: str) -> Sequence | None:
        value = self.get(name)
        return value if isinstance(value, Sequence) else None

    def place(self, name: str) -> Place:
        return self.sections[name].place


def read_sources(paths: Iterable[str], notes: Notes) -> Sources:
    """The sections of these files and of what they include. What cannot be read is in `notes`."""
    sources = Sources()
    if not HAS_YAML:
        notes.errors.append("Python's PyYAML is not installed: pip install PyYAML")
        return sources
    reader = LastWins()
    for path in paths:
        if path.strip():
            _read_one(reader, Path(path), sources, notes)
        else:
            notes.errors.append("No file is named. Name the configuration: -e file=litellm.yaml")
    for problem in reader.twice:
        notes.found(problem.place, "duplicate-key", problem.message)
    for problem in reader.problems:
        code = "yaml-syntax" if problem.code in _STOPS else "yaml-surprise"
        notes.found(problem.place, code, problem.message)
    return sources


def _read_one(reader: LastWins, path: Path, sources: Sources, notes: Notes) -> None:
    """A file, then those that it includes, each once, in LiteLLM's order."""
    whole: dict[str, Section] = {}
    pending, seen = [path], {path.absolute()}
    while pending and len(sources.files) < _MOST_FILES:
        here = pending.pop(0)
        tree = _tree(reader, here, sources, notes)
        if tree is None:
            continue
        for name, value in tree.items():
            if name != "include":
                _included(whole, name, Section(value, tree.key_place(name)), notes)
        for entry in _includes(tree, notes):
            other = here.parent / entry
            if other.absolute() not in seen:
                seen.add(other.absolute())
                pending.append(other)
    for name, section in whole.items():
        _joined(sources.sections, name, section, notes)


def _includes(tree: Mapping, notes: Notes) -> list[str]:
    entries = tree.get("include")
    if entries is None:
        return []
    if not isinstance(entries, Sequence):
        notes.found(tree.key_place("include"), "missing-part", "include, which is no list of files")
    listed = entries if isinstance(entries, Sequence) else [entries]
    return [entry for entry in listed if isinstance(entry, str) and entry.isprintable()]


def _tree(reader: LastWins, path: Path, sources: Sources, notes: Notes) -> Mapping | None:
    problems: list[Problem] = []
    text = file_text(path, problems)
    for one in problems:
        at = f"{one.message}, at line {one.place.line}, column {one.place.column}"
        what = f"{shown(path)} is no text file, so it is no configuration: {at}."
        notes.errors.append(what if one.code == "not-text" else str(one))
    if text is None:
        return None
    sources.files.append(shown(path))
    tree = _parsed(reader, shown(path), text)
    if not isinstance(tree, Mapping):
        notes.errors.append(f"{shown(path)}: no mapping of sections stands in this file.")
        return None
    return tree


def _parsed(reader: LastWins, name: str, text: str) -> object:
    """The tree of a text; of what stands before its first mistake, where it has one."""
    before = len(reader.problems)
    tree = reader.read(name, text)
    wrong = [one for one in reader.problems[before:] if one.code == "yaml-syntax"]
    if not wrong:
        return tree
    lines = text.splitlines(keepends=True)[: wrong[0].place.line - 1]
    others = LastWins()
    others.sources = reader.sources
    shorter = others.read(name, "".join(lines))
    if any(one.code == "yaml-syntax" for one in others.problems):
        return tree
    del reader.problems[before:]
    reader.problems += [wrong[0], *others.problems]
    reader.twice += others.twice
    return shorter


def _included(whole: dict[str, Section], name: str, new: Section, notes: Notes) -> None:
    """Lists are joined; of anything else LiteLLM takes the included file's."""
    old = whole.get(name)
    if old is not None and isinstance(old.value, Sequence) and isinstance(new.value, Sequence):
        whole[name] = Section(_extended(old.value, new.value), old.place)
        return
    if old is not None:
        notes.found(old.place, "include-replaces", f"{name}, which {new.place.file} has as well")
    whole[name] = new


def _joined(whole: dict[str, Section], name: str, new: Section, notes: Notes) -> None:
    """Several files that are given side by side: mappings are joined by their keys."""
    old = whole.get(name)
    if old is None or old.value is None:
        whole[name] = new
    elif isinstance(old.value, Sequence) and isinstance(new.value, Sequence):
        whole[name] = Section(_extended(old.value, new.value), old.place)
    elif isinstance(old.value, Mapping) and isinstance(new.value, Mapping):
        both = old.value.copied()
        for key, value in new.value.items():
            if key in both:
                what = f"'{key[:60]}' was already declared at {both.key_place(key)}"
                notes.found(new.value.key_place(key), "duplicate-key", what, "the first of them")
            else:
                both.put(key, value, new.value.marks(key))
        whole[name] = Section(both, old.place)
    else:
        what = f"'{name[:60]}' was already declared at {old.place}"
        notes.found(new.place, "duplicate-key", what, "the first of them")


def _extended(first: Sequence, second: Sequence) -> Sequence:
    joined = first.copied()
    for index, item in enumerate(second):
        joined.add(item, second.mark(index))
    return joined
