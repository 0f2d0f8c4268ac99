# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A venv that is made once from a lock file, and there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from ..host import atomic
from ..host.venvs import VenvError, alone, by_pip, whole_or_gone
from . import venvs

LITELLM = re.compile(r"^litellm==([^\s;\\]+)", re.MULTILINE)
# 1.82.7 and 1.82.8 carried malware; 1.107 is withdrawn and was reported to.
COMPROMISED = re.compile(r"1\.82\.[78](\D|$)|1\.107(\D|$)")
# Below it, requests of strangers reach the keys and the host (CVE-2026-42208 and six others).
FLOOR = (1, 84, 0)


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
    with alone(folder):
        base.chmod(0o700)
        if venvs.claim(folder, lock.name):
            return
        venv = folder / lock.name
        with whole_or_gone(venv):
            fill(venv, lock, python)


def fill(venv: Path, lock: Lock, python: str) -> None:
    """What `install` does in the folder. Raises VenvError or OSError."""
    requirements = venv.with_name(f"{lock.name}.txt")
    atomic.write(requirements, lock.text.encode(), 0o600)
    by_pip(venv, requirements, python)
    os.sync()
    mark = {"lock": lock.sha256, "litellm": lock.litellm}
    atomic.write(venv / venvs.MARK, json.dumps(mark).encode(), 0o600)
