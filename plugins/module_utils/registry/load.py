# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry's files, read and merged: the first step of everything.

Any number of YAML files hold any of the sections. What cannot be read is a problem, never an
exception; what can be is handed on, so that all problems are seen at once.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from collections.abc import Mapping as Texts
from pathlib import Path

from .load_extra import MERGED_INSIDE, SUFFIXES, misnamed, vanished
from .problems import Place, Problem, in_order
from .yaml_reader import TreeReader
from .yaml_scalars import HAS_YAML
from .yaml_tree import Mapping, Sequence, Source

__all__ = ["MAX_BYTES", "UNREAD_CODES", "Mapping", "Sequence", "load_registry"]

MAX_BYTES = 5_000_000

# After one of these a part of the registry is unknown: what is missing may stand there.
UNREAD_CODES = frozenset({"yaml-syntax", "not-text", "too-large", "unreadable-file"})

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load_registry(
    directory: str, extra_files: Iterable[str] = (), edits: Texts[str, str | None] | None = None
) -> tuple[Mapping, list[Problem]]:
    """All registry files of a directory, and `extra_files`, as one mapping section -> content.

    The directory's *.yaml and *.yml are read in the order of their names, not those in
    directories below it and no hidden ones. An extra file stands for the one of its name in the
    directory, as it will once it is put there; a name that would not be read there, and entries
    that only the replaced file has, are problems. `edits` (name -> text) is read instead of what
    stands in the directory's files of these names; None: as if there were no such file. Mappings
    and lists in the result know the place of each key and value; file names in places are relative
    to the current directory where the file is below it, and otherwise as given. A section that is
    a mapping merges by key, one that is a list is joined. Nothing is raised for what is wrong with
    a file.
    """
    if not HAS_YAML:
        problem = Problem(Place(directory, 1, 1), "no-yaml", "Python's PyYAML is not installed",
                          "pip install PyYAML, for the Python that runs Ansible")  # fmt: skip
        return Mapping([Source(directory)], 0), [problem]
    reader = TreeReader()
    extra = [Path(name) for name in extra_files]
    paths, problems = _paths(Path(directory), extra, edits)
    trees = []
    for path in paths:
        text = (edits or {}).get(path.name) or file_text(path, problems)
        if text is not None:
            trees.append(_sections(reader, shown(path), text))
    problems += reader.problems
    if not reader.sources:
        reader.sources.append(Source(directory))
    root = Mapping(reader.sources, 0)
    for tree in trees:
        _merge(root, tree, problems)
    for path in extra:
        problems += misnamed(path, shown(path))
        problems += _replaced(Path(directory), path, root, problems)
    return root, in_order(problems)


def _replaced(directory: Path, extra: Path, root: Mapping, found: list[Problem]) -> list[Problem]:
    """What an extra file would take away. Not asked where a part of the registry is unread."""
    old = directory / extra.name
    if any(problem.code in UNREAD_CODES for problem in found) or not old.exists():
        return []
    text = file_text(old, [])
    if text is None:
        return []
    tree = _sections(TreeReader(), shown(old), text)
    return list(vanished(tree, root, shown(old), shown(extra)))


def _paths(
    directory: Path, extra: list[Path], edits: Texts[str, str | None] | None = None
) -> tuple[list[Path], list[Problem]]:
    here = Place(shown(directory), 1, 1)
    wanted = "a directory with the registry's YAML files"
    if not directory.exists():
        return extra, [Problem(here, "no-registry", "this directory does not exist", wanted)]
    if not directory.is_dir():
        return extra, [Problem(here, "no-registry", "this is not a directory", wanted)]
    try:
        names = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        message = f"this directory cannot be read: {error.strerror}"
        return extra, [Problem(here, "no-registry", message, wanted)]
    gone = {name for name, text in (edits or {}).items() if text is None}
    found = [path for path in names if path.suffix in SUFFIXES and path.name not in gone]
    if not found and not extra:
        message = "no YAML file stands in this directory"
        return [], [Problem(here, "no-registry", message, "files named *.yaml or *.yml")]
    replaced = {path.name for path in extra}
    kept = [path for path in found if path.name not in replaced]
    # Among the others by name, as it will stand there: the order of providers is a rule.
    return sorted([*kept, *extra], key=lambda path: path.name), []


