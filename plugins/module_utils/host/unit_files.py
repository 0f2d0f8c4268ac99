# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of units: which differ from what is wished, written and taken back in one step each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .units import UnitError, is_ours


@dataclass(frozen=True)
class FileWish:
    """A file that shall have this content, or shall not be there (None)."""

    path: Path
    content: str | None
    unit: str
    mode: int = 0o644
    secret: bool = False


@dataclass(frozen=True)
class FileChange:
    """A file that is not as wished, with what it holds now."""

    wish: FileWish
    before: str | None
    mode_before: int

    def apply(self) -> None:
        _put(self.wish.path, self.wish.content, self.wish.mode)

    def undo(self) -> None:
        _put(self.wish.path, self.before, self.mode_before)

    def diff(self) -> dict[str, str]:
        """In Ansible's form. A secret file shows the names of its variables only."""
        before, after = self.before or "", self.wish.content or ""
        if self.wish.secret:
            before, after = _names(before, after), _names(after, before)
        header = str(self.wish.path)
        return {"before_header": header, "after_header": header, "before": before, "after": after}


def changes(wishes: Iterable[FileWish]) -> list[FileChange]:
    """What differs. Raises UnitError naming every file that is there and was not written by us."""
    found, foreign = told_apart(wishes)
    if foreign:
        raise UnitError(left_alone(foreign))
    return found


def told_apart(wishes: Iterable[FileWish]) -> tuple[list[FileChange], list[str]]:
    """What differs and may be written, and the paths of those that were not written by us."""
    found, foreign = [], []
    for wish in wishes:
        try:
            before: str | None = wish.path.read_text()
            mode = wish.path.stat().st_mode & 0o7777
        except FileNotFoundError:
            before, mode = None, wish.mode
        if before is not None and not is_ours(before):
            foreign.append(str(wish.path))
        elif before != wish.content or (wish.content is not None and mode != wish.mode):
            found.append(FileChange(wish, before, mode))
    return found, foreign


def left_alone(foreign: Iterable[str]) -> str:
    """What is said of files that somebody else wrote."""
    return (
        f"{', '.join(foreign)}: was not written by lab.llm and is left alone; move it away, "
        "or give this service another name"
    )


def _put(path: Path, content: str | None, mode: int) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{path.name}.part"
    part.unlink(missing_ok=True)
    # Never readable by others, not even for the moment before a chmod.
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    part.replace(path)


def _names(text: str, other: str) -> str:
    """`NAME=(hidden)` a line; a value that is not in the other text is marked, never shown."""
    known = set(other.splitlines())
    return "".join(
        f"{line.partition('=')[0]}=(hidden{'' if line in known else ', differs'})\n"
        for line in text.splitlines()
        if "=" in line and not line.startswith("#")
    )
