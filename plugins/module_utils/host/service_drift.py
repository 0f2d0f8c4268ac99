# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of one host beside what was deployed there. Looks, and changes nothing."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .fingerprints import content_differs
from .readiness import foreign_holder
from .started_with import differing, known_units
from .units import is_ours
from .user_manager import Manager, ManagerError, State
from .user_units import UNITS, leftovers, secrets_path

Found = dict[str, Any]


def look(
    home: Path, manager: Manager, expected: dict[str, int], patterns: Collection[str]
) -> Found:
    """{units, leftover, systemd}, JSON-ready and without any secret.

    `expected`: unit -> port, of those that the gateway has; `patterns` are for all of their kind.
    `units`: [{unit, file (ours, foreign or gone), text, was, secrets, mode, watch, active, result,
    enabled, reload, drop_ins, holder}], see _row. `leftover` are ours that nobody expects.
    """
    known = [n for n in known_units(home) if any(fnmatchcase(n, one) for one in patterns)]
    names = list(dict.fromkeys([*expected, *known]))
    try:
        states = manager.states(names)
        problem = ""
    except ManagerError as error:
        states, problem = {}, str(error)
    rows = [_row(home, name, states.get(name), expected.get(name)) for name in names]
    left = leftovers(home, patterns, names)
    return {"units": rows, "leftover": left, "systemd": problem}


def _row(home: Path, name: str, state: State | None, port: int | None) -> Found:
    """One unit. `was` is its text as it was deployed, if it is another now; `secrets`: whether its
    file of keys is another, `mode` that file's, where others may read it; `watch`: programs and
    models that are others than it was started with."""
    text, secrets = _read(home / UNITS / name), _read(secrets_path(home, name))
    other = differing(home, name, text, secrets)
    drop_ins = state.drop_in_paths.split() if state else []
    return {
        "unit": name,
        "file": "gone" if text is None else "ours" if is_ours(text) else "foreign",
        "text": text if "text" in other else None,
        "was": other.get("text"),
        "secrets": bool(other.get("secrets")),
        "mode": _mode(secrets_path(home, name)),
        "watch": list(_others(other.get("watch", ()))),
        "expected": port is not None,
        "active": state.active_state if state else "",
        "result": state.result if state else "",
        "enabled": bool(state and state.is_enabled),
        "reload": bool(state and state.need_daemon_reload == "yes"),
        "drop_ins": [path for path in drop_ins if "/.config/" in path],
        "holder": foreign_holder(name, port),
    }


def _others(paths: Collection[str]) -> Iterator[str]:
    """Of files whose size or times are others, those whose content is; `gone` for a missing one."""
    for path in paths:
        if not Path(path).exists():
            yield f"{path} is gone"
        elif content_differs(Path(path)):
            yield f"{path} is another file"


def _read(path: Path) -> str | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return None


def _mode(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        mode = stat.S_IMODE(path.stat().st_mode)
        return f"{mode:04o}" if mode & 0o077 else ""
    return ""
