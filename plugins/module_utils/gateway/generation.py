# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations of the gateway on its host: immutable numbered folders, and which one is current.

generations/<N>/  config.yaml, probes.json, environment, program/, registry/, units/, manifest.json
                  and venv -> ..
outcomes/<N>.json what became of it
current           -> generations/<N>, the only truth about what serves
candidate         -> generations/<N>, while a change is under way: who may be up without serving
standby           -> generations/<N>, who stays warm after it has served
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..host import atomic
from . import venvs
from .content import Content, Manifest, sha256
from .integrity import is_whole
from .sealed import STAGING, GenerationError, fill, remove, seal

PROBES = "probes.json"
BAD = frozenset({"failed", "undone"})


class Store:
    """The generations below one folder, which belongs to the service's user."""

    def __init__(self, base: Path) -> None:
        self.base, self.folder = base, base / "generations"
        self.outcomes, self.link = base / "outcomes", base / "current"
        self.candidate_link, self.standby_link = base / "candidate", base / "standby"

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
        return named_by(self.link)

    def candidate(self) -> int | None:
        """The generation that a change under way may have up without serving."""
        return named_by(self.candidate_link)

    def standby(self) -> int | None:
        """The generation whose process stays warm, if it still runs."""
        return named_by(self.standby_link)

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

    def probes(self, number: int) -> dict[str, Any]:
        """What a generation is to be asked; nothing for one that was staged without."""
        text = self.text(number, PROBES)
        return dict(json.loads(text)) if text else {}

    def units(self, number: int) -> dict[str, str]:
        """The unit files that a generation was made with."""
        return {name: self.text(number, f"units/{name}") for name in self.manifest(number).units}

    def venv(self, name: str) -> dict[str, Any]:
        """What the venv of this name says of itself. Raises GenerationError if it is not whole."""
        try:
            said: dict[str, Any] = json.loads((self.base / "venvs" / name / venvs.MARK).read_text())
        except FileNotFoundError:
            raise GenerationError(f"the venv {name} is not there: run the role gateway") from None
        return said

    def outcome(self, number: int) -> dict[str, Any]:
        """What became of it: {outcome, reason, before, at, proofs, unconfirmed, address}, empty if
        nothing is known. `before` served before it; `unconfirmed` names a file of its registry that
        the controller has not said to have; `address` is where it is asked from outside."""
        try:
            found: dict[str, Any] = json.loads((self.outcomes / f"{number}.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def proven(self, number: int) -> bool:
        """Whether it has served and was found good: one to go back to."""
        return bool(self.outcome(number).get("outcome") == "live")

    def record(self, number: int, outcome: str = "", reason: str = "", **more: object) -> None:
        """Note what became of a generation, beside its folder, which stays as it is.

        Without an `outcome` only `more` is noted: what is known already stays.
        """
        said = {"before": None, "proofs": [], "unconfirmed": "", **self.outcome(number), **more}
        if outcome:
            said |= {"outcome": outcome, "reason": reason, "at": time.time()}
        atomic.write(self.outcomes / f"{number}.json", json.dumps(said).encode(), 0o600)

    def same(self, digest: str) -> int | None:
        """A generation that would serve the same: the current one, or one after it that a run
        before did not come to finish."""
        current = self.current() or 0
        for number in reversed([n for n in self.numbers() if n >= current]):
            good = number == current or self.outcome(number).get("outcome") not in BAD
            if good and self.manifest(number).digest == digest and self.is_whole(number):
                return number
        return None

    def is_whole(self, number: int) -> bool:
        """Whether it is as it was staged; one that somebody has changed is not used again."""
        return is_whole(self.folder / str(number), self.manifest(number))

    def undone(self, digest: str) -> int | None:
        """The newest generation that served the same and was undone without anybody asking."""
        for number in reversed(self.numbers()):
            if self.manifest(number).digest == digest:
                return number if self.outcome(number).get("outcome") == "undone" else None
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
            composed=dict(content.composed),
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

    def stand_by(self, number: int | None) -> None:
        """Let this one stay warm once it has finished, and no other."""
        name(self.standby_link, number)

    def try_out(self, number: int | None) -> None:
        """Let this one be up without serving, and no other."""
        name(self.candidate_link, number)

    def prune(self, keep: int, running: Iterable[int] = ()) -> list[int]:
        """Remove the oldest beyond `keep`, and the venvs that nobody needs any more.

        Never the current, the one before it, the last good one, one that is warm, or one that is
        `running`: it may still load what it needs for answers that take long. Returns the removed.
        """
        current = self.current() or 0
        held = {current, self.outcome(current).get("before"), self.candidate(), self.standby()}
        held |= {*running}
        with contextlib.suppress(GenerationError):
            held.add(self.previous())
        old = [n for n in self.numbers()[: -max(keep, 1)] if n not in held]
        for number in old:
            remove(self.folder / str(number))
            (self.outcomes / f"{number}.json").unlink(missing_ok=True)
        self.prune_venvs()
        return old

    def prune_venvs(self) -> None:
        """Remove the venvs that no generation is made with, or is about to be."""
        needed = {self.manifest(number).venv for number in self.numbers()}
        venvs.prune(self.base / "venvs", needed)


def named_by(link: Path) -> int | None:
    """The generation that a link names, None if it names none."""
    try:
        return int(link.readlink().name)
    except (OSError, ValueError):
        return None


def name(link: Path, number: int | None) -> None:
    """Let a link name this generation, or none."""
    if number is None:
        link.unlink(missing_ok=True)
    elif named_by(link) != number:
        atomic.link(link, f"generations/{number}")
