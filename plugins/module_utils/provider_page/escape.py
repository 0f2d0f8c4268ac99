# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of a registry in Markdown and in Mermaid: whatever they hold, they stay words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Of Markdown and of the HTML in it; `:` and `@` where GitHub would make links of them stay.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$])")
_LINE_START = re.compile(r"^(\d*)([-=.])")  # a list, or a line below a heading
# What a label of Mermaid may hold as it is. All else is an entity by number, and no word of its
# grammar, as `end` is, can come out of it because labels stand in quotes.
_PLAIN = re.compile(r"[^\w ./:@,%-]|%(?=%)")


def one_line(words: object) -> str:
    """Without line breaks and other characters that are not seen."""
    return _SPACES.sub(" ", str(words)).strip()


def text(words: object) -> str:
    """As plain text of a paragraph, a list item or a table's cell."""
    marked = _MARKS.sub(r"\\\1", one_line(words).replace("&", "&amp;"))
    return _LINE_START.sub(r"\1\\\2", marked)


def code(words: object) -> str:
    """As code, in a table too; words with a backtick are plain text."""
    said = one_line(words)
    if "`" in said or not said:
        return text(said)
    return f"`{said}`".replace("|", "\\|")


def codes(many: Iterable[object]) -> str:
    """Several, with commas."""
    return ", ".join(code(one) for one in many)


def texts(many: object) -> str:
    """A text, or a list of them, with commas."""
    listed = many if isinstance(many, list) else [many]
    return ", ".join(text(one) for one in listed)


def link(address: object) -> str:
    """An address as a link if it can be one, else as text."""
    said = one_line(address)
    if re.fullmatch(r"https?://[^\s<>\"'`\\|]+", said) and "@" not in said:
        return f"<{said}>"
    return text(said)


def address(url: str) -> str:
    """An address without what may be a key in it: a user, a password, a query."""
    parts = urlsplit(url)
    if not parts.hostname:
        return url
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")


def label(words: object) -> str:
    """The text of a node or an edge of Mermaid, with its quotes."""
    return '"' + _PLAIN.sub(lambda found: f"#{ord(found[0])};", one_line(words)) + '"'
