# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that may be secrets: what they are, and that none of them is ever shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..registry.yaml_tree import Mapping, Sequence
from .keys import words

VARIABLE, LITERAL, PLACEHOLDER, NONE = "variable", "literal", "placeholder", "none"
HIDDEN = "(not shown)"

_ENVIRON = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_SHELL = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::?-[^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*))")
# Values of these words alone mean that there is no key.
_EMPTY_WORDS = words(
    """
    sk none null empty dummy fake no not na any anything local ollama test vllm lm studio lmstudio
    key api apikey required needed need your here secret value placeholder changeme change me 1234
    """
)
_BREAKS = re.compile(r"[-_. /]+")
_SECRET_NAME = re.compile(
    r"(^|[-_])(api)?[-_]?(keys?|tokens?|secrets?|pass|passwd|passwords?|credentials?|auth|"
    r"authorization|cookie|signature|salt|webhook(_url)?|database_url|redis_url|license|dsn)$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(max|min|num|count|limit|per|cost)[-_]|[-_]?tokens$|_name$", re.IGNORECASE
)
# What looks like a key wherever it stands.
_SHAPE = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|ghp|gho|xai|r8|pplx|nvapi|csk|fw|tgp|AIza|AKIA|xox[abp])[-_]?"
    r"[A-Za-z0-9_-]{16,}|\beyJ[A-Za-z0-9_.-]{20,}|\b[0-9a-f]{32,}\b"
)
_LONG = 8  # letters; a shorter one could be any word, and is kept out by never being carried over
NAMED = re.compile(r"\$\{?[A-Za-z_]|os\.environ/")  # names of variables, which are no secrets
_USER = re.compile(r"(://)[^/@\s]*@")


@dataclass(frozen=True)
class Given:
    """A value as it is written: of a variable, a placeholder that means none, or a literal.

    `unread` says that the variable is written as ${NAME}, which LiteLLM does not read.
    """

    kind: str
    variable: str = ""
    unread: bool = False
    secret: str = field(default="", repr=False)


def given(value: object) -> Given:
    """What a key's value is."""
    if value is None or value == "":
        return Given(NONE)
    text = value.strip() if isinstance(value, str) else str(value)
    found = _ENVIRON.fullmatch(text)
    if found:
        return Given(VARIABLE, found[1])
    shell = _SHELL.fullmatch(text)
    if shell:
        return Given(VARIABLE, shell[1] or shell[2], unread=True)
    if _is_placeholder(text):
        return Given(PLACEHOLDER)
    return Given(LITERAL, secret=text)


def _is_placeholder(text: str) -> bool:
    parts = [part for part in _BREAKS.split(text.lower()) if part]
    return all(part in _EMPTY_WORDS or not part.strip("x*0") for part in parts)


def secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _NO_SECRET.search(name)


def shaped(text: str) -> bool:
    """Whether a text looks like a key."""
    return bool(_SHAPE.search(text))


class Secrets:
    """All literal secrets of the files, to take them out of whatever is written or said."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self._longest_first: list[str] = []  # of all values, made when it is asked for

    def learn_all(self, nodes: Iterable[object]) -> None:
        """The same for several trees."""
        for node in nodes:
            self.learn(node)

    def learn(self, node: object, secret: bool = False) -> None:
        """Collects what may be a secret in a tree: by the name of its key, or by its shape."""
        for value in _literals(node, secret):
            parts = [value.strip(), *value.split()]
            self.values.update(one for one in parts if len(one) >= _LONG and not NAMED.search(one))

    def scrubbed(self, text: str) -> str:
        """The text without any of them."""
        if len(self._longest_first) < len(self.values):
            self._longest_first = sorted(self.values, key=lambda one: (-len(one), one))
        for value in self._longest_first:
            if value in text:
                text = text.replace(value, HIDDEN)
        return _USER.sub(r"\1", _SHAPE.sub(HIDDEN, text))

    def scrubbed_tree(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The same for all texts in a value of JSON."""
        if isinstance(value, dict):
            return {key: self.scrubbed_tree(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.scrubbed_tree(item) for item in value]
        return self.scrubbed(value) if isinstance(value, str) else value


def _literals(node: object, secret: bool) -> Iterator[str]:
    stack: list[tuple[Any, bool]] = [(node, secret)]
    while stack:
        value, hidden = stack.pop()
        if isinstance(value, Mapping):
            stack += [(v, hidden or secret_name(str(k))) for k, v in value.items()]
        elif isinstance(value, Sequence):
            stack += [(item, hidden) for item in value]
        elif isinstance(value, str) and hidden and given(value).kind == LITERAL:
            yield value
        elif hidden and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield str(value)
