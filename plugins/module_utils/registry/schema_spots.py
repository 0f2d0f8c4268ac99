# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where in the registry something stands, and how it may be shown.

Nothing that could be a key is ever echoed, wherever somebody wrote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .problems import Place
from .schema_rules import kind_of
from .yaml_tree import Mapping, Sequence

MAX_SHOWN = 60

# Names of keys whose values are secrets; `max_output_tokens` and `env_var` are none of them.
_SECRET_NAME = re.compile(
    r"(^|[_-])(api[_-]?key|key|token|secret|password|passwd|credentials?|authorization)$",
    re.I,
)
_SECRET_TEXT = re.compile(
    r"\b(sk|gsk|hf|xai|pplx|ghp|github_pat|glpat|r8)[-_][A-Za-z0-9_-]{6}"
    r"|\bAIza[A-Za-z0-9_-]{10}|\bAKIA[A-Z0-9]{12}|\beyJ[A-Za-z0-9_-]{10}|://[^/\s]*@"
    r"|\b[Bb]earer\s+[^\s$]"
)
_RANDOM = re.compile(r"[A-Za-z0-9_+/=]{24,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARIABLE = re.compile(r"^\s*(Bearer\s+)?(\$\{?\w+\}?|os\.environ/\w+|\{\{.*\}\})\s*$", re.I)

_BLANKS = re.compile(r"\s+")
_NAMING_KEYS = ("name", "pattern", "size", "provider", "model")


def names_secret(key: str) -> bool:
    """Whether the value under this key would be a secret."""
    return key != "requires_api_key" and _SECRET_NAME.search(key) is not None


def is_variable(text: str) -> bool:
    """Whether a text only refers to a variable, in any of the ways that people write it."""
    return _VARIABLE.match(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a text could be a key: a known form, or long and without sense."""
    if _SECRET_TEXT.search(text):
        return True
    return any(
        any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word)
        for word in _RANDOM.findall(text)
    )


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in the tree: what holds it, under which key, and the spot of that holder."""

    holder: Mapping | Sequence
    key: str | int
    above: Spot | None = None

    @property
    def value(self) -> object:
        return self.holder[self.key]  # type: ignore[index]

    def key_place(self) -> Place:
        """Where its key stands; of a list's item, where the item begins."""
        if isinstance(self.holder, Mapping):
            return self.holder.key_place(str(self.key))
        return self.holder.item_place(int(self.key))

    def place(self) -> Place:
        """Where the value itself begins."""
        if isinstance(self.holder, Mapping):
            return self.holder.value_place(str(self.key))
        return self.holder.item_place(int(self.key))

    def keys(self) -> tuple[str, ...]:
        """The keys and indices from the root to here."""
        above = self.above.keys() if self.above else ()
        return (*above, str(self.key))

    def path(self) -> str:
        """The path as people read it; items of a list go by their name."""
        word = _item_name(self.value, int(self.key)) if self._in_list else shown_key(str(self.key))
        return f"{self.above.path()}.{word}" if self.above else word

    def shown(self) -> str:
        """The value as it may be shown: as it stands in the file, short, and never a secret."""
        value = self.value
        if value is None:
            return "nothing"
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        if not isinstance(value, str):
            return short(self.written()) or short(str(value))
        hidden = looks_secret(value) or (not self._in_list and names_secret(str(self.key)))
        return "something that is not shown here" if hidden else f"'{short(value)}'"

    def written(self) -> str:
        """A plain value as it stands in the file."""
        if isinstance(self.holder, Mapping):
            return self.holder.written(str(self.key))
        return self.holder.written(int(self.key))

    def continued(self) -> Place | None:
        """Where a plain text goes on that is spread over lines: there a '- ' or a ':' lacks."""
        value = self.value
        if not isinstance(value, str) or " " not in value:
            return None
        first = self.written()
        if first == value or not value.startswith(f"{first} "):
            return None
        return self.holder.next_line(self.place())

    @property
    def _in_list(self) -> bool:
        return isinstance(self.holder, Sequence)


def shown_key(key: str) -> str:
    """A key as it may be shown."""
    return "(a key that is not shown here)" if looks_secret(key) else short(key)


def short(text: str) -> str:
    """Cut to what fits a line, without line breaks; a blank at an end stays, to be seen."""
    line = _BLANKS.sub(" ", text.strip("\r\n"))
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}..."


def _item_name(item: object, index: int) -> str:
    if isinstance(item, dict):
        for key in _NAMING_KEYS:
            name = item.get(key)
            if kind_of(name) == "string" and name and not looks_secret(str(name)):
                return f"[{key}={short(str(name))}]"
    return f"[{index}]"
