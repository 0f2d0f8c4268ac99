# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each pattern: where the rules look for those that do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..registry.model import Provider
from ..registry.model_rules import Pattern
from .pattern_text import EXPANDED, NAME, WILDCARD, meaning
from .runaway import endless

_MOST_REPEATS = 4  # over names, of which the longest have some hundred letters


@dataclass(slots=True)
class PatternUse:
    """A pattern, the names that it fits and the `names` of those that are its own in the end.

    `wildcard` is the name that LiteLLM knows it by, "" where it is expanded. `error` and `at` (the
    character, from 0) say why it is no regular expression; `endless` why one may run without end,
    and then it is not tried. `behind` is what takes all that would
    be its own: an earlier pattern, or None where the names have rules of their own.
    """

    pattern: Pattern
    kind: str
    wildcard: str = ""
    error: str = ""
    at: int = 0
    endless: str = ""
    compiled: re.Pattern[str] | None = None
    fits: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    behind: Pattern | None = None


def read(patterns: Iterable[Pattern]) -> list[PatternUse]:
    """The patterns as LiteLLM can be made to follow them, in their order."""
    return [_read(pattern) for pattern in patterns]


def _read(pattern: Pattern) -> PatternUse:
    kind, literal = meaning(pattern.text)
    if kind == WILDCARD:
        return PatternUse(pattern, kind, f"{literal}*")
    if kind == NAME:
        return PatternUse(pattern, kind, fits=[literal])
    try:
        compiled = re.compile(pattern.text)
        why = endless(pattern.text, _MOST_REPEATS)
    except (re.error, OverflowError, RecursionError) as error:
        at = getattr(error, "pos", None) or 0
        return PatternUse(pattern, EXPANDED, error=getattr(error, "msg", str(error)), at=at)
    if why:
        return PatternUse(pattern, EXPANDED, endless=why)
    return PatternUse(pattern, EXPANDED, compiled=compiled)


class Wildcards:
    """Wildcards in the order of the patterns: which is the first that covers a name."""

    def __init__(self) -> None:
        self.first: dict[str, tuple[int, Pattern]] = {}
        self.lengths: list[int] = []

    def add(self, number: int, wildcard: str, pattern: Pattern) -> None:
        """Notes one; of two that are the same the first counts."""
        literal = wildcard[:-1]
        if literal not in self.first:
            self.first[literal] = (number, pattern)
            self.lengths = sorted({*self.lengths, len(literal)})

    def covering(self, name: str, before: int) -> Pattern | None:
        """The first in the list that covers a name, of those in front of number `before`."""
        found = [one for one in self._all(name) if one[0] < before]
        return min(found, key=_number)[1] if found else None

    def _all(self, name: str) -> Iterator[tuple[int, Pattern]]:
        for length in self.lengths:
            if length > len(name):
                return
            one = self.first.get(name[:length])
            if one is not None:
                yield one


def _number(one: tuple[int, Pattern]) -> int:
    return one[0]


def sent(use: PatternUse, provider: Provider) -> str:
    """What a provider is asked for behind a wildcard; `*` is what the `*` of the name stands for.

    A prefix that only names the provider is not sent on, unless its models are written with it.
    """
    if use.pattern.backend_model:
        return use.pattern.backend_model.name
    literal = use.wildcard[:-1]
    owned = literal.endswith("/") and _plain(literal[:-1]) == _plain(provider.name)
    if owned and not any(model.startswith(literal) for model in provider.models):
        return "*"
    return use.wildcard


def _plain(name: str) -> str:
    return re.sub("[-_.]", "", name).lower()


def is_live(use: PatternUse, provider: Provider) -> bool:
    """Whether the provider, which serves, has the model that is named."""
    explicit = use.pattern.backend_model
    return not (explicit and provider.models and explicit.name not in provider.models)
