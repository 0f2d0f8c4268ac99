# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which letters one element of a regular expression stands for."""

from __future__ import annotations

import functools
import re
import string

Letters = frozenset[int]
_OTHER = 128  # stands for all that is not ASCII
EVERYTHING: Letters = frozenset(range(_OTHER + 1))
_DIGITS = frozenset(map(ord, string.digits))
_WORD = frozenset({*map(ord, string.ascii_letters + string.digits + "_"), _OTHER})
_BLANKS = frozenset(map(ord, string.whitespace))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _BLANKS}
_PLAIN = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "a": 7}
_IN_CLASS = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\]\\]))?", re.DOTALL)


@functools.lru_cache(maxsize=512)
def letters(element: str, folded: bool = False) -> Letters:
    """What one element matches: a letter, `.`, an escape or a class. Nothing for what matches no
    letter itself, such as `^` and `\\b`. `folded`: without regard to case."""
    found = _letters(element)
    if not folded:
        return found
    return found | {ord(chr(one).swapcase()) for one in found if one < _OTHER}


def _letters(element: str) -> Letters:
    if element == ".":
        return EVERYTHING
    if element in ("^", "$"):
        return frozenset()
    if element.startswith("\\"):
        return _escaped(element[1:])
    if element.startswith("[") and len(element) > 1:
        return _of_class(element[1:-1])
    return frozenset({min(ord(element[0]), _OTHER)})


def _escaped(sign: str) -> Letters:
    if sign.lower() in _CLASSES:
        some = _CLASSES[sign.lower()]
        return some if sign.islower() else EVERYTHING - some
    if sign in _PLAIN:
        return frozenset({_PLAIN[sign]})
    if sign.isalnum():  # \b, \A, a backward reference: no letter of its own
        return frozenset()
    return frozenset({min(ord(sign), _OTHER)}) if sign else frozenset()


def _of_class(inside: str) -> Letters:
    negated = inside.startswith("^")
    found: set[int] = set()
    for one in _IN_CLASS.finditer(inside[1:] if negated else inside):
        low, high = _letters_in_class(one[1]), _letters_in_class(one[2] or one[1])
        if len(low) == len(high) == 1:
            found.update(range(min(low), max(high) + 1))
        else:
            found |= low | high
    return EVERYTHING - found if negated else frozenset(found)


def _letters_in_class(sign: str) -> Letters:
    if sign.startswith("\\"):
        return _escaped(sign[1:])
    return frozenset({min(ord(sign), _OTHER)})
