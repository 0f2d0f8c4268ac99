# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two nested values laid flat, so that whatever differs in them is a list that nothing escapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# A mapping's key as it stands, or ("#", n) for the place n of a list: no key is a tuple.
Path = tuple[Any, ...]
Flat = dict[Path, Any]


class Nothing:
    """Stands where one side has no value, None being one."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


@dataclass(frozen=True)
class Difference:
    """One leaf that is not the same. `before` or `after` may be NOTHING."""

    path: Path
    before: Any
    after: Any


def flat(value: Any) -> Flat:  # noqa: ANN401 - YAML holds anything
    """Every leaf by its path. An empty mapping is a leaf, and so is a list of scalars."""
    return dict(_leaves(value, ()))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, (list, tuple)) and any(isinstance(x, (Mapping, list)) for x in value):
        for place, item in enumerate(value):
            yield from _leaves(item, (*path, ("#", place)))
    else:
        yield path, value


def differences(before: Flat, after: Flat) -> list[Difference]:
    """What differs, in the order of `after`, what is gone at the end."""
    paths = [*after, *(path for path in before if path not in after)]
    pairs = ((path, before.get(path, NOTHING), after.get(path, NOTHING)) for path in paths)
    return [Difference(*pair) for pair in pairs if not same(*pair[1:])]


def same(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Whether two leaves mean the same: 1 and 1.0 do, 1 and true do not."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other) or repr(one) == repr(other)  # .nan is not equal to itself


def dotted(path: Path) -> str:
    """A path as people write it: router_settings.fallbacks[0].a"""
    text = ""
    for part in path:
        if isinstance(part, tuple):
            text += f"[{part[1]}]"
        else:
            text += f".{part}" if text else str(part)
    return text
