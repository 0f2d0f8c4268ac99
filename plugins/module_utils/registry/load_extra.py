# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is to be put into the registry: it must be read there, and take nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .problems import Place, Problem
from .yaml_tree import Mapping, Sequence

SUFFIXES = (".yaml", ".yml")
_LISTED = 8  # so many entries are named in one message

# Sections of which not only the entries merge, but also what this key of theirs holds: each
# provider's file can then bring that provider's limits.
MERGED_INSIDE = {"rate_limit_settings": "limits"}


def misnamed(path: Path, shown: str) -> Iterator[Problem]:
    """Of a file that nobody would read again once it stood in the registry's directory."""
    hidden, suffix = path.name.startswith("."), path.suffix in SUFFIXES
    if hidden or not suffix:
        why = "begins with '.'" if hidden else "does not end in .yaml or .yml"
        message = f"the file's name {why}: in the registry it would not be read"
        stem = path.name.lstrip(".").removesuffix("" if suffix else path.suffix) or "provider"
        expected = f"another name for it, such as {stem if suffix else stem + '.yaml'}"
        yield Problem(Place(shown, 1, 1), "bad-file-name", message, expected)


def vanished(old: Mapping, root: Mapping, old_name: str, new_name: str) -> Iterator[Problem]:
    """Of a file that would replace one whose entries stand nowhere then.

    `old` is what the replaced file declares, `root` the whole registry with the new file.
    """
    lost = [entry for section in old for entry in _lost(section, old[section], root)]
    if lost:
        more = f" and {len(lost) - _LISTED} more" if len(lost) > _LISTED else ""
        message = (
            f"this file would replace {old_name}, and what only that one declares would be lost: "
            f"{', '.join(lost[:_LISTED])}{more}"
        )
        expected = "these entries in the new file as well, or another name for it"
        yield Problem(Place(new_name, 1, 1), "file-replaces-entries", message, expected)


def _lost(section: str, content: object, root: Mapping) -> Iterator[str]:
    kept = root.get(section)
    if section.startswith("x-"):
        return  # nothing follows from these
    if isinstance(content, Mapping):
        inside = MERGED_INSIDE.get(section, "")
        for key, value in content.items():
            left = kept.get(key) if isinstance(kept, Mapping) else None
            if key == inside and isinstance(value, Mapping):
                entries = left if isinstance(left, Mapping) else {}
                yield from (f"{section}.{key}.{one}" for one in value if one not in entries)
            elif not isinstance(kept, Mapping) or key not in kept:
                yield f"{section}.{key}"
    elif isinstance(content, Sequence):
        items = kept if isinstance(kept, Sequence) else []
        lost = [str(index + 1) for index, item in enumerate(content) if item not in items]
        if lost:
            yield f"{section} (its entries {', '.join(lost)})"
    elif content is not None and section not in root:
        yield section
