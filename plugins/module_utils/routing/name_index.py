# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are searched with many regular expressions."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from .pattern_text import needles


class NameIndex:
    """Names in one text, so that those without an expression's needle are never tried."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.text = "\n".join(self.names)
        self.lower = self.text.lower()
        self.simple = self.text.isascii()  # else its lower case may be of another length
        self.starts: list[int] = []
        at = 0
        for name in self.names:
            self.starts.append(at)
            at += len(name) + 1

    def matching(self, compiled: re.Pattern[str]) -> list[str]:
        """The names in which the expression is found, in their order."""
        return [name for name in self._candidates(compiled) if compiled.search(name)]

    def _candidates(self, compiled: re.Pattern[str]) -> Iterable[str]:
        found = needles(compiled.pattern)
        ignoring = bool(compiled.flags & re.IGNORECASE)
        if found is None or (ignoring and not self.simple):
            return self.names
        spaced = bool(compiled.flags & re.VERBOSE)
        if spaced or (ignoring and not compiled.pattern.startswith("(?i)")):
            return self.names
        text = self.lower if ignoring else self.text
        at = sorted({number for needle in found for number in self._holding(text, needle)})
        return [self.names[number] for number in at]

    def _holding(self, text: str, needle: str) -> Iterator[int]:
        position = text.find(needle)
        while position >= 0:
            number = bisect_right(self.starts, position) - 1
            yield number
            if number + 1 == len(self.starts):
                return
            position = text.find(needle, self.starts[number + 1])
