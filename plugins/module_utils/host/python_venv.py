# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large venvs, made by uv beside the one that runs, and seen to be whole at every run.

Each wheel brings a list of its files with their sums. That the files look as they did after the
installation is one sum over all sizes and times; only where it differs are contents read.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import atomic
from .fetch import CHUNK
from .fingerprints import RECORD, read_record, write_record
from .folders import INSTALLED
from .venvs import VenvError, alone, by_pip, run, whole_or_gone
from .wishes import Outcome

UV = ".uv-"  # how what makes venvs is called beside them


@dataclass(frozen=True)
class Venv:
    """One wish: `path` holds what `requirements` (a lock file with hashes) pin, or `packages` name.

    `uv` is a lock file that pins uv; `environment` are variables for it.
    """

    name: str
    path: Path
    requirements: str = ""
    packages: tuple[str, ...] = ()
    python: str = "/usr/bin/python3"
    uv: str = ""
    torch_backend: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def sum(self) -> str:
        """Changes with whatever makes another venv."""
        parts = [self.requirements, *self.packages, "", self.python, self.torch_backend]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def ensure(wish: Venv, check: bool) -> Outcome:
    """Have the venv whole; with `check` only say what would happen. Raises VenvError, OSError."""
    what, target = f"sha256 {wish.sum[:16]}", str(wish.path)
    before = _state(wish, check)
    if before and not check:
        with alone(wish.path.parent):
            before = _state(wish, check)  # another run may have made it meanwhile
            if before:
                _make(wish, anew=before != "absent")
    return Outcome(wish.name, target, bool(before), before or what, what)


def _state(wish: Venv, check: bool) -> str:
    """Why it is not as wished, or ""."""
    if not os.path.lexists(wish.path):
        return "absent"
    known = read_record(wish.path / RECORD)
    if not known:
        raise VenvError(f"{wish.path} was not made by us: move it out of the way")
    if known.get("sum") != wish.sum:
        return "made of other packages"
    if not (wish.path / "bin" / "python").exists():
        return "its Python is gone"
    look = _look(wish.path)
    if look == known.get("look"):
        return ""
    differing = known.get("differing")
    spared = differing if isinstance(differing, list) else []
    damaged = [*_lost(wish.path, known.get("lists"))]
    damaged = damaged or [name for name in _differing(wish.path) if name not in spared]
    if damaged:
        return f"{damaged[0]} is missing or was changed"
    if not check:
        write_record(wish.path / RECORD, {**known, "look": look})
    return ""


def _make(wish: Venv, anew: bool) -> None:
    uv = _uv(wish)
    fresh = wish.path.with_name(f".{wish.path.name}.new")
    with whole_or_gone(fresh):
        _fill(uv, wish, fresh, anew)
        # Two wheels may bring one file: what does not fit from the first day is no damage.
        known: dict[str, object] = {
            "sum": wish.sum,
            "differing": list(_differing(fresh)),
            "lists": {os.path.relpath(one, fresh): _sum(one) for one in _lists(fresh)},
            "look": _look(fresh),
        }
        write_record(fresh / RECORD, known)
        # New with every installation: services watch it to restart after a repair.
        (fresh / INSTALLED).write_text(f"{wish.sum} {time.time_ns()}\n")
        os.sync()
        old = wish.path.with_name(f".{wish.path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if wish.path.exists():
            wish.path.rename(old)
        fresh.rename(wish.path)
        shutil.rmtree(old, ignore_errors=True)


def _uv(wish: Venv) -> str:
    """The pinned uv, installed by pip into a venv of its own."""
    place = wish.path.parent / f"{UV}{hashlib.sha256(wish.uv.encode()).hexdigest()[:12]}"
    program, mark = place / "bin" / "uv", place / INSTALLED
    if not mark.exists():
        with whole_or_gone(place):
            python = wish.python if wish.python.startswith("/") else "/usr/bin/python3"
            requirements = place.with_name(f"{place.name}.txt")
            atomic.write(requirements, wish.uv.encode(), 0o600)
            by_pip(place, requirements, python)
            mark.touch()
    return str(program)


def drop_idle_uv(folder: Path) -> None:
    """What makes venvs goes with the last one that was in this folder."""
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        return
    for entry in folder.glob(f"{UV}*"):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _fill(uv: str, wish: Venv, venv: Path, anew: bool) -> None:
    # The authorities of the host count, as they do for pip. Files are hard links into the cache, so
    # a file that is damaged is damaged there, too.
    environment = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", "UV_NO_PROGRESS": "1"}
    environment |= {"UV_PYTHON_PREFERENCE": "system", **wish.environment}
    if anew:
        run(uv, "cache", "clean", "--quiet", environment=environment)
    # Relocatable, as it gets its name only when it is whole.
    run(uv, "venv", "--quiet", "--relocatable", "--python", wish.python, str(venv),
        environment=environment)  # fmt: skip
    install = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
    if wish.requirements:
        lock = venv / "requirements.txt"
        lock.write_text(wish.requirements)
        install += ["--require-hashes", "--no-deps", "--requirement", str(lock)]
    else:
        backend = ["--torch-backend", wish.torch_backend] if wish.torch_backend else []
        install += [*backend, *wish.packages]
    # Its variable alone leaves it what its cache has of an index.
    install += ["--no-index"] if os.environ.get("UV_NO_INDEX") else []
    run(*install, environment=environment)


def _look(venv: Path) -> str:
    """One sum over the looks of all files that its wheels have brought, and of their lists."""
    digest = hashlib.sha256()
    for path in [*map(str, _lists(venv)), *(one[0] for one in _brought(venv))]:
        try:
            seen = os.lstat(path)
        except OSError:
            digest.update(b"gone")
        else:
            digest.update(b"%d %d %d\n" % (seen.st_size, seen.st_mtime_ns, seen.st_ino))
    return digest.hexdigest()


def _differing(venv: Path) -> Iterator[str]:
    """The files, below `venv`, that are missing or hold something else than their wheel did."""
    for path, size, wanted in _brought(venv):
        try:
            if os.lstat(path).st_size == size and _sum(path) == wanted:
                continue
        except OSError:
            pass
        yield os.path.relpath(path, venv)


def _brought(venv: Path) -> Iterator[tuple[str, int, str]]:
    """(path, size, sha256 as a RECORD has it) of each file, in order."""
    for record in _lists(venv):
        folder = str(record.parent.parent)
        with (
            record.open(newline="", encoding="utf-8", errors="replace") as lines,
            contextlib.suppress(csv.Error),  # a damaged one is another than it was
        ):
            for row in csv.reader(lines):
                if len(row) == 3 and row[1].startswith("sha256="):
                    size = int(row[2]) if row[2].isdecimal() else 0
                    yield os.path.join(folder, row[0]), size, row[1]  # noqa: PTH118


def _lists(venv: Path) -> list[Path]:
    """The lists of files, one a wheel."""
    return sorted(venv.glob("lib/python3*/site-packages/*.dist-info/RECORD"))


def _lost(venv: Path, lists: object) -> Iterator[str]:
    """The lists that are gone or others than they were: then nothing else tells what is missing."""
    for name, wanted in lists.items() if isinstance(lists, Mapping) else ():
        try:
            if _sum(venv / name) == wanted:
                continue
        except OSError:
            pass
        yield str(name)


def _sum(path: str | Path) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return f"sha256={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}"
