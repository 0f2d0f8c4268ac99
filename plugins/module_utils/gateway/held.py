# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of secrets on the host, and those from before a change that is under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from . import secrets_file
from .generation import Store


class Held:
    """`now` is what a start reads; `before` is there until a change has proven itself."""

    def __init__(self, store: Store, check: bool) -> None:
        self.store, self.check = store, check
        self.now = store.base / "secrets.env"
        self.before = store.base / "secrets.env.before"

    def values(self) -> dict[str, str]:
        return secrets_file.read(self.now)

    def replace(self, values: Mapping[str, str]) -> bool:
        """Hold these from now on. Returns whether they are others than before."""
        if self.values() == values:
            return False
        if self.now.exists() and not self.belongs(self.before, self.store.current()):
            secrets_file.store(self.before, self.values())
        secrets_file.store(self.now, values)
        return True

    def bring_back(self, number: int | None) -> None:
        """The values that this generation was made with, if they were put aside."""
        if self.belongs(self.before, number):
            self.before.replace(self.now)

    def has_older(self, number: int) -> bool:
        """Whether values are put aside that are not this generation's: a change to it left them."""
        return self.before.exists() and not self.belongs(self.before, number)

    def forget(self) -> None:
        """The change is good: nobody goes back to the values from before it."""
        self.before.unlink(missing_ok=True)

    def mark(self, values: Mapping[str, str], names: Iterable[str]) -> str:
        """A keyed hash that tells whether a value has changed."""
        key = secrets_file.fingerprint_key(self.store.base / "secrets.key", not self.check)
        return secrets_file.fingerprint(values, names, key)

    def belongs(self, path: Path, number: int | None) -> bool:
        """Whether a file of secrets is the one that a generation was made with."""
        if number is None or not path.exists():
            return False
        manifest = self.store.manifest(number)
        return self.mark(secrets_file.read(path), manifest.variables) == manifest.secrets
