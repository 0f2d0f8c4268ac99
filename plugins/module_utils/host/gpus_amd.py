# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GPUs of AMD, by rocm-smi, or by sysfs where that is not installed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from .gpus_kfd import MIB, Node, nodes, number, processes, text

Ask = Callable[[Sequence[str]], tuple[str, str]]
WORDS = ("--showproductname", "--showmeminfo", "vram", "gtt", "--showuniqueid",
         "--showdriverversion", "--json")  # fmt: skip
TOTAL, USED = "{} Total Memory (B)", "{} Total Used Memory (B)"
VENDOR = "0x1002"
# Parts of a processor: https://llvm.org/docs/AMDGPUUsage.html#processors, marked APU.
APUS = {"gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037",
        "gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153"}  # fmt: skip


def read(ask: Ask, system: Path, proc: Path, notes: list[str]) -> list[dict[str, Any]]:
    """See gpus(); [] if there is none. What is wrong goes to `notes`."""
    said, problem = ask(WORDS)
    known = nodes(system)
    found = _by_program(said, known) or _by_sysfs(system, known)
    if problem:
        notes.append(problem)
    _add_processes(found, processes(system, proc), notes)
    for gpu in found:
        _note_shared(gpu, notes)
        del gpu["gpu_id"], gpu["shared"]
    return found


def _by_program(said: str, known: Sequence[Node]) -> list[dict[str, Any]]:
    """Warnings may stand before the JSON; integers come as texts."""
    try:
        told = json.loads(said[said.index("{") :])
    except ValueError:
        return []
    driver = str((told.get("system") or {}).get("Driver version", ""))
    rows: list[dict[str, Any]] = []
    for name, card in told.items() if isinstance(told, dict) else ():
        index = re.fullmatch(r"card([0-9]+)", name)
        if index and isinstance(card, Mapping):
            rows.append(_card(int(index[1]), card, driver, known))
    return sorted(rows, key=lambda row: row["index"])


def _card(
    index: int, card: Mapping[str, Any], driver: str, known: Sequence[Node]
) -> dict[str, Any]:
    """Before ROCm 6 it told neither GUID, which is KFD's gpu_id, nor GFX Version."""
    names = ("Card Series", "Card series", "Device Name", "Card Model", "Card model")
    model = next((str(card[name]) for name in names if card.get(name, "N/A") != "N/A"), "")
    unique, gpu_id = str(card.get("Unique ID", "")), str(card.get("GUID", ""))
    gfx = str(card.get("GFX Version", ""))
    if not gpu_id and len(known) == 1:
        gpu_id, gfx = known[0].gpu_id, gfx or known[0].gfx
    vram, gtt = (
        tuple(number(card.get(word.format(kind))) for word in (TOTAL, USED))
        for kind in ("VRAM", "GTT")
    )
    return _row(
        index, vram, gtt, gpu_id, uuid="" if unique == "N/A" else unique, model=model,
        driver=driver, compute_capability=gfx,
    )  # fmt: skip


def _by_sysfs(system: Path, known: Sequence[Node]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    by_render = {node.render: node for node in known if node.render}
    cards = [path for path in system.glob("class/drm/card[0-9]*") if path.name[4:].isdigit()]
    for card in sorted(cards, key=lambda path: int(path.name[4:])):
        folder = card / "device"
        if text(folder / "vendor") != VENDOR:
            continue
        vram, gtt = (
            tuple(number(text(folder / f"mem_info_{kind}_{word}")) for word in ("total", "used"))
            for kind in ("vram", "gtt")
        )
        if vram[0] is not None:
            renders = [path.name.removeprefix("renderD") for path in folder.glob("drm/renderD*")]
            node = by_render.get(number(renders[0]) or 0 if renders else 0, Node("", "", 0))
            row = _row(
                0, vram, gtt, node.gpu_id,
                model=text(folder / "product_name") or text(folder / "device"),
                uuid=text(folder / "unique_id"),
                driver=text(system / "module" / "amdgpu" / "version"),
                compute_capability=node.gfx,
            )  # fmt: skip
            found.append(row)
    # ROCR_VISIBLE_DEVICES counts as KFD does.
    order = {node.gpu_id: at for at, node in enumerate(known)}
    found.sort(key=lambda row: order.get(row["gpu_id"], len(order)))
    return [{**row, "index": at} for at, row in enumerate(found)]


Size = tuple[Optional[int], ...]  # noqa: UP045 - ansible-test knows no other way


def _row(index: int, vram: Size, gtt: Size, gpu_id: str, **more: str) -> dict[str, Any]:
    """Of what the host shares with a GPU (GTT), and its own memory, the kernel's compute driver
    gives programs on an APU the larger one."""
    shared = more.get("compute_capability") in APUS and (gtt[0] or 0) > (vram[0] or 0)
    total, used = gtt if shared else vram
    free = None if total is None or used is None else total - used
    sizes = {"total": total, "used": used, "free": free}
    return {
        "index": index,
        "uuid": "", "model": "", "driver": "", "compute_capability": "", "mig": False, "parts": [],
        **more,
        **{word: None if size is None else size // MIB for word, size in sizes.items()},
        "processes": [], "gpu_id": gpu_id, "shared": shared,
    }  # fmt: skip


def _add_processes(
    found: Sequence[dict[str, Any]], held: Mapping[str, list[dict[str, Any]]], notes: list[str]
) -> None:
    for gpu in found:
        gpu["processes"] = held.get(gpu["gpu_id"], [])
    if len(found) == 1 and not found[0]["gpu_id"]:  # whatever it is called, it is this one
        found[0]["processes"] = [one for those in held.values() for one in those]
    elif not all(gpu["gpu_id"] for gpu in found):
        notes.append("Which processes hold memory of which AMD GPU is not known")


def _note_shared(gpu: Mapping[str, Any], notes: list[str]) -> None:
    if gpu["shared"]:
        model = f" ({gpu['model']})" if gpu["model"] else ""
        notes.append(f"GPU {gpu['index']}{model} shares the memory of the host")
