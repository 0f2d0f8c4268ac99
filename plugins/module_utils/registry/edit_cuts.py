# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part of a text goes when an entry of a mapping goes: its lines, and its comments.

To an entry belong the comment lines right above it that are indented as it is, and those below
that are indented further. A comment at the head of the file is the file's, and one that reads
like an entry that was commented out stays as well.
"""

from __future__ import annotations

import re

from .edit_nodes import MAPPING, Node

Cut = tuple[int, int]

_HEAD = re.compile(r"(\s*(#[^\n]*)?\n|---[^\n]*\n|%[^\n]*\n)*")
_COMMENTED_OUT = re.compile(r"#+[ \t]*[\w./-]+:([ \t]*$|[ \t]+[\[{])", re.M)
_OPENS = re.compile(r":[ \t]*(#[^\n]*)?\Z")


def cuts_of(text: str, way: list[tuple[Node, int]], whole: bool = False) -> list[Cut] | None:
    """The parts to take out of a text; None where they cannot be told.

    `way` leads from the root to the entry: each mapping, and the index of the entry in it. A
    mapping that would be left empty goes as well, so the result begins where the first such
    entry is; comments that stand between its key and the entry stay, unless `whole`.
    """
    first = len(way) - 1
    while first > 0 and len(way[first][0].entries) == 1:
        first -= 1
    cuts = []
    for node, index in way[first:]:
        key, value = node.entries[index]
        inside = value.kind == MAPPING and not value.flow and node is not way[-1][0]
        inside = inside and not whole
        cut = _entry(text, node, index, key.end if inside else value.end, inside)
        if cut is None:
            return None
        cuts.append(cut)
        if not inside:
            break
    return cuts


def without(text: str, cuts: list[Cut], tidy: bool = True) -> str:
    """The text without these parts; `tidy`: and without the blank lines that meet there then."""
    for start, end in sorted(cuts, reverse=True):
        before, after = text[:start], text[end:]
        text = _joined(before, after) if tidy and _at_line(before) else before + after
    return text


def _joined(before: str, after: str) -> str:
    lines = before.rstrip(" \t\r\n")
    last = lines[line_start(lines, len(lines)) :]
    blank_above = before[len(lines) :].count("\n") > 1 or not lines or _OPENS.search(last)
    if not after.strip():
        return before[: len(lines)] + _line_break(before[len(lines) :])
    while blank_above and (head := after.partition("\n"))[0].strip() == "" and head[1]:
        after = head[2]
    return before + after


def _line_break(text: str) -> str:
    return text[: text.find("\n") + 1]


def _at_line(before: str) -> bool:
    return not before or before.endswith("\n")


def line_start(text: str, offset: int) -> int:
    """Where the line begins that `offset` is in."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Behind the end of the line that `offset` is in; at once where a line ends before it."""
    if offset and text[offset - 1] == "\n":
        return offset
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def _entry(text: str, node: Node, index: int, end: int, key_alone: bool) -> Cut | None:
    key = node.entries[index][0]
    start = line_start(text, key.start)
    if node.flow:
        rest = text[end : line_end(text, end)].strip()
        alone = rest in ("", ",") or rest.startswith(("#", ", #", ",#"))
        if text[start : key.start].strip() or not alone:
            return _between(text, node, index)
    elif text[start : key.start].strip(" "):
        return None
    last = line_end(text, end)
    separate = node.flow and not text[end:last].strip().startswith(",")
    if not key_alone and not separate:
        last = _comments_below(text, last, key.column)
    return _comments_above(text, start, key.column), last


def _between(text: str, node: Node, index: int) -> Cut | None:
    """In a line with others: with the comma before it, or behind it if it is the first."""
    key, value = node.entries[index]
    if index > 0:
        cut = node.entries[index - 1][1].end, value.end
    elif len(node.entries) > 1:
        cut = key.start, node.entries[1][0].start
    else:
        cut = key.start, value.end
    outside = text[cut[0] : key.start] + text[value.end : cut[1]]
    return None if "#" in outside else cut


def _comments_above(text: str, start: int, column: int) -> int:
    first = start
    while first > 0:
        above = line_start(text, first - 1)
        line = text[above:first]
        if not line.lstrip(" ").startswith("#") or len(line) - len(line.lstrip(" ")) != column:
            break
        first = above
    of_the_file = column == 0 and _HEAD.fullmatch(text[:first])
    kept = of_the_file or _COMMENTED_OUT.match(text[first:start].strip())
    return start if kept else first


def _comments_below(text: str, end: int, column: int) -> int:
    offset = end
    while offset < len(text):
        below = line_end(text, offset + 1) if text[offset] != "\n" else offset + 1
        line = text[offset:below]
        comment = line.lstrip(" ").startswith("#")
        if line.strip() and not comment:
            break
        if comment and len(line) - len(line.lstrip(" ")) <= column:
            break
        if comment:
            end = below
        offset = below
    return end
