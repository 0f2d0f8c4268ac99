# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are not what their keys hold: each is told, by what becomes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..registry.yaml_tree import Mapping as Node
from .notes import Notes

_MOST = 1e12
# Kinds of values, as they are called in a finding.
TEXT, LIST, MAP, BOOL = "a text", "a list", "a mapping", "true or false"
NEGATIVE, ZERO, NUMBER, EMPTY = "negative", "0", "a number", "empty"
# What LiteLLM does with such a value; USED: something that the registry cannot say.
DROPPED, FAILS, IGNORED = "deployment-dropped", "bad-value-fails", "bad-value-ignored"
REFUSED, USED = "bad-value-refused", ""


class Form(NamedTuple):
    """What a key holds: in words, as a test, and what becomes of a value that is not so: of each
    kind that is listed, else `other`. `quoted` says that a number may be written as a text."""

    wanted: str
    good: Callable[[object], bool]
    other: str
    kinds: Mapping[str, str] = {}
    quoted: bool = False


def number(value: object) -> float | None:
    """A number as LiteLLM takes it; "60" is one, true is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < _MOST else None


def kind_of_value(value: object) -> str:
    """Which kind of value it is."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, (list, dict, str)) and not value:
        return EMPTY
    if isinstance(value, (list, dict)):
        return LIST if isinstance(value, list) else MAP
    if not isinstance(value, (int, float)):
        return TEXT  # a date too
    return ZERO if value == 0 else NEGATIVE if value < 0 else NUMBER


def told(called: str, node: Node, forms: Mapping[str, Form], notes: Notes) -> set[str]:
    """Says each value that is not what its key holds, by what becomes of it; the keys of these."""
    bad = set()
    for key, value in node.items():
        form = forms.get(key)
        if form is None or value is None or is_good(form, value):
            continue
        bad.add(key)
        kind = kind_of_value(value)
        large = kind == NUMBER and number(value) is None
        code = USED if large else form.kinds.get(kind, form.other)
        path = f"{called}.{key}"
        if code:
            what = f"{path} is {kind}, and {form.wanted} is meant"
            notes.found(node.value_place(key), code, what)
        else:
            why = (
                "the registry has no such number" if large else f"the registry takes {form.wanted}"
            )
            notes.not_carried(node.value_place(key), path, why)
    return bad


def is_good(form: Form, value: object) -> bool:
    """Whether a value is what a key holds."""
    return form.good(number(value) if form.quoted and isinstance(value, str) else value)
