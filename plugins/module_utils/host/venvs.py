# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all venvs have in common: programs that fill them, one run at a time, whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

INSTALL_SECONDS = 1800.0  # an index that hangs shall not hang the run


class VenvError(Exception):
    """The venv cannot be had; the message says why and what to do."""


def run(
    *argv: str, seconds: float = INSTALL_SECONDS, environment: Mapping[str, str] | None = None
) -> None:
    """Raises VenvError with the end of what the program said, or that it did not end."""
    try:
        done = subprocess.run(  # noqa: S603
            argv,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={**os.environ, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        raise VenvError(f"{' '.join(argv[:4])} did not end within {seconds:g} s") from None
    except OSError as problem:
        raise VenvError(f"{argv[0]} cannot be run: {problem.strerror}") from None
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise VenvError(f"{' '.join(argv[:4])} failed:\n{said}")


def by_pip(venv: Path, requirements: Path, python: str) -> None:
    """A venv by Python's own means, filled from a lock file with hashes. Raises VenvError."""
    run(python, "-m", "venv", str(venv))
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--quiet"]
    # Modules are compiled while they are installed, so the first start is as quick as others.
    run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(requirements))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One run at a time makes venvs in this folder; a second one waits, and then finds them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def whole_or_gone(venv: Path) -> Iterator[None]:
    """What is left of an earlier try goes, and so does what a failure leaves of this one."""
    shutil.rmtree(venv, ignore_errors=True)
    try:
        yield
    except (VenvError, OSError):
        shutil.rmtree(venv, ignore_errors=True)  # half of one may be what fills the disk
        raise
