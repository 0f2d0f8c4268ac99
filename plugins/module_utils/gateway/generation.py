# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations of the gateway on its host: immutable numbered folders, and which one is current.

generations/<N>/  config.yaml, program/, registry/, units/, manifest.json, venv -> ../../venvs/..
outcomes/<N>.json what became of it
current           -> generations/<N>, the only truth about what serves
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from ..host import atomic
from .content import Content, Manifest, sha256

STAGING = ".staging-"
BAD = frozenset({"failed", "discarded"})


class GenerationError(Exception):
    """What was asked cannot be done; the message says why and what to do."""


class Store:
    """The generations below one folder, which belongs to the service's user."""

    def __init__(self, base: Path) -> None:
        self.base, self.folder = base, base / "generations"
        self.outcomes, self.link = base / "outcomes", base / "current"

    def prepare(self) -> None:
        """Make the folders; remove what an interrupted staging left. Only while `locked`."""
        for folder in (self.base, self.folder, self.outcomes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self.folder.glob(STAGING + "*"):
            remove(leftover)

    def numbers(self) -> list[int]:
        """All generations, oldest first."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(int(p.name) for p in self.folder.iterdir() if p.name.isdecimal())
        return []

    def current(self) -> int | None:
        """The generation that serves, or None before the first."""
        try:
            return int(self.link.readlink().name)
        except (OSError, ValueError):
            return None

    def manifest(self, number: int) -> Manifest:
        """Raises GenerationError if there is no such generation."""
        try:
            text = (self.folder / str(number) / "manifest.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            have = ", ".join(map(str, self.numbers())) or "none"
            raise GenerationError(f"there is no generation {number}; there are: {have}") from None
        known = set(Manifest.__dataclass_fields__)
        return Manifest(**{k: v for k, v in json.loads(text).items() if k in known})

    def text(self, number: int | None, name: str) -> str:
        """A file of a generation, or "" if it has none of that name."""
        if number is not None:
            with contextlib.suppress(OSError):
                return (self.folder / str(number) / name).read_text(encoding="utf-8")
        return ""

    def units(self, number: int) -> dict[str, str]:
        """The unit files that a generation was made with."""
        return {name: self.text(number, f"units/{name}") for name in self.manifest(number).units}

    def outcome(self, number: int) -> dict[str, Any]:
        """What became of it: {outcome, reason, at}, empty if nothing is known."""
        try:
            found: dict[str, Any] = json.loads((self.outcomes / f"{number}.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def proven(self, number: int) -> bool:
        """Whether it has served and was found good: one to go back to."""
        return bool(self.outcome(number).get("outcome") == "live")

    def record(
        self, number: int, outcome: str, reason: str = "", before: int | None = None
    ) -> None:
        """Note what became of a generation, beside its folder, which stays as it is.

        `before` is the one that served before it: with the outcome `serving`, the way back.
        """
        said = {"outcome": outcome, "reason": reason, "before": before, "at": time.time()}
        atomic.write(self.outcomes / f"{number}.json", json.dumps(said).encode(), 0o600)

    def same(self, digest: str) -> int | None:
        """A generation that would serve the same: the current one, or one after it that a run
        before did not come to finish."""
        current = self.current() or 0
        for number in reversed([n for n in self.numbers() if n >= current]):
            good = number == current or self.outcome(number).get("outcome") not in BAD
            if good and self.manifest(number).digest == digest:
                return number
        return None

    def previous(self) -> int:
        """The generation to go back to: the newest good one before the current."""
        current = self.current() or 0
        for number in reversed([n for n in self.numbers() if n < current]):
            if self.proven(number):
                return number
        raise GenerationError(f"there is no good generation before {current} to go back to")

    def stage(self, content: Content, about: Mapping[str, str]) -> int:
        """Write a new generation; it is there whole or not at all. Returns its number."""
        number = max(self.numbers(), default=0) + 1
        manifest = Manifest(
            number=number,
            digest=content.digest(),
            files={name: sha256(text) for name, text in sorted(content.files.items())},
            venv=content.venv,
            units={name: sha256(text) for name, text in sorted(content.units.items())},
            variables=sorted(content.variables),
            secrets=content.secrets,
            at=time.time(),
            litellm=about.get("litellm", ""),
            lock=about.get("lock", ""),
            commit=about.get("commit", ""),
            by=about.get("by", ""),
        )
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=self.folder))
        try:
            said = json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n"
            units = {f"units/{name}": text for name, text in content.units.items()}
            fill(staging, {**content.files, **units, "manifest.json": said})
            (staging / "venv").symlink_to(f"../../venvs/{content.venv}")
            seal(staging)
            staging.rename(self.folder / str(number))
        except BaseException:
            remove(staging)
            raise
        atomic.sync(self.folder)
        return number

    def switch(self, number: int) -> None:
        """From here on this generation is the one that serves."""
        atomic.link(self.link, f"generations/{number}")

    def prune(self, keep: int) -> list[int]:
        """Remove the oldest beyond `keep`; never the current, nor the last good one before it.
        Returns the removed."""
        current = self.current() or 0
        held = {current, self.outcome(current).get("before")}
        with contextlib.suppress(GenerationError):
            held.add(self.previous())
        old = [n for n in self.numbers()[: -max(keep, 1)] if n not in held]
        for number in old:
            remove(self.folder / str(number))
            (self.outcomes / f"{number}.json").unlink(missing_ok=True)
        return old

    @contextlib.contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Nobody else changes the gateway meanwhile. Raises GenerationError naming who does."""
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.base / "lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "another run"
                message = f"the gateway is being changed by {holder}: wait for it to end"
                raise GenerationError(message) from None
            file.truncate(0)
            file.write(f"{purpose}, process {os.getpid()}, since {time.strftime('%F %T %Z')}")
            file.flush()
            yield


def fill(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files below a folder, durable and read-only."""
    for name, text in files.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/"):
            raise GenerationError(f"a generation cannot hold a file named {name!r}")
        path = folder.joinpath(*parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, text.encode(), 0o400)


def seal(folder: Path) -> None:
    """No more names in any folder of a generation, for Python's caches neither."""
    for root, _folders, _files in os.walk(folder, topdown=False):
        atomic.sync(Path(root))
        Path(root).chmod(0o500)


def remove(folder: Path) -> None:
    """Remove a sealed folder."""
    for root, _folders, _files in os.walk(folder):
        Path(root).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
