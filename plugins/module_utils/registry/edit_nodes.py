# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A YAML text as nodes that know where in the text they begin and end, for exact edits of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

with contextlib.suppress(ImportError):  # said by load.load_registry, where one can act on it
    from yaml import events

from .problems import Place, Problem
from .yaml_parser import parser_of

Event = Any  # PyYAML's classes of events, which have different attributes

SCALAR, ALIAS, MAPPING, SEQUENCE = "scalar", "alias", "mapping", "sequence"


class EditError(ValueError):
    """A file that cannot be edited with certainty; `problem` says where, and what to do by hand."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Node:
    """A part of a text, from offset `start` up to `end`: the end of the last thing in it.

    `text` is a scalar's value or an alias's name; `style` a scalar's quote, "|" or ">", or "".
    Lines and columns count from 0.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    anchor: str = ""
    text: str = ""
    style: str = ""
    flow: bool = False
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Node, Node]] = field(default_factory=list)

    def find(self, key: str) -> int:
        """The index of the entry with this key, or -1."""
        for index, (name, _value) in enumerate(self.entries):
            if name.kind == SCALAR and name.text == key:
                return index
        return -1

    def walk(self) -> Iterator[Node]:
        """This node and all in it."""
        yield self
        for item in self.items:
            yield from item.walk()
        for pair in self.entries:
            for part in pair:
                yield from part.walk()


def read_nodes(text: str) -> Node | None:
    """The root of the only document in a text that load_registry could read; None if it is empty.

    Raises YAMLError for a text that is no YAML.
    """
    parser = parser_of(text)
    while True:
        event = parser.get_event()
        if isinstance(event, events.StreamEndEvent):
            return None
        if isinstance(event, events.DocumentStartEvent):
            return _node(parser, parser.get_event())


def _node(parser: Any, event: Event) -> Node:  # noqa: ANN401 - two classes with no common one
    mark = event.start_mark
    node = Node(SCALAR, mark.index, event.end_mark.index, mark.line, mark.column)
    if isinstance(event, events.AliasEvent):
        node.kind, node.text = ALIAS, event.anchor or ""
        return node
    node.anchor = event.anchor or ""
    if isinstance(event, events.ScalarEvent):
        node.text, node.style = event.value, event.style or ""
        return node
    node.flow = bool(event.flow_style)
    closed = _fill(parser, node, isinstance(event, events.MappingStartEvent))
    # A block ends for the parser where the next thing begins; for an edit where its last one ends.
    parts = [node.items[-1:], [value for _key, value in node.entries[-1:]]]
    last = next((part[0] for part in parts if part), None)
    if node.flow:
        node.end = closed.end_mark.index
    elif last is not None:
        node.end = last.end
    return node


def _fill(parser: Any, node: Node, is_mapping: bool) -> Event:  # noqa: ANN401 - as above
    """Everything inside; the event that ends it."""
    node.kind = MAPPING if is_mapping else SEQUENCE
    while True:
        event = parser.get_event()
        if isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            return event
        first = _node(parser, event)
        if is_mapping:
            node.entries.append((first, _node(parser, parser.get_event())))
        else:
            node.items.append(first)


def refusal(file: str, node: Node, message: str, by_hand: str) -> EditError:
    """An EditError at the place of a node."""
    place = Place(file, node.line + 1, node.column + 1)
    return EditError(Problem(place, "cannot-edit", message, by_hand))
