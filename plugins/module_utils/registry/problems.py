# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a registry, where, and what to write instead."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

ERROR = "error"
WARNING = "warning"
MANY = 100  # names


class Place(NamedTuple):
    """Where a key or a value stands. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One finding.

    `message` says what was found, and at which path of the registry; `expected` what would be
    right; `suggestion` is the nearest known name, if one is near enough. `code` has a section of
    its own in docs/problems.md. An `error` stops everything before a host is touched.
    """

    place: Place
    code: str
    message: str
    expected: str = ""
    suggestion: str = ""
    severity: str = ERROR

    def __str__(self) -> str:
        parts = [f"{self.place}: {self.severity}[{self.code}]: {self.message}"]
        if self.suggestion:
            parts.append(f"Did you mean '{self.suggestion}'?")
        if self.expected:  # advice in whole sentences stands by itself
            sentence = self.expected[0].isupper() and self.expected[-1] == "."
            parts.append(self.expected if sentence else f"Expected: {self.expected}")
        return " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts)

    def as_dict(self) -> dict[str, str | int]:
        """The same for machines: flat, JSON-ready."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "suggestion": self.suggestion,
        }


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by place, each finding once."""
    return sorted(set(problems), key=lambda p: (p.place, p.severity, p.code, p.message))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether anything here must stop a deploy."""
    return any(problem.severity == ERROR for problem in problems)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was most likely meant, or "" if none is near."""
    names = tuple(known)
    if len(names) > MANY:  # comparing with all would take longer than everything else
        names = tuple(_one_off(word, names))
    found = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return found[0] if found else ""


def _one_off(word: str, names: tuple[str, ...]) -> set[str]:
    """The names that differ from a word by a letter, or by one lost here and one there."""
    index = _by_letters_lost(names)
    return {name for short in _one_lost(word) for name in index.get(short, ())[:MANY]}


@functools.lru_cache(maxsize=8)
def _by_letters_lost(names: tuple[str, ...]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for name in names:
        for short in _one_lost(name):
            index.setdefault(short, []).append(name)
    return index


def _one_lost(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
