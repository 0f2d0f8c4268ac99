# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A venv that is made once from a lock file, and there whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from ..host import atomic
from . import venvs

LITELLM = re.compile(r"^litellm==([^\s;\\]+)", re.MULTILINE)
# 1.82.7 and 1.82.8 carried malware; 1.107 is withdrawn and was reported to.
COMPROMISED = re.compile(r"1\.82\.[78](\D|$)|1\.107(\D|$)")
# Below it, requests of strangers reach the keys and the host (CVE-2026-42208 and six others).
FLOOR = (1, 84, 0)
INSTALL_SECONDS = 1800.0  # 119 packages; an index that hangs shall not hang the run


class VenvError(Exception):
    """The venv cannot be had; the message says why and what to do."""


class Lock:
    """A lock file: its text, the venv's name, and LiteLLM's release. Raises VenvError."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.name = self.sha256[:16]
        found = LITELLM.search(text)
        if not found:
            raise VenvError("the lock file pins no litellm==VERSION at the beginning of a line")
        self.litellm = found[1]
        refuse(self.litellm)


def refuse(version: str) -> None:
    """Raises VenvError for a release that must not run."""
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    if COMPROMISED.match(version):
        raise VenvError(f"LiteLLM {version} is known to be compromised: pin another release")
    if numbers < FLOOR:
        floor = ".".join(map(str, FLOOR))
        raise VenvError(f"LiteLLM {version} has known holes: pin {floor} or newer")


def have(base: Path, lock: Lock, python: str, check: bool = False) -> bool:
    """The venv is there, and stays until a generation can have been made with it. Returns whether
    it was not; with `check` it is not made. Raises VenvError."""
    if check:
        return not venvs.is_whole(base / "venvs", lock.name)
    if venvs.claim(base / "venvs", lock.name):
        return False
    install(base, lock, python)
    return True


def install(base: Path, lock: Lock, python: str) -> None:
    """Make the venv. Its mark is written last: without it, the next run begins anew."""
    folder = base / "venvs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    base.chmod(0o700)
    with (folder / ".lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # a second run waits, and then finds it there
        if venvs.claim(folder, lock.name):
            return
        venv = folder / lock.name
        shutil.rmtree(venv, ignore_errors=True)
        try:
            fill(venv, lock, python)
        except (VenvError, OSError):
            shutil.rmtree(venv, ignore_errors=True)  # half of one may be what fills the disk
            raise


def fill(venv: Path, lock: Lock, python: str) -> None:
    """What `install` does in the folder. Raises VenvError or OSError."""
    requirements = venv.with_name(f"{lock.name}.txt")
    atomic.write(requirements, lock.text.encode(), 0o600)
    run(python, "-m", "venv", str(venv))
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--quiet"]
    # Modules are compiled while they are installed, so the first start is as quick as others.
    run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(requirements))
    os.sync()
    mark = {"lock": lock.sha256, "litellm": lock.litellm}
    atomic.write(venv / venvs.MARK, json.dumps(mark).encode(), 0o600)


def run(*argv: str, seconds: float = INSTALL_SECONDS) -> None:
    """Raises VenvError with the end of what the program said, or that it did not end."""
    try:
        done = subprocess.run(  # noqa: S603
            argv, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise VenvError(f"{' '.join(argv[:4])} did not end within {seconds:g} s") from None
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise VenvError(f"{' '.join(argv[:4])} failed:\n{said}")
