# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular expressions that may try one text in more ways than anybody can wait for.

`(a+)+` and `(a|a)*` can read a run of n letters in about 2**n ways, and all of them are tried where
the rest does not match. Such a repeat is found by following two readings of one text side by side:
if they can part and meet again inside of it, each round doubles the ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Union

from .pattern_letters import Letters, letters
from .pattern_text import alternatives, token_at

_REPEAT = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})[?+]?")
_MOST_POSITIONS = 150  # in one repeat; a longer one is not looked at
_MANY = 10  # times; as good as without end
_COPIES = 3  # of what is repeated a few times
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|\?[aiLmsux]+:|\?>)?(?!\?)")

WAYS = "can read one text in more ways than can be tried"
_AHEAD = re.compile(r"(?<!\\)\(\?<?[=!]")  # (?=...), (?<!...): read by themselves


class Repeat(NamedTuple):
    """Something that is repeated without end; `may_lack` if also no time. `text` is as written."""

    body: Node
    may_lack: bool
    text: str


class Choice(NamedTuple):
    """One of several."""

    nodes: tuple[Node, ...]


class Row(NamedTuple):
    """One after the other."""

    nodes: tuple[Node, ...]


Node = Union[Letters, Repeat, Choice, Row]  # noqa: UP007 - for ansible-test


def runaway(expression: str) -> str:
    """The part of an expression that may run without end, "" if there is none."""
    if not re.search(r"\)[*+{]", expression):
        return ""
    folded = bool(re.match(r"\(\?[a-zA-Z]*i", expression))
    ahead = (token_at(expression, found.start()) for found in _AHEAD.finditer(expression))
    parts = [expression, *(_AHEAD.sub("", token, count=1)[:-1] for token in ahead)]
    for part in parts:
        for repeat in _repeats(_choice(part, folded)):
            if Readings(repeat).are_many():
                return repeat.text
    return ""


def _choice(expression: str, folded: bool) -> Node:
    return Choice(tuple(_row(part, folded) for part in alternatives(expression)))


def _row(part: str, folded: bool) -> Row:
    nodes: list[Node] = []
    at = 0
    while at < len(part):
        token = token_at(part, at)
        at += len(token)
        node = _node(token, folded)
        repeated = _REPEAT.match(part, at)
        if repeated:
            at = repeated.end()
            node = _repeated(node, repeated, token)
        nodes.append(node)
    return Row(tuple(nodes))


def _node(token: str, folded: bool) -> Node:
    group = _GROUP.match(token)
    if group:
        return _choice(token[group.end() : -1], folded)
    found = frozenset() if token.startswith("(") else letters(token, folded)
    return found or Row(())


def _repeated(node: Node, written: re.Match[str], token: str) -> Node:
    sign, low, comma, high = written.groups()
    least = {"*": 0, "+": 1, "?": 0}.get(sign, int(low or 0))
    most = {"*": _MANY, "+": _MANY, "?": 1}.get(sign)
    if most is None:
        most = int(high) if high else _MANY if comma else least
    if most >= _MANY:
        return Repeat(node, least == 0, token + sign)
    optional = Choice((node, Row(())))
    copies = min(most, _COPIES)
    return Row(tuple(node if copy < least else optional for copy in range(copies)))


def _repeats(node: Node) -> Iterator[Repeat]:
    """The outermost of them."""
    if isinstance(node, Repeat):
        yield node
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
