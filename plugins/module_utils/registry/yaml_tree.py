# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry file becomes: dicts and lists that remember where everything stands.

Ten thousand models have some hundred thousand places. Each is kept as one integer, not as an
object: objects that the garbage collector tracks made reading four times slower.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from .problems import Place

# file number | line | column, from the high bits to the low ones
_COLUMN_BITS = 20
_LINE_BITS = 24
_PLACE_BITS = 64
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1
_LINE_MASK = (1 << _LINE_BITS) - 1
_PLACE_MASK = (1 << _PLACE_BITS) - 1


_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1 counts as the end of a line


class Source:
    """A file that was read: its name as shown to people, and its text."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self._text = text

    @functools.cached_property
    def _lines(self) -> list[str]:
        return _BREAKS.split(self._text)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; "" beyond the end."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def count(self) -> int:
        """How many lines it has."""
        return len(self._lines)

    def odd_line(self, last: int) -> int:
        """The line that is indented by an odd number of spaces where hardly any other is.

        Looked for from line `last` up to the section's first line; 0 if there is none.
        """
        indents = [indent for indent in map(_indent, self._lines) if indent >= 0]
        if sum(indent % 2 for indent in indents) * 4 > len(indents):
            return 0
        for number in range(min(last, self.count()), 0, -1):
            indent = _indent(self._lines[number - 1])
            if indent > 0 and indent % 2:
                return number
            if indent == 0 and number != last:
                return 0
        return 0


def _indent(line: str) -> int:
    """How many spaces a line begins with; -1 for one without content."""
    text = line.lstrip(" ")
    return -1 if not text or text[0] in "#\t" else len(line) - len(text)


def packed(file: int, line: int, column: int) -> int:
    """A place as one integer; line and column count from 0 here, as the YAML parser has them."""
    column = min(column, _COLUMN_MASK)
    return (file << (_LINE_BITS + _COLUMN_BITS)) | (line << _COLUMN_BITS) | column


def pair(key: int, value: int) -> int:
    """The places of a key and of its value, as one integer."""
    return (key << _PLACE_BITS) | value


class _Placed:
    """What mappings and lists have in common: a start, and the files that they come from."""

    __slots__ = ()
    _sources: list[Source]
    _start: int

    @property
    def place(self) -> Place:
        """Where it begins (of a block mapping: its first key)."""
        return self._unpacked(self._start)

    def next_line(self, place: Place) -> Place | None:
        """Where the first text below `place` begins, if there is any.

        That is where a text goes on which should not; unless `place` itself is indented oddly.
        """
        source = next(one for one in self._sources if one.name == place.file)
        if source.odd_line(place.line) == place.line:
            return place
        for number in range(place.line + 1, source.count() + 1):
            text = source.line(number)
            if text.strip():
                return Place(place.file, number, len(text) - len(text.lstrip()) + 1)
        return None

    def _unpacked(self, number: int) -> Place:
        line = (number >> _COLUMN_BITS) & _LINE_MASK
        file = number >> (_LINE_BITS + _COLUMN_BITS)
        return Place(self._sources[file].name, line + 1, (number & _COLUMN_MASK) + 1)

    def _written(self, number: int) -> str:
        place = self._unpacked(number)
        source = self._sources[number >> (_LINE_BITS + _COLUMN_BITS)]
        return _plain_scalar(source.line(place.line)[place.column - 1 :])


class Mapping(dict[str, Any], _Placed):
    """A YAML mapping; its keys are always strings. Use it as a dict, and do not change it."""

    __slots__ = ("_marks", "_sources", "_start")

    def __init__(self, sources: list[Source], start: int) -> None:
        self._sources = sources
        self._start = start
        self._marks: dict[str, int] = {}

    def put(self, key: str, value: object, marks: int) -> None:
        """Set a key together with `marks`, the places of key and value as `pair` gives them."""
        self[key] = value
        self._marks[key] = marks

    def marks(self, key: str) -> int:
        """Both places of a key, to `put` it somewhere else."""
        return self._marks[key]

    def copied(self) -> Mapping:
        """A mapping of its own with the same content."""
        copy = Mapping(self._sources, self._start)
        copy.update(self)
        copy._marks = dict(self._marks)
        return copy

    def key_place(self, key: str) -> Place:
        """Where the key stands."""
        return self._unpacked(self._marks[key] >> _PLACE_BITS)

    def value_place(self, key: str) -> Place:
        """Where its value begins (of a block mapping: its first key)."""
        return self._unpacked(self._marks[key] & _PLACE_MASK)

    def written(self, key: str) -> str:
        """A plain value as it stands in the file: `1.10` where the value is the number 1.1."""
        return self._written(self._marks[key] & _PLACE_MASK)


class Sequence(list[Any], _Placed):
    """A YAML list. Use it as a list, and do not change it."""

    __slots__ = ("_marks", "_sources", "_start")

    def __init__(self, sources: list[Source], start: int) -> None:
        self._sources = sources
        self._start = start
        self._marks: list[int] = []

    def add(self, value: object, mark: int) -> None:
        """Append an item that begins at `mark`, a place as `packed` gives it."""
        self.append(value)
        self._marks.append(mark)

    def mark(self, index: int) -> int:
        """The place of an item, to `add` it somewhere else."""
        return self._marks[index]

    def copied(self) -> Sequence:
        """A list of its own with the same content."""
        copy = Sequence(self._sources, self._start)
        copy.extend(self)
        copy._marks = list(self._marks)
        return copy

    def item_place(self, index: int) -> Place:
        """Where the item at `index` begins."""
        return self._unpacked(self._marks[index])

    def written(self, index: int) -> str:
        """A plain item as it stands in the file."""
        return self._written(self._marks[index])


def _plain_scalar(rest: str) -> str:
    """The plain scalar that a line's rest begins with: up to a comment or a flow indicator."""
    end = len(rest)
    for sign in (" #", "\t#", ", ", ",\t", "]", "}"):
        found = rest.find(sign)
        end = found if -1 < found < end else end
    return rest[:end].strip().rstrip(",")
