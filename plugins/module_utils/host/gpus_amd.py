# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GPUs of AMD, by rocm-smi, or by sysfs where that is not installed."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .process_unit import unit_of

Ask = Callable[[Sequence[str]], tuple[str, str]]
WORDS = ("--showproductname", "--showmeminfo", "vram", "--showuniqueid", "--showdriverversion",
         "--json")  # fmt: skip
TOTAL, USED = "VRAM Total Memory (B)", "VRAM Total Used Memory (B)"
VENDOR = "0x1002"
MIB = 1 << 20


def read(ask: Ask, system: Path, proc: Path, notes: list[str]) -> list[dict[str, Any]]:
    """See gpus(); [] if there is none. What is wrong goes to `notes`."""
    text, problem = ask(WORDS)
    found = _by_program(text) or _by_sysfs(system)
    if problem:
        notes.append(problem)
    if len(found) == 1:  # which process is on which of several cards, only ROCm's own library tells
        found[0]["processes"] = _processes(system, proc)
    elif found:
        notes.append("Which processes hold memory of which AMD GPU is not known")
    return found


def _by_program(text: str) -> list[dict[str, Any]]:
    """Warnings may stand before the JSON; integers come as texts."""
    try:
        told = json.loads(text[text.index("{") :])
    except ValueError:
        return []
    driver = str((told.get("system") or {}).get("Driver version", ""))
    rows: list[dict[str, Any]] = []
    for name, card in told.items() if isinstance(told, dict) else ():
        index = re.fullmatch(r"card([0-9]+)", name)
        if index and isinstance(card, Mapping):
            rows.append(_card(int(index[1]), card, driver))
    return sorted(rows, key=lambda row: row["index"])


def _card(index: int, card: Mapping[str, Any], driver: str) -> dict[str, Any]:
    names = ("Card Series", "Card series", "Device Name", "Card Model", "Card model")
    model = next((str(card[name]) for name in names if card.get(name, "N/A") != "N/A"), "")
    unique = str(card.get("Unique ID", ""))
    return _row(
        index, _number(card.get(TOTAL)), _number(card.get(USED)),
        uuid="" if unique == "N/A" else unique, model=model, driver=driver,
        compute_capability=str(card.get("GFX Version", "")),
    )  # fmt: skip


def _by_sysfs(system: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for folder in sorted(system.glob("class/drm/card[0-9]*/device")):
        if _text(folder / "vendor") == VENDOR and "-" not in folder.parent.name:
            total = _number(_text(folder / "mem_info_vram_total"))
            used = _number(_text(folder / "mem_info_vram_used"))
            if total is not None:
                model = _text(folder / "product_name") or _text(folder / "device")
                unique = _text(folder / "unique_id")
                driver = _text(system / "module" / "amdgpu" / "version")
                row = _row(len(found), total, used, uuid=unique, model=model, driver=driver)
                found.append(row)
    return found


def _row(index: int, total: int | None, used: int | None, **more: str) -> dict[str, Any]:
    free = None if total is None or used is None else total - used
    sizes = {"total": total, "used": used, "free": free}
    return {
        "index": index,
        "uuid": "", "model": "", "driver": "", "compute_capability": "", "mig": False,
        **more,
        **{word: None if size is None else size // MIB for word, size in sizes.items()},
        "processes": [],
    }  # fmt: skip


def _processes(system: Path, proc: Path) -> list[dict[str, Any]]:
    """What the kernel's compute driver says: class/kfd/kfd/proc/PID/vram_ID, in bytes."""
    found = []
    for folder in sorted(system.glob("class/kfd/kfd/proc/[0-9]*")):
        sizes = [_number(_text(path)) or 0 for path in folder.glob("vram_*")]
        if sum(sizes):
            pid = int(folder.name)
            name = _text(proc / folder.name / "comm")
            memory = sum(sizes) // MIB
            found.append({"pid": pid, "name": name, "memory": memory, "unit": unit_of(pid, proc)})
    return found


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""