def registry_files(
    directory: str, extra_files: Iterable[str] = (), edits: Texts[str, str | None] | None = None
) -> dict[str, str]:
    """The text of each file that load_registry reads, by its name in the directory."""
    paths, _problems = _paths(Path(directory), [Path(name) for name in extra_files], edits)
    new = edits or {}
    return {path.name: new.get(path.name) or _read(path) for path in paths}


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def shown(path: Path) -> str:
    """A path as people know it: relative when it is below the current directory."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def file_text(path: Path, problems: list[Problem]) -> str | None:
    """The file's text; None, with a problem, where it is too large, no text or cannot be read."""
    here = Place(shown(path), 1, 1)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            problems.append(Problem(here, "unreadable-file", "this is not a regular file"))
            return None
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size / 1e6:.1f} MB"
            limit = f"at most {MAX_BYTES / 1e6:.0f} MB a file; split it into several"
            problems.append(Problem(here, "too-large", f"the file has {size}", limit))
            return None
        data = path.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        problems.append(Problem(here, "unreadable-file", message))
        return None
    return _decoded(data, here, problems)


def _decoded(data: bytes, here: Place, problems: list[Problem]) -> str | None:
    try:
        text = data.decode("utf-8-sig")
        wrong = _UNPRINTABLE.search(text)
        if wrong is None:
            return text
        before = text[: wrong.start()]
        message = f"a character that no text has (U+{ord(wrong.group()):04X}) stands here"
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    place = Place(here.file, line, column)
    problems.append(Problem(place, "not-text", message, "a text file in UTF-8"))
    return None


def _sections(reader: TreeReader, name: str, text: str) -> Mapping:
    """The sections of one file; an empty mapping where it has none, with the reason."""
    before = len(reader.problems)
    tree = reader.read(name, text)
    if isinstance(tree, Mapping):
        return tree
    here = Place(name, 1, 1)
    if isinstance(tree, Sequence):
        reader.problems.append(
            Problem(tree.place, "not-a-mapping", "the file is a list", "sections: 'providers:' ...")
        )
    elif tree is not None:
        message = "the file is only text or a number"
        reader.problems.append(
            Problem(here, "not-a-mapping", message, "sections: 'providers:' ...")
        )
    elif len(reader.problems) == before:
        # Comments alone are a template that waits; nothing at all looks like a lost file.
        severity = "warning" if text.strip() else "error"
        message = "the file declares nothing"
        reader.problems.append(
            Problem(here, "empty-file", message, "sections: 'providers:' ...", severity=severity)
        )
    return Mapping(reader.sources, 0)


def _merge(root: Mapping, tree: Mapping, problems: list[Problem]) -> None:
    for section, content in tree.items():
        old = root.get(section)
        if isinstance(old, Mapping) and isinstance(content, Mapping):
            inside = MERGED_INSIDE.get(section, "")
            _merge_entries(section, old, content, inside, problems)
        elif isinstance(old, Sequence) and isinstance(content, Sequence):
            for index, item in enumerate(content):
                old.add(item, content.mark(index))
        elif section not in root or old is None:
            root.put(section, _copy(content), tree.marks(section))
        elif content is not None:
            problems.append(_declared(section, tree.key_place(section), root.key_place(section)))


def _merge_entries(
    path: str, old: Mapping, new: Mapping, inside: str, problems: list[Problem]
) -> None:
    for key, value in new.items():
        if key not in old:
            old.put(key, _copy(value) if key == inside else value, new.marks(key))
        elif key == inside and isinstance(old[key], Mapping) and isinstance(value, Mapping):
            _merge_entries(f"{path}.{key}", old[key], value, "", problems)
        else:
            problems.append(_declared(f"{path}.{key}", new.key_place(key), old.key_place(key)))


def _declared(path: str, here: Place, first: Place) -> Problem:
    message = f"{path[:80]} was already declared at {first}"
    return Problem(here, "duplicate-key", message, "each key once over all files")


def _copy(content: object) -> object:
    """A mapping or list of its own, so that merging into it changes no aliased one."""
    if isinstance(content, Mapping):
        return content.copied()
    if isinstance(content, Sequence):
        return content.copied()
    return content
