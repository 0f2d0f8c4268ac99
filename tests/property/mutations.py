"""The guide's registry, changed in more than a thousand small ways, the same in every run.

A change is one of two things, known before it is made. A *mistake* (a misspelt key, a line
doubled, a value of another type ...) must give an error on its line, or mean the same as before.
A *choice* (another model name, another number, an optional line left out) cannot be told from
what somebody wanted: it must be visible in what is compiled, or give an error, or mean the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.registry import schema_files
from ansible_collections.lab.llm.plugins.module_utils.registry.load import (
    Mapping,
    Sequence,
    load_registry,
)

REGISTRY = Path(__file__).parents[1] / "registries" / "valid"
TEXT = (REGISTRY / "registry.yaml").read_text()
LINES = TEXT.splitlines()
SEED = 20261122

# Values that people choose freely: another one is another registry, and no mistake to be seen.
FREE_KEYS = {"name", "base_url", "env_var", "health_endpoint", "endpoint", "headers", "models"}
FREE_KEYS |= {"pattern", "specialty"}
# Mappings whose keys are people's own names.
NAMED = re.compile(
    r"^(providers|exact_matches|redundant_models|health_checks|capabilities)$"
    r"|^rate_limit_settings/limits(/[^/]+/models)?$|/headers$"
)


@dataclass(frozen=True)
class Entry:
    """A key with its value, or a list's item, that begins a line. `line` counts from 0."""

    line: int
    path: tuple[str, ...]
    key: str | None
    scalar: bool
    free: bool
    named: bool
    required: bool


@dataclass(frozen=True)
class Change:
    """What was done: a kind, the new text, and the lines where that can be seen (from 1)."""

    kind: str
    entry: Entry
    text: str
    lines: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{self.entry.line + 1}:{'/'.join(self.entry.path)}"


def entries() -> list[Entry]:
    root, problems = load_registry(str(REGISTRY))
    assert problems == []
    return sorted(_walk(root, ()), key=lambda entry: entry.line)


def _walk(node: Mapping | Sequence, path: tuple[str, ...]) -> Iterator[Entry]:
    keys = list(node) if isinstance(node, Mapping) else range(len(node))
    for key in keys:
        place = node.key_place(key) if isinstance(node, Mapping) else node.item_place(key)
        before = LINES[place.line - 1][: place.column - 1]
        value = node[key]
        name = key if isinstance(node, Mapping) else None
        here = (*path, str(key))
        scalar = not isinstance(value, Mapping | Sequence)
        if not before.strip(" -") and not (name is None and isinstance(value, Mapping)):
            yield Entry(
                line=place.line - 1,
                path=here,
                key=name,
                scalar=scalar,
                free=_is_free(here, value),
                named=NAMED.search("/".join(path)) is not None and name is not None,
                required=_is_required(path, name),
            )
        if not scalar:
            yield from _walk(value, here)


def _is_free(path: tuple[str, ...], value: Any) -> bool:
    return isinstance(value, int | float) or bool(FREE_KEYS & set(path[2:]))


def _is_required(path: tuple[str, ...], name: str | None) -> bool:
    """Whether the schema wants this key, or whether the line holds up others."""
    node: Any = schema_files.registry_schema()
    for part in path:
        node = node.get("properties", {}).get(part) or (
            node.get("items") if part.isdigit() else node.get("additionalProperties")
        )
        if not isinstance(node, dict):
            return False
    return name in node.get("required", ())


def misspelt(word: str, rng: random.Random) -> str:
    letters = [i for i, sign in enumerate(word) if sign.isalpha()]
    at = rng.choice(letters[1:] or letters)
    how = rng.choice(("drop", "double", "other", "swap"))
    if how == "drop" and len(word) > 1:
        return word[:at] + word[at + 1 :]
    if how == "double":
        return word[:at] + word[at] + word[at:]
    if how == "swap" and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + ("q" if word[at] != "q" else "z") + word[at + 1 :]


WithLine = Callable[[str, str], Change]
KEY = re.compile(r"^(\s*(?:- )?)(\"?)([^\":]+)(\"?):(.*)$")


