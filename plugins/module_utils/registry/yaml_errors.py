# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The YAML parser's complaints in plain words, at the line that somebody has to change."""

from __future__ import annotations

import re
from typing import Any

from .problems import Place, Problem
from .yaml_tree import Source

Found = Any  # an error, a mark or an event of PyYAML's, or None

CODE = "yaml-syntax"

_BRACKET = (
    "a bracket is opened here and not closed",
    "',' between the entries and a closing bracket",
)
_NO_COLON = "could not find expected ':'"

# (part of the parser's words, at: problem or context, ours, what to write); libyaml and PyYAML's
# own parser word some of them differently
_WORDS = (
    ("tab character", "problem", "a tab stands here", "spaces: YAML is never indented by tabs"),
    (_NO_COLON, "context", "", ""),
    ("unknown escape", "problem", "an unknown escape such as \\d in double quotes",
     "single quotes around text with backslashes"),
    ("document indicator", "context", "a quote is opened here and not closed", "a closing quote"),
    ("expected '-' indicator", "problem", "this line does not go on with the list above it",
     "'- ' in the column of the list's other entries"),
    ("expected ',' or", "context", *_BRACKET),
    ("expected key", "problem", "this line does not fit to the indentation or quotes before it",
     "keys of one mapping in one column, and text with quotes inside quoted as a whole"),
    ("expected <block end>", "problem", "this line does not fit to the lines before it",
     "keys of one mapping in one column"),
    ("sequence entries are not allowed", "problem", "a list entry cannot begin here",
     "'- ' on a line of its own, under the key"),
    ("block sequence entries", "problem", "a list entry cannot begin here",
     "'- ' on a line of its own, under the key"),
    ("node content", "problem", "a value cannot begin here", "a value, or quotes around it"),
    ("document start", "problem", "the document has ended before this line",
     "one mapping a file, its keys in the first column"),
    ("content in the stream", "problem", "this line does not belong to anything above it",
     "keys of one mapping in one column"),
)  # fmt: skip


# What the parser says when lines do not stand in the columns that they should.
_INDENTATION = (
    "mapping values are not allowed",
    "expected key",
    "expected <block end>",
    "expected '-' indicator",
    "document start",
)

# A line of a terminal session that was copied along; its value is not repeated.
_SHELL = re.compile(r"\s*(\$ |export |sudo |source |[A-Z_]+=)")
_SHELL_LINE = (
    "this is a line for a shell, not for the registry",
    "only the variable's name, at the provider: `env_var: NAME`",
)


def syntax_problem(error: Found, source: Source, last: Found, bracket: Found) -> Problem:
    """A problem from what the parser raised.

    `last` is the last scalar event that it gave, `bracket` the one that began the innermost list
    or mapping in brackets which is still open; None where there is none.
    """
    found = str(getattr(error, "problem", None) or "the text is no YAML")
    place = _place(source, getattr(error, "problem_mark", None))
    context = getattr(error, "context_mark", None)
    blamed = _swallowed(error, source, last)
    if blamed:
        return blamed
    if any(words in found for words in _INDENTATION):
        odd = source.odd_line(place.line)
        if odd:
            return _odd(source, odd)
    if "mapping values are not allowed" in found:
        return _second_colon(source, place)
    if "cannot start any token" in found:
        return _bad_start(source, place)
    if bracket is not None and "node content" in found:
        return Problem(_place(source, bracket.start_mark), CODE, *_BRACKET)
    for words, at, message, expected in _WORDS:
        if words in found:
            if at == "context" and context is not None:
                place = _place(source, context)
            if words == _NO_COLON:
                return _no_key(source, place)
            return Problem(place, CODE, message, expected)
    return Problem(place, CODE, f"the YAML parser says: {found}")


def _place(source: Source, mark: Found) -> Place:
    if mark is None:
        return Place(source.name, 1, 1)
    return Place(source.name, mark.line + 1, mark.column + 1)


def _swallowed(error: Found, source: Source, last: Found) -> Problem | None:
    """A quote that was not closed on its line: the text below it was swallowed up to the next."""
    where = None
    if "quoted scalar" in str(getattr(error, "context", "") or ""):
        if "unknown escape" in str(error.problem):
            return None
        where = error.context_mark
    elif last is not None and last.style in ("'", '"'):
        where = last.start_mark if last.end_mark.line > last.start_mark.line else None
    if where is None:
        return None
    message = "a quote is opened here and not closed on this line"
    return Problem(_place(source, where), CODE, message, "a closing quote")


def _odd(source: Source, line: int) -> Problem:
    text = source.line(line)
    spaces = len(text) - len(text.lstrip(" "))
    message = f"this line begins with {spaces} space{'s' if spaces > 1 else ''}, unlike the others"
    place = Place(source.name, line, spaces + 1)
    return Problem(place, CODE, message, "keys of one mapping, or the '-' of one list, in a column")


def _second_colon(source: Source, place: Place) -> Problem:
    """A ': ' where none can stand: in the text before it, or the line above lacks one."""
    before = place.line - 1
    while before > 0 and not source.line(before).strip():
        before -= 1
    above = source.line(before)
    word = above.strip()
    indent = len(above) - len(above.lstrip())
    if word and not word.startswith("#") and ": " not in word and not word.endswith(":"):
        return _no_key(source, Place(source.name, before, indent + 1))
    return Problem(
        place,
        CODE,
        "a ': ' cannot stand here",
        "quotes around text that contains ': ', and keys of one mapping in one column",
    )


def _no_key(source: Source, place: Place) -> Problem:
    text = source.line(place.line)
    if _SHELL.match(text):
        return Problem(place, CODE, *_SHELL_LINE)
    tight = re.match(r"[\s-]*['\"]?[\w.-]+['\"]?:\S", text)
    expected = "a space after the colon" if tight else "a line such as 'key: value'"
    return Problem(place, CODE, "a key without its ': '", expected)


def _bad_start(source: Source, place: Place) -> Problem:
    sign = source.line(place.line)[place.column - 1 : place.column]
    if sign == "\t":
        return Problem(place, CODE, "a tab stands here", "spaces: YAML is never indented by tabs")
    message = f"a value cannot begin with {sign}" if sign else "a value cannot begin like this"
    return Problem(place, CODE, message, "quotes around it")
