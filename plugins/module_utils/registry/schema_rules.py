# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A compiled schema: what a value of the registry may be.

JSON Schema's own meaning for the keywords that schemas/ uses (a test holds it to the reference
implementation), but compiled once into plain Python, because a registry of ten thousand models
has to be checked in the time that it takes to read it, and because each failure must end in a
sentence of our own. A keyword that is not known here is an error when the schema is compiled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Test = Callable[[Any], bool]

_IGNORED = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "examples", "default", "x-kind"}
    | {"x-problem", "x-expected", "x-instead", "x-not-yet", "x-not-yet-unless", "x-until-then"}
    | {"x-unknown", "x-meant"}
)
_STRUCTURE = frozenset(
    {"type", "properties", "patternProperties", "additionalProperties", "propertyNames", "items"}
    | {"required", "minProperties", "oneOf", "not", "dependentRequired"}
)


def kind_of(value: object) -> str:
    """JSON Schema's name for a value's type; "date" and the like for what JSON does not have."""
    return _KINDS.get(type(value)) or (
        "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "date"
    )


_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class Failure(NamedTuple):
    """A keyword of a rule that a value breaks; `detail` is the key that it is about, if any."""

    keyword: str
    detail: str = ""


class Rule:
    """One schema, compiled. `spec` is the schema itself, for its descriptions."""

    def __init__(self, spec: dict[str, Any]) -> None:
        unknown = [key for key in spec if key not in _IGNORED | _STRUCTURE and key not in _TESTS]
        if unknown:
            raise ValueError(f"the schema checker does not know the keywords {unknown}")
        self.spec = spec
        wanted = spec.get("type", [])
        self.types = frozenset([wanted] if isinstance(wanted, str) else wanted)
        self.tests = [(key, *_TESTS[key](spec[key])) for key in spec if key in _TESTS]
        self.properties = {
            key: Rule(one) if one is not False else None
            for key, one in spec.get("properties", {}).items()
        }
        self.patterns = [
            (re.compile(pattern), None if one is True else Rule(one))
            for pattern, one in spec.get("patternProperties", {}).items()
        ]
        more = spec.get("additionalProperties", True)
        self.open = more is True and not self.patterns
        self.additional = Rule(more) if isinstance(more, dict) else None
        self.names = Rule(spec["propertyNames"]) if "propertyNames" in spec else None
        self.items = Rule(spec["items"]) if "items" in spec else None
        self.fits = self._leaf() if self.types <= _SCALARS and "x-not-yet" not in spec else None

    def failure(self, value: object) -> Failure | None:
        """The first keyword about the value itself (not about its parts) that it breaks."""
        kind = kind_of(value)
        if not self._type_fits(kind):
            return Failure("type")
        if kind == "number" and not math.isfinite(value):  # type: ignore[arg-type]
            return Failure("type")
        for keyword, kinds, test in self.tests:
            if kind in kinds and not test(value):
                return Failure(keyword)
        return None

    def shape_failures(self, value: dict[str, Any]) -> Iterator[Failure]:
        """What a mapping breaks with the keys that it has and lacks."""
        spec = self.spec
        for key in spec.get("required", ()):
            if key not in value:
                yield Failure("required", key)
        if len(value) < spec.get("minProperties", 0):
            yield Failure("minProperties")
        choice = [branch["required"][0] for branch in spec.get("oneOf", ())]
        if choice and sum(key in value for key in choice) != 1:
            yield Failure("oneOf", ", ".join(choice))
        together = spec.get("not", {}).get("required", ())
        if together and all(key in value for key in together):
            yield Failure("not", " and ".join(together))
        for key, needed in spec.get("dependentRequired", {}).items():
            for other in needed if key in value else ():
                if other not in value:
                    yield Failure("dependentRequired", other)

    def rules_of(self, key: str) -> list[Rule | None] | None:
        """The rules for a key's value, None standing for "anything"; no list: not allowed."""
        if key in self.properties:
            rule = self.properties[key]
            return None if rule is None else [rule]
        found = [rule for pattern, rule in self.patterns if pattern.search(key)]
        if found:
            return found
        if self.additional is not None:
            return [self.additional]
        return [None] if self.open else None

    def _type_fits(self, kind: str) -> bool:
        types = self.types
        return not types or kind in types or (kind == "integer" and "number" in types)

    def _leaf(self) -> Test:
        """For scalars: whether a value is right, as fast as can be."""
        if self.types == {"string"} and [test[0] for test in self.tests] == ["minLength"]:
            return lambda value: isinstance(value, str) and value != ""
        known: set[object] = set()

        def fits(value: object) -> bool:
            key = (type(value), value)
            try:
                if key in known:
                    return True
            except TypeError:  # a list or a mapping
                return False
            right = self.failure(value) is None
            if right and len(known) < 100_000:
                known.add(key)
            return right

        return fits


_SCALARS = frozenset({"string", "number", "integer", "boolean"})
_STRING = frozenset({"string"})
_NUMBER = frozenset({"number", "integer"})
_ARRAY = frozenset({"array"})
_ANY = frozenset({*_SCALARS, "array", "object", "null", "date"})


def _pattern(pattern: str) -> Test:
    compiled = re.compile(_DOLLAR.sub(lambda found: found.group(1) or r"\Z", pattern))
    return lambda value: compiled.search(value) is not None


# Python's `$` also matches before a line break at the end: find those that are no literal ones.
_DOLLAR = re.compile(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$")


def _enum(choices: list[Any]) -> Test:
    return lambda value: any(type(value) is type(one) and value == one for one in choices)


def _unique(wanted: bool) -> Test:
    return lambda value: not wanted or all(one not in value[:i] for i, one in enumerate(value))


_Made = tuple[frozenset[str], Test]
_TESTS: dict[str, Callable[[Any], _Made]] = {
    "enum": lambda choices: (_ANY, _enum(choices)),
    "pattern": lambda pattern: (_STRING, _pattern(pattern)),
    "minLength": lambda least: (_STRING, lambda value: len(value) >= least),
    "maxLength": lambda most: (_STRING, lambda value: len(value) <= most),
    "minimum": lambda least: (_NUMBER, lambda value: value >= least),
    "maximum": lambda most: (_NUMBER, lambda value: value <= most),
    "exclusiveMaximum": lambda bound: (_NUMBER, lambda value: value < bound),
    "exclusiveMinimum": lambda bound: (_NUMBER, lambda value: value > bound),
    "minItems": lambda least: (_ARRAY, lambda value: len(value) >= least),
    "uniqueItems": lambda wanted: (_ARRAY, _unique(wanted)),
}
