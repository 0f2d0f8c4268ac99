# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a generation is, who says that it may run, and what its processes share."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from pathlib import Path

GENERATION = Path(__file__).resolve().parent.parent
BASE = GENERATION.parent.parent
UNIT = f"litellm@{GENERATION.name}.service"


def named(link: str) -> bool:
    """Whether `current` (who accepts in public), `candidate` (who may be up in private besides) or
    `standby` (who may stay warm once it has served) names this generation."""
    try:
        return (BASE / link).readlink().name == GENERATION.name
    except OSError:
        return False


def seconds(name: str, default: str) -> float:
    """A bound from the environment: LAB_LLM_<name>_SECONDS."""
    return float(os.environ.get(f"LAB_LLM_{name}_SECONDS") or default)


RETIRE_SECONDS = seconds("RETIRE", "600")
STOP_SECONDS = seconds("STOP", "10")
STANDBY_SECONDS = seconds("STANDBY", "600")


def runtime_folder() -> Path:
    """A folder of this user's own, gone after a boot."""
    folder = Path(os.environ["XDG_RUNTIME_DIR"], "lab-llm")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def inherited_socket() -> socket.socket | None:
    """The public socket, if systemd passed it on (the protocol of sd_listen_fds)."""
    count, pid = (os.environ.pop(name, "0") for name in ("LISTEN_FDS", "LISTEN_PID"))
    os.environ.pop("LISTEN_FDNAMES", None)
    if int(count) < 1 or int(pid) != os.getpid():
        return None
    os.set_inheritable(3, False)
    return socket.socket(fileno=3)


def private_socket() -> socket.socket:
    """A fresh unix socket, 0600. Nobody gets in before a worker listens on it."""
    path = runtime_folder() / f"litellm-{GENERATION.name}.sock"
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)
    try:
        door.bind(str(path))
    finally:
        os.umask(umask)
    return door


def metrics_folder() -> tuple[Path, int]:
    """A fresh folder in which the workers' metrics add up, and a descriptor that keeps it.

    Every worker holds the descriptor, which is a lock: a folder that nobody holds is a left-over.
    One of a process before this one may still be in use, by workers that finish what they began.
    """
    for old in runtime_folder().glob("metrics-*"):
        held = os.open(old, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)
    folder = runtime_folder() / f"metrics-{GENERATION.name}-{os.getpid()}"
    folder.mkdir(mode=0o700)
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    return folder, held


class Turn:
    """Whose turn it is to accept in public: one generation's at a time, whoever is slow or dead.

    Each worker that accepts holds a shared lock on a file of its generation. One that wants to
    takes its own first and then looks at the others': of two that do so at once neither goes ahead,
    and only the one that `current` names tries again.
    """

    def __init__(self) -> None:
        self.path = runtime_folder() / f"accepting-{GENERATION.name}"
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        """Whether nobody else accepts; from then on they see that we do."""
        others = [path for path in runtime_folder().glob("accepting-*") if path != self.path]
        if _lock(self.file, fcntl.LOCK_SH) and not any(map(_is_held, others)):
            return True
        self.give()
        return False

    def give(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_UN)


def _is_held(path: Path) -> bool:
    file = os.open(path, os.O_RDWR)
    try:
        return not _lock(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
