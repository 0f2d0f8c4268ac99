# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pattern's regular expression says, read without running it."""

from __future__ import annotations

import re
from typing import NamedTuple

WILDCARD, NAME, EXPANDED = "wildcard", "name", "expanded"

_LITERAL = r"((?:[^\\.^$*+?{}\[\]()|]|\\[^A-Za-z0-9\s])*)"
_REST = r"(?:\.[*+]\??|\(\.[*+]\??\))"
_PREFIX = re.compile(rf"\^{_LITERAL}{_REST}?\$?")
_ONE_NAME = re.compile(rf"\^{_LITERAL}\$")
_ANYTHING = re.compile(rf"{_REST}\$?")


class Meaning(NamedTuple):
    """`kind` is WILDCARD (names that begin with `text`), NAME (that one) or EXPANDED (the names
    that it is found in, `text` being empty)."""

    kind: str
    text: str


def meaning(expression: str) -> Meaning:
    """What becomes of a regular expression: LiteLLM itself knows only a `*`."""
    one = _ONE_NAME.fullmatch(expression)
    if one and one[1]:
        return Meaning(NAME, _unescaped(one[1]))
    prefix = _PREFIX.fullmatch(expression)
    if prefix and not one:
        return Meaning(WILDCARD, _unescaped(prefix[1]))
    if _ANYTHING.fullmatch(expression):
        return Meaning(WILDCARD, "")
    return Meaning(EXPANDED, "")


def _unescaped(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal)


def needles(expression: str) -> list[str] | None:
    """Texts one of which is in every name that the expression is found in; None if not known.

    They are cheap to look for: most names need not be tried at all. In lower case where the
    expression ignores it.
    """
    if expression.startswith("(?i)"):
        found = _needles(expression[4:])
        return None if found is None else [one.lower() for one in found]
    return _needles(expression)


def _needles(expression: str) -> list[str] | None:
    found: list[str] = []
    for part in alternatives(expression):
        best = _best(part)
        if not best:
            return None
        found += best
    return found


def alternatives(expression: str) -> list[str]:
    """The parts between the `|` that stand in no group."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(expression):
        sign = expression[at]
        if sign == "\\":
            at += 1
        elif sign == "[":
            at = _class_end(expression, at)
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            parts.append(expression[start:at])
            start = at + 1
        at += 1
    return [*parts, expression[start:]]


def _best(part: str) -> list[str]:
    """The longest text that all of it needs, or the texts of a group of which it needs one."""
    candidates: list[list[str]] = []
    run, at = "", 0
    while at < len(part):
        token, literal, inner = _token(part, at)
        at += len(token)
        optional = part[at : at + 1] in ("?", "*", "{")
        repeated = part[at : at + 1] == "+"
        if literal and not optional:
            run += literal
        if not literal or optional or repeated:
            candidates.append([run])
            run = ""
        if inner and not optional:
            candidates.append(_needles(inner) or [""])
    candidates.append([run])
    best = max(candidates, key=lambda texts: min(map(len, texts)))
    return best if all(best) else []


def token_at(part: str, at: int) -> str:
    """The next element of an expression: a letter, an escape, a class or a whole group."""
    return _token(part, at)[0]


def _token(part: str, at: int) -> tuple[str, str, str]:
    """(the text of the next element, what it stands for if that is one character, what is inside
    of it if it is a group)."""
    sign = part[at]
    if sign == "\\":
        escaped = part[at + 1 : at + 2]
        return part[at : at + 2], "" if escaped.isalnum() else escaped, ""
    if sign == "[":
        return part[at : _class_end(part, at) + 1], "", ""
    if sign == "(":
        end = _group_end(part, at)
        inner = part[at + 1 : end].removeprefix("?:")
        return part[at : end + 1], "", "" if inner.startswith("?") else inner
    if sign == "{":
        return part[at : part.find("}", at) + 1] or part[at:], "", ""
    return sign, "" if sign in ".^$*+?" else sign, ""


def _class_end(expression: str, at: int) -> int:
    """Where a class of characters ends; a `]` that comes first in it is one of them."""
    at += 2 if expression[at + 1 : at + 2] == "^" else 1
    at += expression[at : at + 1] == "]"
    while at < len(expression) and expression[at] != "]":
        at += 2 if expression[at] == "\\" else 1
    return at


def _group_end(part: str, at: int) -> int:
    depth = 0
    while at < len(part):
        if part[at] == "\\":
            at += 1
        elif part[at] == "[":
            at = _class_end(part, at)
        elif part[at] in "()":
            depth += 1 if part[at] == "(" else -1
            if depth == 0:
                break
        at += 1
    return at
