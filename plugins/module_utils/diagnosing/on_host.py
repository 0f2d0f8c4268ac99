# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance of ours has of its host: its port, and its GPUs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..host.gpus import gpus
from ..host.listeners import holders
from .network import listeners, takes
from .rows import Row, row, unknown

SECONDS = 10.0
Wanted = Mapping[str, Any]


def port_here(wanted: Wanted) -> Row:
    """Who listens on its port. As the services' user, who knows the unit of its own processes."""
    number, unit = int(wanted["port"]), str(wanted["unit"])
    asked, about = f"who listens on port {number}", {"unit": unit, "port": number}
    mine = f"{unit} at {wanted['bind']}"
    found = holders(number)
    if not found:
        return row("port_here", asked, mine, "nobody", "nobody", **about)
    others = [one for one in found if one.unit != unit and (one.pid or one.uid != os.getuid())]
    if others:
        holder = str(others[0])
        return row("port_here", asked, mine, holder, "taken", **about, holder=holder)
    at = [one for table in ("tcp", "tcp6") for one in listeners(number, _table(table))]
    where = ", ".join(dict.fromkeys(at))
    fault = "" if takes(at, str(wanted["address"])) else "elsewhere"
    return row("port_here", asked, mine, f"{unit} at {where}", fault, **about, at=where)


def named(rows: list[Row]) -> list[Row]:
    """The same, with the names of other users' processes. For root, who alone sees them."""
    return [_named(one) if one["fault"] == "taken" else one for one in rows]


def _named(one: Row) -> Row:
    known = [holder for holder in holders(int(one["about"]["port"])) if holder.pid]
    told = str(known[0]) if known else one["seen"]
    return one | {"seen": told, "about": one["about"] | {"holder": told}}


def _table(name: str) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/net/{name}").read_text()
    return ""


def gpu(wanted: Wanted) -> list[Row]:
    """The GPUs that it may use: whether they are there, and what of their memory is taken."""
    wished = wanted.get("gpus")
    asked = "the GPUs" if wished is None else f"GPU {', '.join(str(one) for one in wished)}"
    if wished == []:
        return [unknown("gpu", "the GPUs", "it runs on the CPU alone")]
    seen = gpus(SECONDS)
    there = {one["index"]: one for one in seen["gpus"]}
    missing = [one for one in wished or () if one not in there]
    if missing:
        words = "; ".join(seen["notes"]) or f"this host has {len(there) or 'none'}"
        about = {"gpu": ", ".join(str(one) for one in missing)}
        return [row("gpu", asked, "there", f"not there: {words}", "missing", **about)]
    if not there:
        words = "; ".join(seen["notes"]) or "no GPU"
        return [unknown("gpu", asked, words)]
    chosen = [there[one] for one in wished or there]
    return [row("gpu", asked, "there", "; ".join(_gpu(one) for one in chosen))]


def _gpu(one: Wanted) -> str:
    total, used = one.get("total"), one.get("used")
    memory = f"{used} of {total} MiB taken" if total is not None else "memory not told"
    who = [f"{p['unit'] or p['name']} {p['memory'] or '?'} MiB" for p in one["processes"]]
    tail = f" ({', '.join(who)})" if who else ""
    return f"GPU {one['index']} {one['model']}: {memory}{tail}"
