# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a unit was last started with, readable by its user only: of secrets a salted sum alone."""

from __future__ import annotations

import hashlib
import json
import os
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .fingerprints import read_record
from .unit_files import FileChange, FileWish
from .units import environment_file

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
    if not started_with(home, name, now) or "text" not in read_record(_path(home, name)):
        salt = random.token_hex(16)
        known = {"salt": salt, "sum": now.sum(salt), "text": now.text}
        known["secrets"] = _salted(salt, environment_file(now.secrets)) if now.secrets else ""
        record = json.dumps({**known, "watch": [_look(path) for path in now.watch]})
        FileChange(FileWish(_path(home, name), record, name, 0o600), None, 0o600).apply()


def forget(home: Path, name: str) -> None:
    """The unit is gone."""
    _path(home, name).unlink(missing_ok=True)


def known_units(home: Path) -> list[str]:
    """The units that we have started and not removed."""
    return sorted(path.stem for path in (home / STATE).glob("*.json"))


def differing(home: Path, name: str, unit: str | None, secrets: str | None) -> dict[str, Any]:
    """What is not as it was when the unit was last started; empty if all is, or nothing is known.

    `unit` and `secrets` are its files' texts now, None for one that is gone. `text`: the unit as it
    was; `secrets`: True where that file is another; `watch`: the paths of the others.
    """
    known = read_record(_path(home, name))
    found: dict[str, Any] = {}
    if "text" not in known:
        return found
    if known["text"] != unit:
        found["text"] = known["text"]
    salt, sum_ = str(known.get("salt")), known.get("secrets")
    if (_salted(salt, secrets) if secrets is not None else "") != sum_:
        found["secrets"] = True
    looks = known.get("watch")
    pairs = [(one, _look(str(one[0]))) for one in (looks if isinstance(looks, list) else []) if one]
    watch = [str(then[0]) for then, now in pairs if list(then) != now]
    return {**found, "watch": watch} if watch else found


def _salted(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


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
