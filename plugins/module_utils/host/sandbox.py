# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this host lets the services of a user have namespaces of their own.

systemd's file-system sandbox in user units needs them. Ubuntu since 24.04, and some hardened
kernels, refuse them to users; a unit that asks for them nevertheless does not start there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .fingerprints import read_record
from .unit_files import FileChange, FileWish
from .user_manager import Manager

RECORD = ".local/state/lab-llm/sandbox.json"
BOOT = Path("/proc/sys/kernel/random/boot_id")


def allowed(manager: Manager, home: Path, keys: Mapping[str, object], check: bool) -> bool:
    """Try the Service keys in earnest, each set of them once a boot; remembered unless `check`."""
    words = [f"{key}={_word(one)}" for key, value in keys.items() for one in _each(value)]
    boot, tried = BOOT.read_text().strip(), "\n".join(words)
    record = read_record(home / RECORD)
    seen = record.get("works") if record.get("boot") == boot else None
    known = dict(seen) if isinstance(seen, dict) else {}
    if tried in known:
        return bool(known[tried])
    works = manager.tries(words)
    if not check:
        text = json.dumps({"boot": boot, "works": {**known, tried: works}})
        FileChange(FileWish(home / RECORD, text, "", 0o600), None, 0o600).apply()
    return works


def _each(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
