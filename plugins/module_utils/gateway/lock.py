# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of the gateway at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

LOOK_SECONDS = 0.05  # between two looks at a lock that somebody holds


class LockedError(Exception):
    """Somebody else is at it; the message names who, and since when."""


@contextlib.contextmanager
def locked(base: Path, purpose: str, patience: float = 0.0) -> Iterator[None]:
    """Nobody else changes the gateway in the folder `base` meanwhile.

    Raises LockedError if somebody still does after `patience` seconds. The lock ends with the
    process that holds it, however that ends.
    """
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (base / "lock").open("a+", encoding="utf-8") as file:
        until = time.monotonic() + patience
        while not taken(file):
            if time.monotonic() >= until:
                file.seek(0)
                holder = file.read().strip() or "another run"
                raise LockedError(f"the gateway is being changed by {holder}: wait for it to end")
            time.sleep(LOOK_SECONDS)
        file.truncate(0)
        file.write(f"{purpose}, process {os.getpid()}, since {time.strftime('%F %T %Z')}")
        file.flush()
        yield


def taken(file: IO[str]) -> bool:
    """Whether the lock of this file is ours now."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
