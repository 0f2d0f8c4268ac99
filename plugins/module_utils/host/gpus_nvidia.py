# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GPUs of NVIDIA, by nvidia-smi.

Its values are texts: `24576 MiB`, `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]`, and
`No devices were found` in place of a table. Older ones do not know each field.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .process_unit import unit_of

Ask = Callable[[Sequence[str]], tuple[str, str]]
FIELDS = ("index", "uuid", "name", "memory.total", "memory.used", "memory.free", "driver_version")
NEWER = ("compute_cap", "mig.mode.current")  # since driver 510 and 450
_PART = re.compile(r"\s+MIG\s+(\S+)\s+Device\s+[0-9]+:\s*\(UUID:\s*(\S+)\)")
_WHOLE = re.compile(r"GPU\s+([0-9]+):")
_PROCESSES = "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory"


def read(ask: Ask, proc: Path, notes: list[str]) -> list[dict[str, Any]]:
    """See gpus(); [] if there is none, or no driver. What is wrong goes to `notes`."""
    text, problem = _asked(ask)
    if problem:
        notes.append(problem)
        return []
    found = [_gpu(row) for row in table(text)]
    known = [gpu for gpu in found if gpu["index"] is not None]
    for gpu in known:
        if gpu["total"] is None and not gpu["mig"]:
            _share_memory(gpu, proc, notes)
    parts = _parts(ask, notes) if any(gpu["mig"] for gpu in known) else {}
    for gpu in known:
        gpu["parts"] = [profile for profile, _uuid in parts.get(gpu["index"], ())]
    if known:
        owners = {gpu["uuid"]: gpu for gpu in known}
        owners |= {one[1]: gpu for gpu in known for one in parts.get(gpu["index"], ())}
        _add_processes(owners, ask, proc, notes)
    return known


def _parts(ask: Ask, notes: list[str]) -> dict[int, list[tuple[str, str]]]:
    """By a GPU's index what MIG has made of it: (profile, such as 3g.40gb; uuid)."""
    text, problem = ask(["-L"])
    if problem:
        notes.append(f"What MIG has made of the GPUs is not known: {problem}")
    found: dict[int, list[tuple[str, str]]] = {}
    index = -1
    for line in text.splitlines():
        if whole := _WHOLE.match(line):
            index = int(whole[1])
        elif part := _PART.match(line):
            found.setdefault(index, []).append((part[1], part[2]))
    return found


def _asked(ask: Ask) -> tuple[str, str]:
    problem = ""
    for fields in ((*FIELDS, *NEWER), (*FIELDS, NEWER[1]), FIELDS):
        text, problem = ask([f"--query-gpu={','.join(fields)}", "--format=csv"])
        if "not a valid field" not in problem:
            return text, problem
    return "", problem


def table(text: str) -> list[dict[str, str]]:
    """Rows of its CSV, by the field's name without its unit."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    while rows and len(rows[0]) < 2:  # a warning may stand before the table
        rows.pop(0)
    if not rows:
        return []
    names = [re.sub(r" *\[.*\]", "", name) for name in rows[0]]
    return [dict(zip(names, row, strict=False)) for row in rows[1:] if len(row) >= len(names)]


def number(text: str | None) -> int | None:
    """MiB of `24576 MiB`; None of `[N/A]` and its like."""
    found = re.match(r"([0-9]+)(?:\.[0-9]+)?\b", text or "")
    return int(found[1]) if found else None


def _gpu(row: Mapping[str, str]) -> dict[str, Any]:
    total, used, free = (number(row.get(f"memory.{word}")) for word in ("total", "used", "free"))
    if free is None and total is not None and used is not None:
        free = total - used
    capability = row.get("compute_cap", "")
    return {
        "index": number(row.get("index")),
        "uuid": row.get("uuid", ""),
        "model": row.get("name", ""),
        "total": total,
        "used": used,
        "free": free,
        "driver": row.get("driver_version", "") if number(row.get("driver_version")) else "",
        "compute_capability": capability if re.fullmatch(r"[0-9]+\.[0-9]+", capability) else "",
        "mig": row.get("mig.mode.current") == "Enabled",
        "parts": [],
        "processes": [],
    }


def _share_memory(gpu: dict[str, Any], proc: Path, notes: list[str]) -> None:
    """GB10 and its like have no memory of their own, and tell none."""
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return
    sizes = {line.partition(":")[0]: int(line.split()[1]) // 1024 for line in lines if ":" in line}
    if "MemTotal" in sizes and "MemAvailable" in sizes:
        total, free = sizes["MemTotal"], sizes["MemAvailable"]
        gpu.update(total=total, free=free, used=total - free)
        notes.append(f"GPU {gpu['index']} ({gpu['model']}) shares the memory of the host")


def _add_processes(
    by_uuid: Mapping[str, dict[str, Any]], ask: Ask, proc: Path, notes: list[str]
) -> None:
    """`by_uuid`: GPUs by their uuid, and by those of their parts."""
    text, problem = ask([_PROCESSES, "--format=csv"])
    if problem:
        notes.append(f"The processes on the GPUs are not known: {problem}")
    for row in table(text):
        gpu, pid = by_uuid.get(row.get("gpu_uuid", "")), number(row.get("pid"))
        if gpu is not None and pid is not None:
            gpu["processes"].append(
                {
                    "pid": pid,
                    "name": row.get("process_name", ""),
                    "memory": number(row.get("used_gpu_memory") or row.get("used_memory")),
                    "unit": unit_of(pid, proc),
                }
            )