def changes(entry: Entry, rng: random.Random) -> Iterator[tuple[Change, bool]]:
    """All that can be done to a line, each with whether it is a mistake."""
    line, number = LINES[entry.line], entry.line + 1

    def with_line(kind: str, new: str) -> Change:
        return Change(kind, entry, _with(entry.line, [new]), (number,))

    doubled = Change("line doubled", entry, _with(entry.line, [line, line]), (number, number + 1))
    yield doubled, True
    dropped = Change("line dropped", entry, _with(entry.line, []), around(entry))
    header = not entry.scalar and not line.rstrip().endswith("]")
    yield dropped, (entry.required or header) and not _whole_block_is_optional(entry)
    yield with_line("tab", "\t" + line.lstrip()), line.startswith(" ")
    yield with_line("one space more", " " + line), True
    yield with_line("one space less", line[1:]), line.startswith(" ")
    matched = KEY.match(line)
    if entry.key is None or not matched:
        yield from _item_changes(entry, rng, with_line, line)
        return
    yield from _key_changes(entry, rng, with_line, *matched.groups())
    indent, quote, key, close, rest = matched.groups()
    if rest.strip():
        whole = f"{indent}{quote}{key}{close}:"
        yield from _value_changes(entry, rng, with_line, whole, rest.strip())


def _key_changes(
    entry: Entry,
    rng: random.Random,
    with_line: WithLine,
    indent: str,
    quote: str,
    key: str,
    close: str,
    rest: str,
) -> Iterator[tuple[Change, bool]]:
    fixed = not entry.named
    wrong = misspelt(key, rng)
    yield with_line("key misspelt", f"{indent}{quote}{wrong}{close}:{rest}"), fixed
    yield with_line("key in capitals", f"{indent}{quote}{key.upper()}{close}:{rest}"), fixed
    yield with_line("colon dropped", f"{indent}{quote}{key}{close}{rest or ' '}"), True
    if quote:
        yield with_line("quote dropped", f"{indent}{key}{close}:{rest}"), True


def _value_changes(
    entry: Entry, rng: random.Random, with_line: WithLine, key: str, value: str
) -> Iterator[tuple[Change, bool]]:
    yield with_line("value dropped", key), True
    yield with_line("space dropped", f"{key}{value}"), True
    if not entry.scalar:
        return
    bound = not entry.free
    yield with_line("value in a list", f"{key} [{value}]"), True
    yield with_line("value in a mapping", f"{key} {{a: {value}}}"), True
    yield with_line("number for value", f"{key} 12345"), bound
    yield with_line("text for value", f"{key} qwertz"), bound
    yield with_line("value doubled", f"{key} {value} {value}"), bound
    if re.search("[A-Za-z]", value):
        yield with_line("value misspelt", f"{key} {misspelt(value, rng)}"), bound
    if value.startswith('"'):
        yield with_line("quote dropped", f"{key} {value[:-1]}"), True


def _item_changes(
    entry: Entry, rng: random.Random, with_line: WithLine, line: str
) -> Iterator[tuple[Change, bool]]:
    indent, _, value = line.partition("- ")
    yield with_line("value dropped", f"{indent}- "), True
    yield with_line("dash dropped", f"{indent}  {value}"), True
    yield with_line("value in a list", f"{indent}- [{value}]"), True
    yield with_line("value misspelt", f"{indent}- {misspelt(value, rng)}"), not entry.free


def around(entry: Entry) -> tuple[int, ...]:
    """A line that is gone leaves its traces in what stood around it: its block, and the lines
    that its block stands under."""
    indent = _indent(entry.line)
    first = last = entry.line
    while first > 0 and (_indent(first - 1) >= indent or not LINES[first - 1].strip()):
        first -= 1
    while last + 1 < len(LINES) and (_indent(last + 1) >= indent or not LINES[last + 1].strip()):
        last += 1
    above, least = [], indent
    for line in range(entry.line - 1, -1, -1):
        if LINES[line].strip() and _indent(line) < least:
            above.append(line + 1)
            least = _indent(line)
    return (*range(first + 1, last + 2), *above)


def _indent(line: int) -> int:
    return len(LINES[line]) - len(LINES[line].lstrip())


def _whole_block_is_optional(entry: Entry) -> bool:
    return entry.path[0] == "metadata" and len(entry.path) == 1


def _with(line: int, new: list[str]) -> str:
    return "\n".join([*LINES[:line], *new, *LINES[line + 1 :]]) + "\n"


def all_changes() -> tuple[list[Change], list[Change]]:
    rng = random.Random(SEED)
    mistakes, choices = [], []
    for entry in entries():
        for change, mistake in changes(entry, rng):
            (mistakes if mistake else choices).append(change)
    return mistakes, choices
