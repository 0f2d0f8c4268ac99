# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences for what breaks a schema: what was found, and what to write instead.

Each function returns (code, message, expected, suggestion).
"""

from __future__ import annotations

import math
import re
from typing import Any

from .problems import nearest
from .schema_faults import EXPLAINED
from .schema_rules import Failure, Rule, kind_of
from .schema_spots import Spot, is_variable, looks_secret, names_secret, shown_key

Words = tuple[str, str, str, str]

_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
    "date": "a date",
}
_HIDDEN = frozenset({"integer", "number", "date"})
_LISTED = 12  # so many names can be listed in a message


def wrong_value(rule: Rule, failure: Failure, spot: Spot) -> Words:
    """For a value that breaks `failure.keyword` of its rule."""
    if failure.keyword == "type":
        return _wrong_type(rule, spot)
    code = rule.spec.get("x-problem", "bad-value")
    expected = rule.spec.get("x-expected", "")
    if failure.keyword in ("enum", "pattern") and spot.continued():
        message = f"{spot.path()} goes on in this line"
        return code, message, f"one line for it; is a '- ' or a ': ' missing here? {expected}", ""
    if failure.keyword == "enum":
        return _wrong_choice(rule, code, spot)
    if failure.keyword in ("pattern", "maxLength") and code in EXPLAINED:
        code, why, better = EXPLAINED[code](str(spot.value))
        return code, f"{spot.path()} {why}", better or expected, ""
    if failure.keyword == "minLength":
        return "bad-value", f"{spot.path()} is empty", expected or _purpose(rule), ""
    if failure.keyword == "minItems":
        return "bad-value", f"{spot.path()} is an empty list", "at least one entry", ""
    if failure.keyword == "uniqueItems":
        return "bad-value", f"{spot.path()} has an entry twice", "each entry once", ""
    expected = expected or _bounds(rule.spec)
    return code, f"{spot.path()} is {spot.shown()}", expected, ""


def wrong_shape(rule: Rule, failure: Failure, spot: Spot) -> Words:
    """For a mapping with keys missing, or with keys that do not go together."""
    key, path = failure.detail, spot.path()
    if failure.keyword == "oneOf":
        given = [name for name in key.split(", ") if name in _mapping(spot)]
        found = f"has {' and '.join(given)}" if given else "has none of these keys"
        return "bad-value", f"{path} {found}", f"exactly one of {key}", ""
    if failure.keyword == "not":
        return "bad-value", f"{path} has {key}", "only one of them", ""
    if failure.keyword == "minProperties":
        return "bad-value", f"{path} is an empty mapping", _first_keys(rule), ""
    inner = rule.properties.get(key)
    purpose = _purpose(inner) if inner else ""
    return "missing-key", f"{path} has no '{key}'", f"'{key}: ...', {purpose}", ""


def unknown_key(rule: Rule, spot: Spot) -> Words:
    """For a key that does not belong where it stands."""
    key = str(spot.key)
    where = spot.above.path() if spot.above else "the registry"
    advice = rule.spec.get("x-instead", {}).get(key, "")
    if names_secret(key) and isinstance(spot.value, str):
        expected = advice or "no secret in the registry: name an environment variable"
        if not is_variable(spot.value):
            return "literal-secret", f"{where}.{key} holds a key in plain text", expected, ""
    message = f"{where} has no key '{shown_key(key)}'"
    if " " in advice:
        return "unknown-key", message, advice, ""
    known = [name for name, one in rule.properties.items() if one is not None]
    near = advice or nearest(key, known)
    listed = f"one of {', '.join(known)}" if not near and len(known) <= _LISTED else ""
    hint = "" if near else "a key that the registry knows, or 'x-...' for one of your own"
    return "unknown-key", message, listed or hint, near


def _wrong_choice(rule: Rule, code: str, spot: Spot) -> Words:
    choices = [str(one) for one in rule.spec["enum"]]
    word = str(spot.value).lower()
    near = rule.spec.get("x-meant", {}).get(word.replace("-", "_"), "") or nearest(word, choices)
    message = f"{spot.path()} is {spot.shown()}"
    return code, message, f"one of {', '.join(choices)}", near


def _wrong_type(rule: Rule, spot: Spot) -> Words:
    value, types = spot.value, rule.types
    kind = kind_of(value)
    path, shown = spot.path(), spot.shown()
    if rule.spec.get("x-problem") == "bad-variable-name" and kind in _HIDDEN:
        message = f"{path} is no text; it is not shown here, as it may be a key"
        return "wrong-type", message, _wanted(rule), ""
    if kind == "null":
        return "wrong-type", f"{path} has no value", f"{_wanted(rule)}, or no such key", ""
    if "string" in types and kind in ("boolean", "integer", "number", "date"):
        message = f"{path} is {shown}, which YAML reads as {_TYPE_WORDS[kind]}"
        if kind == "boolean":
            message = f"{path} is {shown}, which YAML reads as {str(value).lower()}"
        return "wrong-type", message, f'{_wanted(rule)}; as text in quotes: "{spot.written()}"', ""
    if kind == "string":
        return _text_instead(rule, spot)
    if kind == "object" and "array" in types:
        return "wrong-type", f"{path} is a mapping", f"a list: {_dashes(rule)}", ""
    if kind == "object" and types == {"string"}:
        expected = "text; text that contains ': ' must be quoted"
        return "wrong-type", f"{path} is a mapping", expected, ""
    if kind == "array" and types == {"object"}:
        return "wrong-type", f"{path} is a list", "a mapping: 'name:' in place of '- name: ...'", ""
    return "wrong-type", f"{path} is {shown}", _wanted(rule), ""


def _text_instead(rule: Rule, spot: Spot) -> Words:
    path, text = spot.path(), str(spot.value).strip()
    message = f"{path} is {spot.shown()}, a text"
    types = rule.types
    key, colon, rest = text.partition(":")
    if types & {"object", "array"} and colon and rest and " " not in key and key in _inside(rule):
        return "wrong-type", message, f"a space after the colon of '{key}:'", ""
    if types & {"integer", "number"} and _is_number(text):
        return "wrong-type", message, _number_wanted(text), ""
    if "boolean" in types and text.lower() in ("true", "false", "yes", "no", "on", "off"):
        word = "true" if text.lower() in ("true", "yes", "on") else "false"
        return "wrong-type", message, f"{word}, without quotes", ""
    if types == {"array"}:
        listed = f"[{text}]" if re.fullmatch(r"[\w ,.-]{1,40}", text) else _dashes(rule)
        return (
            "wrong-type",
            message,
            f"a list: {_dashes(rule) if looks_secret(text) else listed}",
            "",
        )
    return "wrong-type", message, _wanted(rule), ""


def _wanted(rule: Rule) -> str:
    types = [name for name in _TYPE_WORDS if name in rule.types]
    words = " or ".join(_TYPE_WORDS[name] for name in types)
    if "enum" in rule.spec:
        return f"one of {', '.join(str(one) for one in rule.spec['enum'])}"
    expected = rule.spec.get("x-expected", "")
    if expected:
        return str(expected)
    keys = _first_keys(rule)
    return f"{words} with {keys}" if rule.types == {"object"} and keys else words


def _first_keys(rule: Rule) -> str:
    names = [name for name, one in rule.properties.items() if one is not None]
    return f"keys such as {', '.join(names[:4])}" if names else "names as its keys"


def _inside(rule: Rule) -> list[str]:
    parts = [rule, rule.additional, rule.items]
    return [name for part in parts if part is not None for name in part.properties]


def _dashes(rule: Rule) -> str:
    item = rule.items
    if item is not None and item.types == {"object"}:
        first = next(iter(item.spec.get("required", ["name"])))
        return f"'- {first}: ...', one line each"
    return "'- ...', one line each"


def _bounds(spec: dict[str, Any]) -> str:
    parts = [
        f"{word} {spec[key]}"
        for key, word in (
            ("exclusiveMinimum", "above"),
            ("minimum", "at least"),
            ("maximum", "at most"),
            ("maxLength", "characters: at most"),
        )
        if key in spec
    ]
    words = {"integer": "a whole number"}.get(str(spec.get("type")), "a number")
    return f"{words}, {' and '.join(parts)}" if parts else ""


def _purpose(rule: Rule) -> str:
    """What a key is for, as the rest of a sentence: the beginning of its description."""
    first = re.split(r"[.;:]", str(rule.spec.get("description", "")), maxsplit=1)[0]
    return first[:1].lower() + first[1:]


def _mapping(spot: Spot) -> dict[str, Any]:
    return spot.value if isinstance(spot.value, dict) else {}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number_wanted(text: str) -> str:
    power = re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", text)
    if power and not (power[2] and power[3]):  # YAML 1.1 reads 1e-9 as a text
        written = f"{power[1]}{power[2] or '.0'}e{power[3] or '+'}{power[4]}"
        return f"the number as YAML reads it: {written[:40]}"
    return f"the number without quotes: {text[:40]}"
