# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One YAML text to a tree with places, and everything wrong with it on the way.

Reads the parser's events and not PyYAML's constructed objects: tags are then refused before
anything could be made of them, duplicate keys are seen, and it is faster.
"""

from __future__ import annotations

from typing import Any

try:
    import yaml
    from yaml import events
except ImportError:  # reported by load.load_registry, where somebody can act on it
    pass

from .problems import Place, Problem
from .yaml_errors import syntax_problem
from .yaml_parser import parser_of
from .yaml_scalars import Scalars, UnreadableError, read_as, surprise
from .yaml_tree import Mapping, Sequence, Source, packed, pair

Event = Any  # PyYAML's classes of events, which have different attributes

_YAML = "tag:yaml.org,2002:"  # what `!!` stands for

MAX_DEPTH = 40
MAX_NODES = 2_000_000  # counted with every alias written out


class _Stop(Exception):  # noqa: N818 - not an error of the program: the file cannot be read on
    pass


class TreeReader:
    """Reads files into trees; several files share one list of sources, so that they can merge."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.problems: list[Problem] = []
        self._scalars = Scalars()

    def read(self, name: str, text: str) -> object:
        """The value of the only document in `text`, or None where there is none to be had.

        Where the text cannot be read to its end, the value holds the sections before that.
        Problems are appended to `self.problems`; never raises for what stands in the text.
        """
        self._file = len(self.sources)
        self.sources.append(Source(name, text))
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = 0
        self._last: Event = None
        self._root: Mapping | None = None
        self._brackets: list[Event] = []
        try:
            self._parser = parser_of(text)
            return self._document()
        except _Stop:
            return self._root
        except yaml.YAMLError as error:
            source = self.sources[self._file]
            bracket = self._brackets[-1] if self._brackets else None
            self.problems.append(syntax_problem(error, source, self._last, bracket))
            return self._root

    def _document(self) -> object:
        parser = self._parser
        parser.get_event()  # the stream's start
        event = parser.get_event()
        if isinstance(event, events.StreamEndEvent):
            return None
        value = self._node(parser.get_event(), 0)
        parser.get_event()  # the document's end
        event = parser.get_event()
        if not isinstance(event, events.StreamEndEvent):
            self._problem(
                event,
                "several-documents",
                "a second document begins here, after '---'",
                "one document a file; put the rest into a file of its own",
            )
        return value

    def _node(self, event: Event, depth: int) -> object:
        self._nodes += 1
        kind = type(event)
        if kind is events.ScalarEvent:
            if event.anchor is None and event.tag is None:
                self._last = event
                return self._scalars.value(event.value) if event.implicit[0] else event.value
        elif kind is events.AliasEvent:
            return self._alias(event)
        elif depth >= MAX_DEPTH:
            self._stop(
                event, "too-large", "too many levels inside each other", f"{MAX_DEPTH} at most"
            )
        if event.tag is not None:
            self._tag(event)
        before = self._nodes
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        value = self._inner(event, kind, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before + 1)
        return value

    def _inner(self, event: Event, kind: type, depth: int) -> object:
        if kind is events.ScalarEvent:
            self._last = event
            plain = event.implicit[0] and event.tag is None
            return self._scalars.value(event.value) if plain else event.value
        if event.flow_style:
            self._brackets.append(event)
        is_mapping = kind is events.MappingStartEvent
        value = (self._mapping if is_mapping else self._sequence)(event, depth + 1)
        if event.flow_style:
            self._brackets.pop()
        return value

    def _sequence(self, start: Event, depth: int) -> Sequence:
        result = Sequence(self.sources, self._mark(start))
        get_event = self._parser.get_event
        while not isinstance(event := get_event(), events.SequenceEndEvent):
            result.add(self._value(event, depth), self._mark(event))
        return result

    def _mapping(self, start: Event, depth: int) -> Mapping:
        result = Mapping(self.sources, self._mark(start))
        merged: list[Mapping] = []
        if depth == 1:
            self._root = result
        get_event = self._parser.get_event
        while not isinstance(key_event := get_event(), events.MappingEndEvent):
            key = self._key(key_event, depth)
            value_event = get_event()
            value = self._value(value_event, depth)
            if key is None:
                continue
            if key == "<<" and key_event.implicit[0]:
                merged += self._merged(value, value_event)
            elif key not in result or self._duplicate(key_event, key, result.key_place(key)):
                result.put(key, value, pair(self._mark(key_event), self._mark(value_event)))
        for other in merged:  # what stands there itself wins, then the first of the merged
            for key in other:
                if key not in result:
                    result.put(key, other[key], other.marks(key))
        return result

    def _value(self, event: Event, depth: int) -> object:
        """A node as a value: with the checks that concern scalars and their places."""
        try:
            value = self._node(event, depth)
        except UnreadableError as error:
            self._problem(event, "surprising-value", str(error), "put it in quotes")
            return event.value
        if isinstance(value, (int, float)) and isinstance(event, events.ScalarEvent):
            warning = surprise(event.value, value)
            if warning:
                wanted = "the number without leading zeros or colons, or quotes around it"
                self._problem(event, "surprising-value", warning, wanted)
        return value

    def _key(self, event: Event, depth: int) -> str | None:
        """The key as text; None if it can be no key. Says so where YAML makes it something else."""
        if isinstance(event, events.ScalarEvent) and event.tag is None and event.anchor is None:
            self._nodes += 1
            text: str = event.value
            self._last = event
            kind = read_as(text) if event.implicit[0] else "text"
            if kind != "text":
                found = (
                    f"YAML reads the key {text[:40]} as {kind}" if text else "the key is missing"
                )
                wanted = f'the key in quotes, "{text[:40]}"' if text else "a name before the ':'"
                self._problem(event, "bad-key", found, wanted)
            return text
        before = len(self.problems)
        value = self._value(event, depth)
        if isinstance(value, str):
            return value
        del self.problems[before:]  # of '{{ x }}' the inner braces are one such key as well
        jinja = isinstance(event, events.MappingStartEvent) and event.flow_style
        self._problem(
            event,
            "bad-key",
            "a key is no text here" + (" (from '{{'?)" if jinja else ""),
            "text as the key; the registry has no Jinja templates: quote what begins with '{'"
            if jinja
            else "text as the key",
        )
        return None

    def _merged(self, value: object, event: Event) -> list[Mapping]:
        found = value if isinstance(value, Sequence) else [value]
        if all(isinstance(item, Mapping) for item in found):
            return list(found)
        self._problem(
            event, "bad-key", "'<<' merges mappings, and this is none", "an alias of a mapping"
        )
        return []

    def _alias(self, event: Event) -> object:
        if event.anchor not in self._anchors:
            self._stop(
                event,
                "yaml-syntax",
                "an alias ('*...') of an anchor ('&...') that does not stand before it",
                "quotes around text that begins with '*'",
            )
        value, nodes = self._anchors[event.anchor]
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._stop(event, "too-large", "aliases make this file too large when written out", "")
        return value

    def _tag(self, event: Event) -> None:
        self._problem(
            event,
            "yaml-tag",
            f"the YAML tag '{event.tag.replace(_YAML, '!!')[:40]}' is not evaluated",
            "a plain value; quote text that begins with '!'",
        )

    def _duplicate(self, event: Event, key: str, first: Place) -> bool:
        """Says so; whether the new one takes the place of the first."""
        self._problem(
            event,
            "duplicate-key",
            f"'{key[:60]}' was already declared at {first}",
            "each key once; YAML would silently drop one of them",
        )
        return False

    def _problem(self, event: Event, code: str, message: str, expected: str) -> None:
        mark = event.start_mark
        place = Place(self.sources[self._file].name, mark.line + 1, mark.column + 1)
        self.problems.append(Problem(place, code, message, expected))

    def _stop(self, event: Event, code: str, message: str, expected: str) -> None:
        self._problem(event, code, message, expected)
        raise _Stop

    def _mark(self, event: Event) -> int:
        mark = event.start_mark
        return packed(self._file, mark.line, mark.column)
