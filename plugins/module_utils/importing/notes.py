# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import has to say: findings, what is not carried over, what is left to do by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..registry.problems import Place, nearest
from .kinds import KINDS

_MOST_NAMES = 8
NOWHERE = Place("", 1, 1)


@dataclass(frozen=True)
class Finding:
    """A latent mistake: `what` stands there, what happens `today`, what the registry has."""

    place: Place
    code: str
    what: str
    instead: str = ""
    suggestion: str = ""

    @property
    def effect(self) -> str:
        return KINDS[self.code].effect

    def as_dict(self) -> dict[str, str | int]:
        """Flat, JSON-ready."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "code": self.code,
            "effect": self.effect,
            "what": self.what,
            "today": KINDS[self.code].today,
            "instead": self.instead or KINDS[self.code].instead,
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True)
class Left:
    """Something that the registry has no word for, and why."""

    place: Place
    what: str
    why: str

    def as_dict(self) -> dict[str, str | int]:
        """Flat, JSON-ready."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "what": self.what,
            "why": self.why,
        }


@dataclass
class Notes:
    """Collects all of it. `errors` stop the import; `todo` are sentences, in their order."""

    findings: list[Finding] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    todo: dict[str, None] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def found(self, place: Place, code: str, what: str, instead: str = "", near: str = "") -> None:
        """One more finding; `code` is a row of KINDS."""
        if code not in KINDS:  # a slip of ours, not of the file
            raise KeyError(code)
        self.findings.append(Finding(place, code, what, instead, near))

    def not_carried(self, place: Place, what: str, why: str) -> None:
        self.left.append(Left(place, what, why))

    def by_hand(self, sentence: str) -> None:
        self.todo[sentence] = None

    def unknown(self, place: Place, code: str, path: str, key: str, known: tuple[str, ...]) -> None:
        """A key that means nothing at `path`."""
        self.found(place, code, f"{path}{'.' if path else ''}{key}", near=nearest(key, known))

    def in_order(self) -> tuple[list[Finding], list[Left]]:
        """Both sorted by place, each once."""
        findings = sorted(set(self.findings), key=lambda one: (one.place, one.code, one.what))
        left = sorted(set(self.left), key=lambda one: (one.place, one.what))
        return findings, left


def listing(names: Iterable[str]) -> str:
    """Names for a sentence, each once; not a page of them."""
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return ", ".join(found[:_MOST_NAMES]) + more
