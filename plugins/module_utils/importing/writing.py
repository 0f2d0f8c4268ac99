# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The draft as text: the guide's two files, with a comment on where each entry came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..registry.problems import Place
from ..routing.litellm_yaml import render
from .draft import FILES, Draft, Path

_MOST = 6  # places in a comment


def texts_of(draft: Draft, files: Iterable[str]) -> dict[str, str]:
    """File name -> text; a file without content is left out."""
    found = {}
    for name, sections in FILES.items():
        parts = [
            "\n".join(_section(draft, section))
            for section in (*sections, *_others(draft, name))
            if draft.sections.get(section) not in (None, {}, [])
        ]
        if parts:
            head = (
                f"# Imported from {', '.join(files)} by lab.llm; yours to edit from now on.\n---\n"
            )
            found[name] = head + "\n\n".join(parts) + "\n"
    return found


def _others(draft: Draft, file: str) -> list[str]:
    """What is in neither of the files, such as people's own x- sections."""
    known = {section for sections in FILES.values() for section in sections}
    first = next(iter(FILES))
    return [name for name in draft.sections if name not in known] if file == first else []


def _section(draft: Draft, section: str) -> Iterator[str]:
    value = draft.sections[section]
    if isinstance(value, list):
        yield f"{section}:"
        for index, item in enumerate(value):
            yield from _comment(draft, (section, index), "")
            yield render({"-": [item]}).split("\n", 1)[1].rstrip("\n")
    elif isinstance(value, dict):
        yield f"{section}:"
        for key, item in value.items():
            yield from _comment(draft, (section, key), "  ")
            yield _indented(render({key: item}))
    else:
        yield from _comment(draft, (section,), "")
        yield render({section: value}).rstrip("\n")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip("\n").split("\n"))


def _comment(draft: Draft, path: Path, indent: str) -> Iterator[str]:
    places = list(dict.fromkeys(draft.origins.get(path, ())))
    said = draft.comments.get(path, "")
    if places:
        yield f"{indent}# from {_places(places)}{f'; {said}' if said else ''}"
    elif said:
        yield f"{indent}# {said}"


def _places(places: list[Place]) -> str:
    """`litellm.yaml:12, 30, router.yaml:3`, in the order of the lines."""
    lines: dict[str, dict[int, None]] = {}
    for place in sorted(places):
        lines.setdefault(place.file, {})[place.line] = None
    parts = []
    for file, numbers in lines.items():
        shown = [str(number) for number in numbers][:_MOST]
        more = f" and {len(numbers) - _MOST} more" if len(numbers) > _MOST else ""
        parts.append(f"{file}:{', '.join(shown)}{more}")
    return ", ".join(parts)


def plain(value: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    """A tree of YAML as plain values that can be written again; a date becomes its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)
