# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel's compute driver for AMD's GPUs (KFD) says: which they are, who is on them.

Below class/kfd/kfd there is topology/nodes/N with gpu_id (0 for a CPU) and properties, a `name
number` a line; and proc/PID with a file vram_GPUID for each GPU, in bytes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from .process_unit import unit_of

KFD = "class/kfd/kfd"
MIB = 1 << 20


class Node(NamedTuple):
    """A GPU as KFD knows it: `render` is the number of its /dev/dri/renderD, 0 for none."""

    gpu_id: str
    gfx: str
    render: int


def nodes(system: Path) -> list[Node]:
    """The GPUs among its nodes, in its order."""
    found = []
    folders = system.glob(f"{KFD}/topology/nodes/[0-9]*")
    for folder in sorted(folders, key=_number_of):
        gpu_id = text(folder / "gpu_id")
        if gpu_id not in ("", "0"):
            lines = (line.split() for line in text(folder / "properties").splitlines())
            told = {line[0]: line[1] for line in lines if len(line) == 2}
            version, minor = told.get("gfx_target_version", ""), told.get("drm_render_minor", "")
            found.append(Node(gpu_id, gfx(version), number(minor) or 0))
    return found


def gfx(version: str) -> str:
    """gfx1151 of 110501, gfx90a of 90010: two digits each, the last ones in base 16; "" of 0."""
    value = number(version) or 0
    return f"gfx{value // 10000}{value // 100 % 100:x}{value % 100:x}" if value else ""


def processes(system: Path, proc: Path) -> dict[str, list[dict[str, Any]]]:
    """By the id of a GPU those that hold memory of it: [{pid, name, memory, unit}], in MiB."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted(system.glob(f"{KFD}/proc/[0-9]*"), key=_number_of):
        pid = _number_of(folder)
        for path in sorted(folder.glob("vram_*")):
            size = number(text(path)) or 0
            if size:
                name = text(proc / str(pid) / "comm")
                one = {"pid": pid, "name": name, "memory": size // MIB, "unit": unit_of(pid, proc)}
                found.setdefault(path.name.removeprefix("vram_"), []).append(one)
    return found


def number(value: object) -> int | None:
    """Of a whole number's text; None of all else."""
    told = str(value)
    return int(told) if told.isdecimal() else None


def text(path: Path) -> str:
    """What a file says, "" where it says nothing or may not be read."""
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""


def _number_of(folder: Path) -> int:
    """Newer kernels have PID_CONTEXT for a process that has several."""
    return number(folder.name.partition("_")[0]) or 0
