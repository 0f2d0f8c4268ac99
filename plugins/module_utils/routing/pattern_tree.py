# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A regular expression as a tree: rows, choices, repeats, and letters at the ends."""

from __future__ import annotations

import re
from typing import NamedTuple, Union

from .pattern_letters import Letters, letters
from .pattern_text import alternatives, token_at

_REPEAT = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})[?+]?")
MANY = 10  # times; as good as without end
_COPIES = 3  # of what is repeated a few times
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|\?[aiLmsux]+:|\?>)?(?!\?)")


class Repeat(NamedTuple):
    """Something that is repeated without end; `may_lack` if also no time. `text` is as written."""

    body: Node
    may_lack: bool
    text: str


class Few(NamedTuple):
    """Something that is repeated a few times. `text` is as written."""

    body: Node
    least: int
    most: int
    text: str

    @property
    def copies(self) -> Row:
        """Some of them, one after the other: `a(a(a)?)?`, which is read in one way."""
        rest = Row(())
        for copy in reversed(range(min(self.most, _COPIES))):
            row = Row((self.body, *rest.nodes))
            rest = row if copy < self.least else Row((Choice((row, Row(()))),))
        return rest


class Choice(NamedTuple):
    """One of several."""

    nodes: tuple[Node, ...]


class Row(NamedTuple):
    """One after the other."""

    nodes: tuple[Node, ...]


Node = Union[Letters, Repeat, Few, Choice, Row]  # noqa: UP007 - for ansible-test


def tree(expression: str) -> Node:
    """The tree of an expression; what looks ahead or back is an empty row in it."""
    return _choice(expression, bool(re.match(r"\(\?[a-zA-Z]*i", expression)))


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
    most = {"*": MANY, "+": MANY, "?": 1}.get(sign)
    if most is None:
        most = int(high) if high else MANY if comma else least
    if most >= MANY:
        return Repeat(node, least == 0, token + sign)
    return Few(node, least, most, token + sign)
