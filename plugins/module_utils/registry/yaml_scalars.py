# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plain YAML scalar means: exactly what yaml.safe_load makes of it, or a warning sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import yaml
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver
except ImportError:  # reported by load.load_registry, where somebody can act on it
    HAS_YAML = False
else:
    HAS_YAML = True

MERGE = "tag:yaml.org,2002:merge"
_STR = "tag:yaml.org,2002:str"
_VALUE = "tag:yaml.org,2002:value"  # of a plain `=`
_WORDS = {"bool": "true or false", "int": "a number", "float": "a number", "null": "nothing"}


class UnreadableError(ValueError):
    """A scalar that looks like a number or a date and is none, such as 2024-13-45."""


def tag_of(text: str) -> str:
    """The tag that YAML 1.1 gives to a plain scalar, as PyYAML's resolver does."""
    table = Resolver.yaml_implicit_resolvers
    for tag, pattern in [*table.get(text[:1], []), *table.get(None, [])]:
        if pattern.match(text):
            return str(tag)
    return _STR


def read_as(text: str) -> str:
    """What YAML takes a plain scalar for, in words; "text" where it is text."""
    tag = tag_of(text)
    return "text" if tag in (_STR, MERGE, _VALUE) else _WORDS.get(tag.rpartition(":")[2], "a date")


class Scalars:
    """Plain scalars to values, each text looked at once."""

    def __init__(self) -> None:
        self._constructor = SafeConstructor()
        self._known: dict[str, Any] = {}
        make = SafeConstructor.yaml_constructors
        self._make: dict[str, Callable[..., Any]] = {
            tag: make[tag] for tag in make if tag is not None and tag != _STR
        }

    def value(self, text: str) -> object:
        """The value of a plain scalar. Raises UnreadableError."""
        try:
            return self._known[text]
        except KeyError:
            pass
        value = self._known[text] = self._construct(text)
        return value

    def _construct(self, text: str) -> object:
        tag = tag_of(text)
        make = self._make.get(tag)
        if make is None:  # text, and the signs `<<` and `=`
            return text
        try:
            return make(self._constructor, yaml.ScalarNode(tag, text))
        except (ValueError, OverflowError, KeyError) as error:
            raise UnreadableError(
                "YAML takes this for a number or a date, and it is none"
            ) from error


def surprise(text: str, value: object) -> str:
    """Why a number is not the one that a reader sees in the file, or "" if it is.

    YAML 1.1 reads 0400 as octal and 1:30 as minutes and seconds. The number itself is not
    repeated: it could be a password.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    digits = text.lstrip("+-")
    if ":" in digits:
        return "colons make this a number of base 60 for YAML"
    octal = len(digits) > 1 and digits[0] == "0" and digits.replace("_", "").isdigit()
    if octal and isinstance(value, int):
        return "a leading 0 makes this an octal number for YAML"
    return ""
