# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far Ollama's work on a model is: told in a file, and ended where the disk has no room."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .ollama_api import OllamaError

FILE = "lab-llm-progress.txt"  # in the store, while something is under way
EVERY = 1.0  # seconds between two writes


class Progress:
    """Takes the lines of one stream of Ollama's; `what` it is about, as `pulling llama3.1:8b`."""

    def __init__(self, store: Path, what: str, model: str) -> None:
        self.store, self.what, self.model = store, what, model
        self.free = free_in(store)
        # By part: how large it is, how much of it was missing at first, how much is here.
        self.parts: dict[str, tuple[int, int, int]] = {}
        self.begun = self.told = time.monotonic()

    @property
    def size(self) -> int:
        """Bytes of the parts that were told of so far."""
        return sum(total for total, _missing, _here in self.parts.values())

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Raises OllamaError where the disk has no room for what is missing."""
        if line.get("digest") and line.get("total"):
            # The first line of a part says what of it is here already.
            total, here = int(line["total"]), int(line.get("completed") or 0)
            known = self.parts.get(str(line["digest"]), (total, total - here, here))
            self.parts[str(line["digest"])] = (*known[:2], here)
            needed = sum(missing for _total, missing, _here in self.parts.values())
            if needed > self.free:
                raise no_room(self.store, f"{self.model} needs {mb(needed)} more", self.free)
        if time.monotonic() - self.told > EVERY:
            self.told = time.monotonic()
            self._tell(str(line.get("status", "")))

    def _tell(self, status: str) -> None:
        here = sum(one for _total, _missing, one in self.parts.values())
        fresh = here - sum(total - missing for total, missing, _here in self.parts.values())
        pace = fresh / max(self.told - self.begun, EVERY)
        far = f"{mb(here)} of {mb(self.size)}, {mb(pace)}/s" if self.parts else ""
        text = f"{self.what}: {far if here < self.size else status or far}"
        with contextlib.suppress(OSError):  # a full disk is told where it stops the work
            (self.store / FILE).write_text(f"{text}\n")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(OSError):
            (self.store / FILE).unlink(missing_ok=True)


def free_in(folder: Path) -> int:
    """Free bytes where the folder is, or is going to be."""
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free


def no_room(store: Path, needs: str, free: int) -> OllamaError:
    """The error that says so, with the figures."""
    return OllamaError(f"no space in {store}: {needs}, {mb(free)} are free. Free some room")


def mb(size: float) -> str:
    """Bytes for people."""
    return f"{size / 1e6:.0f} MB"
