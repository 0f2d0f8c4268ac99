# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between a gateway on its host and a backup: what goes into one, and how it is put back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..host import atomic
from . import change_journal, secrets_file
from .backup import Backup, BackupError
from .generation import Store
from .sealed import STAGING, fill, remove, seal

# What a backup takes the place of. Venvs and the program stay: they are found by their hash.
REPLACED = ("generations", "outcomes", "current", "candidate", "standby", "change.json", "changes")
KEY = "secrets.key"
ASIDE = "replaced-"


def idle(store: Store) -> None:
    """Raises BackupError if a change is under way, or was cut off and is to be finished first."""
    journal = change_journal.read(store.base)
    if journal is not None and not journal.over:
        raise BackupError(f"the gateway is being changed by {journal.words()}: wait for it to end")


def members(store: Store) -> tuple[int, list[int], dict[str, bytes]]:
    """(the current generation, all that are taken, name -> content). Raises BackupError.

    Taken are the current one and those that one can go back to.
    """
    current = store.current()
    if current is None:
        raise BackupError(f"nothing has ever served in {store.base}: there is nothing to back up")
    numbers = [n for n in store.numbers() if n == current or store.proven(n)]
    found: dict[str, bytes] = {}
    for number in numbers:
        manifest = store.manifest(number)
        folder = store.folder / str(number)
        names = ["manifest.json", *manifest.files, *(f"units/{name}" for name in manifest.units)]
        for name in names:
            found[f"generations/{number}/{name}"] = (folder / name).read_bytes()
        outcome = store.outcomes / f"{number}.json"
        if outcome.exists():
            found[f"outcomes/{number}.json"] = outcome.read_bytes()
        lock = store.base / "venvs" / f"{manifest.venv}.txt"
        if not lock.exists():
            raise BackupError(
                f"{lock}, the lock file of generation {number}, is gone: run site.yml"
            )
        found[f"venvs/{lock.name}"] = lock.read_bytes()
    return current, numbers, found


@dataclass(frozen=True)
class Given:
    """Values of secrets, never shown: `given` now, by vault or environment; `kept` in the backup;
    `key` is the host's own key of fingerprints, from the backup."""

    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: bytes = field(default=b"", repr=False)


class Restore:
    """Putting a backup into a gateway's folder. Nothing is written before `place`."""

    def __init__(self, store: Store, backup: Backup, secrets: Given) -> None:
        self.store, self.backup = store, backup
        self.held = secrets_file.read(store.base / "secrets.env")
        self.given = secrets
        self.missing_later: dict[int, list[str]] = {}
        self.values = self._values()

    def _values(self) -> dict[str, str]:
        """Given now beats what is in the backup, and that what the host has.

        Raises MissingVariablesError for what the current generation needs. What only others need is
        noted in `missing_later`: they cannot be gone back to.
        """
        backup, given = self.backup, self.given
        known = {**self.held, **given.kept, **{k: v for k, v in given.given.items() if v}}
        manifests = {number: backup.manifest(number) for number in backup.numbers}
        serves = manifests[backup.current]
        composed = dict(serves.get("composed") or {})
        needed = [name for name in serves["variables"] if name not in composed]
        for one in manifests.values():
            # Headers that only older ones send are made again where their parts are known.
            for name, text in (one.get("composed") or {}).items():
                if secrets_file.needed((), {name: text}) <= known.keys():
                    composed.setdefault(name, text)
        keep = {name for one in manifests.values() for name in one["variables"]}
        values = secrets_file.merged(known, {}, needed, composed, keep)
        for number, manifest in manifests.items():
            lacking = [name for name in manifest["variables"] if not values.get(name)]
            if lacking:
                self.missing_later[number] = lacking
        return values

    def missing(self) -> list[int]:
        """The generations that are not there yet. Raises BackupError if there are others, for
        which the backup is no replacement."""
        here, others = self.store.numbers(), self.others()
        if others:
            told = ", ".join(map(str, others))
            raise BackupError(
                f"this gateway has generations that the backup has not: {told}. To have the backup "
                "in their place: -e replace=true, which stops the gateway and puts them aside"
            )
        current = self.store.current()
        if current not in (None, self.backup.current):
            raise BackupError(
                f"this gateway has the backup's generations and serves {current}: use rollback.yml "
                f"-e generation={self.backup.current}"
            )
        return [number for number in self.backup.numbers if number not in here]

    def others(self) -> list[int]:
        """The host's generations that are not in the backup."""
        return [number for number in self.store.numbers() if not self.is_here(number)]

    def is_here(self, number: int) -> bool:
        """Whether the host has this very generation."""
        files, folder = self.backup.files(number), self.store.folder / str(number)
        return bool(files) and all(
            (folder / name).is_file() and (folder / name).read_bytes() == content
            for name, content in files.items()
        )

    def changed(self, replace: bool) -> bool:
        """Whether `place` would write anything. Raises BackupError if it may not."""
        others = replace and bool(self.others())
        return others or bool(self.missing()) or self.values != self.held or self.other_key()

    def other_key(self) -> bool:
        path = self.store.base / KEY
        return bool(self.given.key) and (not path.exists() or path.read_bytes() != self.given.key)

    def place(self) -> None:
        """Secrets first, generations last: cut off anywhere, the next run goes on."""
        store = self.store
        numbers = self.missing()
        store.prepare()
        (store.base / "venvs").mkdir(mode=0o700, exist_ok=True)
        if self.other_key():
            atomic.write(store.base / KEY, self.given.key, 0o600)
        if self.values != secrets_file.read(store.base / "secrets.env"):
            secrets_file.store(store.base / "secrets.env", self.values)
        for name, content in self.backup.members.items():
            if name.startswith(("outcomes/", "venvs/")) and not (store.base / name).exists():
                atomic.write(store.base / name, content, 0o600)
        for number in numbers:
            self.place_generation(number)

    def place_generation(self, number: int) -> None:
        """One generation, whole or not at all."""
        folder = self.store.folder
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
        try:
            fill(staging, {k: v.decode() for k, v in self.backup.files(number).items()})
            venv = self.backup.manifest(number)["venv"]
            (staging / "venv").symlink_to(f"../../venvs/{venv}")
            seal(staging)
            staging.rename(folder / str(number))
        except BaseException:
            remove(staging)
            raise
        atomic.sync(folder)


