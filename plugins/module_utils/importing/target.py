# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an import is written: nothing of anybody else's is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..host.atomic import write
from ..registry.load import shown

_SUFFIXES = (".yaml", ".yml")


@dataclass
class Target:
    """`new`: name -> text, of files that would be another; `old`: what stands there now."""

    directory: Path
    new: dict[str, str] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def diff(self) -> list[dict[str, str]]:
        """As Ansible shows it."""
        return [
            {
                "before_header": str(self.directory / name),
                "after_header": str(self.directory / name),
                "before": self.old.get(name, ""),
                "after": text,
            }
            for name, text in self.new.items()
        ]

    def write(self) -> None:
        """Each file whole or not at all. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, text in self.new.items():
            path = self.directory / name
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            write(path, text.encode(), mode)


def target(directory: str, files: Mapping[str, str], force: bool) -> Target:
    """What is to be written. A file that differs is an error, unless `force` is given."""
    found = Target(Path(directory))
    here = shown(found.directory)
    if found.directory.exists() and not found.directory.is_dir():
        found.errors.append(f"{here} is not a directory: name one with -e to=DIR.")
        return found
    try:
        _look(found, here, files, force)
    except (OSError, UnicodeDecodeError) as error:
        found.errors.append(f"{here} cannot be read: {type(error).__name__}.")
    return found


def _look(found: Target, here: str, files: Mapping[str, str], force: bool) -> None:
    names = sorted(found.directory.iterdir()) if found.directory.is_dir() else []
    others = [one.name for one in names if one.suffix in _SUFFIXES and one.name not in files]
    if others:
        found.errors.append(
            f"{here} is another registry already ({', '.join(others[:5])}): "
            "import into a directory of its own, -e to=DIR."
        )
    for name, text in files.items():
        path = found.directory / name
        old = path.read_text(encoding="utf-8") if path.is_file() else None
        if old is not None and old != text:
            found.old[name] = old
            if not force:
                found.errors.append(
                    f"{shown(path)} is there and differs: nothing is overwritten. "
                    "Name another directory with -e to=DIR, or replace it with -e force=true."
                )
        if old != text:
            found.new[name] = text
