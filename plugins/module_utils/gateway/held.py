# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of secrets on the host: those in force, and those of a change under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from . import secrets_file
from .generation import Store


class Held:
    """`now` is what every instance reads, and over it an instance's `own`, which are there until
    the change to it has settled or is undone."""

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, store.base / "secrets.env"

    def own(self, number: int) -> Path:
        return self.store.base / f"secrets-{number}.env"

    def values(self) -> dict[str, str]:
        """Those in force."""
        return secrets_file.read(self.now)

    def values_of(self, number: int) -> dict[str, str]:
        """Those that this generation reads when it starts."""
        return {**self.values(), **secrets_file.read(self.own(number))}

    def prepare(self, number: int, values: Mapping[str, str]) -> None:
        """Let this generation read these, and nobody else yet."""
        if not self.now.exists():
            secrets_file.store(self.now, {})  # what a unit reads has to be there
        if values != self.values():
            secrets_file.store(self.own(number), values)

    def rotated(self, number: int) -> list[str]:
        """The names whose values will be others once this generation has settled."""
        before, after = self.values(), secrets_file.read(self.own(number))
        return sorted(name for name in before if after and before[name] != after.get(name))

    def settle(self, number: int) -> None:
        """Its values are in force now."""
        if self.own(number).exists():
            self.own(number).replace(self.now)

    def tidy(self) -> None:
        """Values of a change that was cut off before anybody knew of it. Only while none is under
        way."""
        for path in self.store.base.glob("secrets-*.env"):
            path.unlink(missing_ok=True)

    def drop(self, number: int) -> None:
        """The change is undone: nobody shall read its values."""
        self.own(number).unlink(missing_ok=True)

    def mark(self, values: Mapping[str, str], names: Iterable[str], create: bool) -> str:
        """A keyed hash that tells whether a value has changed; the key is made once if `create`."""
        key = secrets_file.fingerprint_key(self.store.base / "secrets.key", create)
        return secrets_file.fingerprint(values, names, key)
