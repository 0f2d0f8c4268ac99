# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular expressions that may try one text in more ways than anybody can wait for.

`(a+)+` and `(a|a)*` can read a run of n letters in about 2**n ways, and all of them are tried where
the rest does not match. Such a repeat is found by following two readings of one text side by side:
if they can part and meet again inside of it, each round doubles the ways. `.*.*.*` reads a text in
about n**3 / 6 ways: each more of such repeats is one more power of the length. And `(a{1,9}){1,9}`
comes to an end after 9**9 ways.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from .pattern_letters import Letters
from .pattern_text import token_at
from .pattern_tree import MANY, Choice, Few, Node, Repeat, Row, tree

_MOST_POSITIONS = 150  # in one repeat; a longer one is not looked at
_MOST_PARTS = 1000  # of a row
_MOST_WAYS = 100_000  # of a repeat that ends: some 0.01 s where the rest does not match
_AHEAD = re.compile(r"(?<!\\)\(\?<?[=!]")  # (?=...), (?<!...): read by themselves


def endless(expression: str, most: int) -> str:
    """Why an expression may run without end, "" if it comes to one. `most`: repeats in a row that
    can take letters from one another; how many of these are quick depends on the texts."""
    found = runaway(expression)
    if found:
        return f"'{found}' can read one text in more ways than can be tried"
    several = "){" in expression or sum(map(expression.count, "*+{")) > most
    times = power(expression) if several else 0
    if times > most:
        return f"{times} repeats in a row can take letters from one another, and {most} are enough"
    return ""


def runaway(expression: str) -> str:
    """The part of an expression that may run without end, "" if there is none."""
    if not re.search(r"\)[*+{]", expression):
        return ""
    ahead = (token_at(expression, found.start()) for found in _AHEAD.finditer(expression))
    parts = [expression, *(_AHEAD.sub("", token, count=1)[:-1] for token in ahead)]
    for part in parts:
        for repeat in _repeats(tree(part)):
            if isinstance(repeat, Few):
                if _ways(repeat) <= _MOST_WAYS:
                    continue
                repeat = Repeat(repeat.body, False, repeat.text)
            if Readings(repeat).are_many():
                return repeat.text
    return ""


def power(expression: str) -> int:
    """How many repeats in a row can take letters from one another: the power of the length by
    which an expression is slow. Measured: five take 0.02 s for a name of 60 letters that they do
    not match, and eight take 35 s."""
    return max((_power(one) for one in _rows(tree(expression))), default=0)


def _rows(node: Node) -> Iterator[list[Node]]:
    """The parts of each alternative, one after the other; alternatives inside are parts."""
    for one in node.nodes if isinstance(node, Choice) else (node,):
        yield list(islice(_parts(one), _MOST_PARTS))


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, Few):
        several = any(isinstance(one, Repeat) for one in _repeats(node.body))
        node = Row((node.body,) * node.most) if several else node.copies
    nodes = node.nodes if isinstance(node, Row) else ()
    if isinstance(node, Choice) and len(node.nodes) == 1:
        nodes = node.nodes
    if not nodes and not isinstance(node, Row):
        yield node
    for one in nodes:
        yield from _parts(one)


def _power(parts: list[Node]) -> int:
    most = count = 0
    before: Letters = frozenset()
    for one in parts:
        some = _letters_of(one)
        if isinstance(one, Repeat):
            count = count + 1 if before & some else 1
            before = some
        elif isinstance(one, Choice):
            most = max(most, *(_power(row) for row in _rows(one)), 0)
            if Row(()) not in one.nodes and not before & some:
                before = frozenset()
        elif not before & some:
            before = frozenset()
        most = max(most, count)
    return most


def _letters_of(node: Node) -> Letters:
    if isinstance(node, frozenset):
        return node
    inside = (node.body,) if isinstance(node, (Repeat, Few)) else node.nodes
    return frozenset().union(*map(_letters_of, inside))


def _ways(node: Node) -> int:
    """In how many ways something can be read at the most, what has no end as if it ended."""
    if isinstance(node, (Few, Repeat)):
        least, most = (node.least, node.most) if isinstance(node, Few) else (1, MANY)
        each = min(_ways(node.body), _MOST_WAYS)
        return sum(each**times for times in range(least, most + 1))
    if isinstance(node, frozenset):
        return 1
    each_of = map(_ways, node.nodes)
    return sum(each_of) if isinstance(node, Choice) else math.prod(each_of)


def _repeats(node: Node) -> Iterator[Repeat | Few]:
    """The outermost of them, and what stands in those that end."""
    if isinstance(node, (Repeat, Few)):
        yield node
    if isinstance(node, Few):
        yield from _repeats(node.body)
    elif isinstance(node, (Choice, Row)):
        for one in node.nodes:
            yield from _repeats(one)


class Ends(NamedTuple):
    """Which positions a part may begin and end with, and whether it may be empty."""

    first: list[int]
    last: list[int]
    empty: bool


class Readings:
    """How a repeat can be read: its letters as positions, and which follows which."""

    def __init__(self, repeat: Repeat) -> None:
        self.letters: list[Letters] = []
        self.follow: list[list[int]] = []  # with doubles, where there are two ways from one to one
        self._walk(repeat)

    def are_many(self) -> bool:
        """Whether two readings of one text may part and meet again.

        All positions of a repeat follow one another in some number of steps, so that two readings
        that meet can part again.
        """
        if len(self.letters) > _MOST_POSITIONS:
            return False
        if any(len(set(after)) < len(after) for after in self.follow):
            return True
        seen: set[tuple[int, int]] = set()
        pending = [(at, at) for at in range(len(self.letters))]
        while pending:
            one, other = pending.pop()
            for pair in self._next(one, other):
                if one != other and pair[0] == pair[1]:
                    return True
                if pair[0] != pair[1] and pair not in seen:
                    seen.add(pair)
                    pending.append(pair)
        return False

    def _next(self, one: int, other: int) -> Iterator[tuple[int, int]]:
        for left in self.follow[one]:
            for right in self.follow[other]:
                if self.letters[left] & self.letters[right]:
                    yield left, right

    def _walk(self, node: Node) -> Ends:
        if isinstance(node, Repeat):
            ends = self._walk(node.body)
            self._link(ends.last, ends.first)
            return Ends(ends.first, ends.last, ends.empty or node.may_lack)
        if isinstance(node, Few):
            node = node.copies
        if isinstance(node, Choice):
            parts = [self._walk(one) for one in node.nodes]
            first = [at for part in parts for at in part.first]
            last = [at for part in parts for at in part.last]
            return Ends(first, last, any(part.empty for part in parts))
        if isinstance(node, Row):
            return self._row(node)
        self.letters.append(node)
        self.follow.append([])
        at = len(self.letters) - 1
        return Ends([at], [at], False)

    def _row(self, row: Row) -> Ends:
        whole = Ends([], [], True)
        for one in row.nodes:
            part = self._walk(one)
            self._link(whole.last, part.first)
            first = [*whole.first, *part.first] if whole.empty else whole.first
            last = [*whole.last, *part.last] if part.empty else part.last
            whole = Ends(first, last, whole.empty and part.empty)
        return whole

    def _link(self, last: list[int], first: list[int]) -> None:
        for at in last:
            self.follow[at].extend(first)
