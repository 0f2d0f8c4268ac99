# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The GPUs of this host: which they are, what of their memory is taken, and by whom."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import gpus_amd, gpus_nvidia

PLACES = ("/usr/bin", "/usr/local/bin", "/opt/rocm/bin", "/usr/lib/wsl/lib", "/bin")
SECONDS = 20


def gpus(
    timeout: float = SECONDS, system: Path = Path("/sys"), proc: Path = Path("/proc")
) -> dict[str, Any]:
    """{vendor, gpus, notes}, JSON-ready.

    `vendor`: nvidia, amd or none. `gpus`: [{index, uuid, model, total, used, free, driver,
    compute_capability, mig, parts, processes}], memory in MiB, None where it is not told; `parts`:
    profiles of what MIG has made of it; `processes`: [{pid, name, memory, unit}]. `notes` are
    sentences of what could not be found out.
    """
    notes: list[str] = []
    found = gpus_nvidia.read(lambda words: run("nvidia-smi", words, timeout), proc, notes)
    if found:
        return {"vendor": "nvidia", "gpus": found, "notes": notes}
    found = gpus_amd.read(lambda words: run("rocm-smi", words, timeout), system, proc, notes)
    return {"vendor": "amd" if found else "none", "gpus": found, "notes": notes}


def run(program: str, words: Sequence[str], timeout: float) -> tuple[str, str]:
    """(what it prints, what is wrong). A program that hangs, as one does whose driver is stuck, is
    killed after `timeout` seconds; one that is not there says nothing at all."""
    path = shutil.which(program) or shutil.which(program, path=":".join(PLACES))
    if path is None:
        return "", ""
    try:
        done = subprocess.run(  # noqa: S603 - a program of the driver, words of ours
            [path, *words], capture_output=True, timeout=timeout, check=False, encoding="utf-8",
            errors="replace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", f"{program} did not answer within {timeout:g} s: its driver may be stuck"
    except OSError as error:
        return "", f"{program} could not be started: {error.strerror or error}"
    if done.returncode:
        said = " ".join((done.stderr + done.stdout).split())[:300]
        return "", f"{program} ended with {done.returncode}: {said or 'it said nothing'}"
    return done.stdout, ""
