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
_WIDTH = 90


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
            yield from _comment(draft, (section, index), "  ")
            yield from _items([item], "  ")
    elif isinstance(value, dict):
        yield f"{section}:"
        for key, item in value.items():
            yield from _comment(draft, (section, key), "  ")
            yield from _mapping({key: item}, "  ")
    else:
        yield from _comment(draft, (section,), "")
        yield f"{section}: {_scalar(value)}"


def _mapping(value: dict[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        head = f"{indent}{_scalar(key)}:"
        flow = _flow(item, len(head))
        if flow:
            yield f"{head} {flow}"
        else:
            yield head
            inside = indent + "  "
            yield from _mapping(item, inside) if isinstance(item, dict) else _items(item, inside)


def _items(value: list[Any], indent: str) -> Iterator[str]:
    for item in value:
        if isinstance(item, (dict, list)) and item:
            inside = indent + "  "
            lines = list(_mapping(item, inside) if isinstance(item, dict) else _items(item, inside))
            yield f"{indent}- {lines[0][len(inside) :]}"
            yield from lines[1:]
        else:
            yield f"{indent}- {_scalar(item)}"


def _flow(value: Any, used: int) -> str:  # noqa: ANN401
    """A value that goes on the line of its key: a scalar, or a short list of them; else ""."""
    if not isinstance(value, (dict, list)) or not value:
        return _scalar(value)
    if isinstance(value, dict) or any(isinstance(item, (dict, list)) for item in value):
        return ""
    text = f"[{', '.join(map(_scalar, value))}]"
    return text if used + len(text) < _WIDTH else ""


def _scalar(value: Any) -> str:  # noqa: ANN401
    """A scalar as YAML 1.1 reads it back, keys too."""
    return render({"-": value}).partition(":")[2].strip()


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
