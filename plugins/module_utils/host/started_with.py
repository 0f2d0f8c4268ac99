# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a unit was last started with: a salted sum, readable by its user only."""

from __future__ import annotations

import hashlib
import json
import os
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .fingerprints import read_record
from .unit_files import FileChange, FileWish

STATE = ".local/state/lab-llm/units"
SMALL = 65536


@dataclass(frozen=True)
class Ingredients:
    """All that a running unit depends on; `watch` are paths of programs and data."""

    text: str | None
    secrets: Mapping[str, str] | None = None
    trigger: str = ""
    watch: tuple[str, ...] = ()

    def sum(self, salt: str) -> str:
        # The salt keeps a short secret from being guessed from the sum.
        secrets = sorted((self.secrets or {}).items())
        whole = [self.text, secrets, self.trigger, [_look(path) for path in self.watch]]
        return hashlib.sha256(f"{salt}{json.dumps(whole)}".encode()).hexdigest()


def started_with(home: Path, name: str, now: Ingredients) -> bool | None:
    """Whether the unit was last started with just this; None if we never started it."""
    known = read_record(_path(home, name))
    return known["sum"] == now.sum(str(known.get("salt"))) if "sum" in known else None


def remember(home: Path, name: str, now: Ingredients) -> None:
    """Note that the unit runs with this, unless that is noted already."""
    if not started_with(home, name, now):
        salt = random.token_hex(16)
        record = json.dumps({"salt": salt, "sum": now.sum(salt)})
        FileChange(FileWish(_path(home, name), record, name, 0o600), None, 0o600).apply()


def forget(home: Path, name: str) -> None:
    """The unit is gone."""
    _path(home, name).unlink(missing_ok=True)


def _path(home: Path, name: str) -> Path:
    return home / STATE / f"{name}.json"


def _look(path: str) -> list[object]:
    """A small file by its content, a big one by size and time, a missing one as such."""
    try:
        seen = os.stat(path)  # noqa: PTH116
        if seen.st_size <= SMALL:
            return [path, hashlib.sha256(Path(path).read_bytes()).hexdigest()]
    except OSError:
        return [path]
    return [path, seen.st_size, seen.st_mtime_ns]