def put_aside(store: Store, backup: Backup) -> Path:
    """Move everything that a backup takes the place of into a folder beside it; which one.

    Venvs that only the old generations need go with them: nobody would spare them here.
    """
    aside = store.base / f"{ASIDE}{time.strftime('%Y%m%dT%H%M%S')}"
    (aside / "venvs").mkdir(mode=0o700, parents=True)
    needed = {backup.manifest(number)["venv"] for number in backup.numbers}
    for path in list((store.base / "venvs").glob("[0-9a-f]*")):
        if path.name.removesuffix(".txt") not in needed:
            path.rename(aside / "venvs" / path.name)
    for path in in_force(store):
        path.rename(aside / path.name)
    atomic.sync(store.base)
    return aside


def in_force(store: Store) -> list[Path]:
    """What is put aside, and gives way when that is brought back."""
    named = [store.base / name for name in REPLACED]
    secrets = [path for path in store.base.glob("secrets*") if path.is_file()]
    return [path for path in (*named, *secrets) if path.is_symlink() or path.exists()]


def bring_back(store: Store, aside: str) -> int | None:
    """Have again what was put aside; what was restored in its place goes. Which one served.

    Raises BackupError if there is no such folder.
    """
    folder = store.base / Path(aside).name
    if not folder.name.startswith(ASIDE) or not (folder / "generations").is_dir():
        raise BackupError(f"{aside} holds nothing that was put aside")
    for path in in_force(store):
        if path.is_dir() and not path.is_symlink():
            remove(path)
        else:
            path.unlink()
    for path in (folder / "venvs").iterdir():
        path.rename(store.base / "venvs" / path.name)
    (folder / "venvs").rmdir()
    for path in folder.iterdir():
        path.rename(store.base / path.name)
    folder.rmdir()
    atomic.sync(store.base)
    return store.current()


def told(restore: Restore, aside: Path | None) -> dict[str, Any]:
    """What a result says; no value of a secret."""
    backup = restore.backup
    known = secrets_file.MASTER_KEY in {**restore.held, **restore.given.kept, **restore.given.given}
    return {
        "current": backup.current,
        "generations": backup.numbers,
        "not_to_go_back_to": {str(n): names for n, names in restore.missing_later.items()},
        "new_master_key": not known,
        "aside": str(aside or ""),
    }
