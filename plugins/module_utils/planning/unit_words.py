# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different between two texts of a unit: options of its program, else its lines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ..routing.compare_words import listed

COMMAND = "ExecStart="
_PATHS = {"--model": "model file"}


def differences(before: str, after: str) -> list[str]:
    """What changes, a few words each: `ctx-size 2048 -> 4096`. A unit holds no secret."""
    old, new = _lines(before), _lines(after)
    gone = [line for line in old if line not in new]
    come = [line for line in new if line not in old]
    found: list[str] = []
    for starts in ([line for line in side if line.startswith(COMMAND)] for side in (gone, come)):
        if len(starts) != 1:
            break
    else:
        one, other = (next(x for x in side if x.startswith(COMMAND)) for side in (gone, come))
        found += _command(words(one), words(other))
        gone.remove(one)
        come.remove(other)
    if gone or come:
        found.append(f"{listed(gone, 3) or 'nothing'} -> {listed(come, 3) or 'nothing'}")
    return found or ["its comments, or the order of its lines"]


def _lines(text: str) -> list[str]:
    # What people read beside the name follows from the rest.
    return [x for x in text.splitlines() if x and not x.startswith(("#", "Description="))]


def words(line: str) -> list[str]:
    """The words of an Exec line as systemd reads them, its prefixes left out."""
    text = line.partition("=")[2].replace("%%", "%")
    try:
        found = shlex.split(text)
    except ValueError:
        found = text.split()
    return [found[0].lstrip(":@-+!"), *found[1:]] if found else []


def _command(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if before[:1] != after[:1]:
        one, other = (_release(side[0]) if side else "none" for side in (before, after))
        yield f"program {one} -> {other}"
    old, new = _options(before[1:]), _options(after[1:])
    for name in [*new, *(name for name in old if name not in new)]:
        if old.get(name) != new.get(name):
            one, other = (_value(name, side.get(name)) for side in (old, new))
            yield f"{_PATHS.get(name, name.lstrip('-'))} {one} -> {other}"


def _options(argv: Sequence[str]) -> dict[str, list[str]]:
    """--option -> its values; a bare one has none, one that is repeated has several."""
    found: dict[str, list[str]] = {}
    name = ""
    for word in argv:
        if word.startswith("--"):
            name = word
            found.setdefault(name, [])
        else:
            found.setdefault(name, []).append(word)
    return found


def _value(name: str, values: list[str] | None) -> str:
    if values is None:
        return "off"
    said = [PurePosixPath(value).name for value in values] if name in _PATHS else values
    return ", ".join(said) or "on"


def _release(program: str) -> str:
    """/var/lib/llm/llama.cpp/b6123-5f1d1a8f/llama-server as llama.cpp b6123-5f1d1a8f."""
    parts = PurePosixPath(program).parts
    if "llama.cpp" in parts[:-2]:
        return f"llama.cpp {parts[parts.index('llama.cpp') + 1]}"
    return program
