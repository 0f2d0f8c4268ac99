# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scalar as it is written into a registry's file: in place of an old one, or as a new entry."""

from __future__ import annotations

import json
import re
from typing import Union

from .edit_cuts import line_end, line_start
from .edit_nodes import SCALAR, Node
from .yaml_scalars import read_as

Scalar = Union[str, int, float, bool]  # noqa: UP007 - ansible-test knows no other way

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.%/+-]*( [A-Za-z0-9][A-Za-z0-9_.%/+-]*)*")
# What people look for next to each other.
_BESIDE = {"traffic": ("status", "type"), "status": ("type",)}


def written(value: Scalar, style: str = "") -> str:
    """A value as YAML, in the quotes of `style` if it is text; it means the same in any place."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _PLAIN.fullmatch(value) and read_as(value) == "text":
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


def replaced(text: str, node: Node, value: Scalar) -> str:
    """The text with another scalar in the place of one."""
    new = written(value, node.style)
    if node.start == node.end and text[node.start - 1 : node.start] == ":":
        new = f" {new}"  # nothing was written: `key:`
    if node.style in ("|", ">") and text[node.start : node.end].endswith("\n"):
        new += "\n"
    return text[: node.start] + new + text[node.end :]


def inserted(text: str, node: Node, name: str, value: Scalar) -> str | None:
    """The text with a new entry in a mapping; None where a line cannot simply be added."""
    entry = f"{written(name)}: {written(value)}"
    if not node.entries:
        return text[: node.start] + "{" + entry + "}" + text[node.end :] if node.flow else None
    index = _beside(node, name)
    if node.flow:
        at = node.entries[index][1].end
        return f"{text[:at]}, {entry}{text[at:]}"
    key, last = node.entries[index]
    at = line_end(text, last.end)
    line = text[line_start(text, key.start) : line_end(text, key.start)]
    end = "\r\n" if line.endswith("\r\n") else "\n"
    before = text[:at] if text[:at].endswith("\n") else text[:at] + end
    return f"{before}{' ' * key.column}{entry}{end}{text[at:]}"


def _beside(node: Node, name: str) -> int:
    """Behind which entry a new one goes: what it is read with, else the last before the lists."""
    for other in _BESIDE.get(name, ()):
        index = node.find(other)
        if index >= 0 and node.entries[index][1].kind == SCALAR:
            return index
    found = 0
    for index, (_key, value) in enumerate(node.entries):
        if value.kind != SCALAR or value.style in ("|", ">"):
            return max(found, 0) if index else len(node.entries) - 1
        found = index
    return found
