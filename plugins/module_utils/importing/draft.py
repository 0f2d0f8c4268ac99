# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry that is being written: plain values, and where each entry came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from ..registry.problems import Place

Path = tuple[Union[str, int], ...]  # noqa: UP007 - for ansible-test

# The guide's two files: what providers are, and who answers to which name.
FILES = {
    "providers.yaml": ("metadata", "providers", "rate_limit_settings", "budgets", "health_checks"),
    "model-mappings.yaml": (
        "exact_matches",
        "aliases",
        "redundant_models",
        "load_balancing",
        "patterns",
        "capabilities",
        "fallback_chains",
        "model_size_routing",
        "routing_rules",
        "debug_router",
    ),
}


@dataclass
class Draft:
    """`sections` as a registry file has them; `origins`: path of an entry -> where it stood."""

    sections: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, list[Place]] = field(default_factory=dict)
    comments: dict[Path, str] = field(default_factory=dict)

    def put(self, section: str, name: str, value: Any, places: Iterable[Place] = ()) -> None:  # noqa: ANN401
        """An entry of a section that is a mapping."""
        self.sections.setdefault(section, {})[name] = value
        self.from_places((section, name), places)

    def add(self, section: str, value: Any, places: Iterable[Place] = ()) -> None:  # noqa: ANN401
        """An entry of a section that is a list."""
        items = self.sections.setdefault(section, [])
        items.append(value)
        self.from_places((section, len(items) - 1), places)

    def from_places(self, path: Path, places: Iterable[Place]) -> None:
        self.origins.setdefault(path, []).extend(places)

    def origin(self, path: Sequence[str | int]) -> Place | None:
        """Where the value at a path, or what holds it, stood."""
        for end in range(len(path), 0, -1):
            places = self.origins.get(tuple(path[:end]))
            if places:
                return places[0]
        return None

    def cut(self, path: Path) -> Path:
        """Removes what stands at a path, and what is empty then; the path that went, () if none."""
        holders: list[Any] = [self.sections]
        for key in path[:-1]:
            holder = holders[-1]
            if not _has(holder, key):
                return ()
            holders.append(holder[key])
        if not path or not _has(holders[-1], path[-1]):
            return ()
        while len(path) > 1 and len(holders[-1]) == 1:
            holders.pop()
            path = path[:-1]
        del holders[-1][path[-1]]
        if isinstance(path[-1], int):
            self._moved(path)
        return path

    def _moved(self, path: Path) -> None:
        """The items after one that is gone have moved up, and so have their origins."""
        head, gone = path[:-1], int(path[-1])
        moved: dict[Path, list[Place]] = {}
        for old, places in self.origins.items():
            at = old[len(head)] if len(old) > len(head) and old[: len(head)] == head else None
            if isinstance(at, int) and at >= gone:
                if at > gone:
                    moved[(*head, at - 1, *old[len(head) + 1 :])] = places
            else:
                moved[old] = places
        self.origins = moved


def _has(holder: Any, key: str | int) -> bool:  # noqa: ANN401
    if isinstance(holder, dict):
        return key in holder
    return isinstance(holder, list) and isinstance(key, int) and 0 <= key < len(holder)
