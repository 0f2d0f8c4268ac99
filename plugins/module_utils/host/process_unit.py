# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit of systemd that a process belongs to."""

from __future__ import annotations

import re
from pathlib import Path


def unit_of(pid: int, proc: Path = Path("/proc")) -> str:
    """By its control group; "" if that names none, or the process is gone."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return ""
    # With cgroup v1 there are many lines; the one that names the unit goes deepest.
    group = max(lines, key=lambda line: line.count("/"), default="")
    units = re.findall(r"/([^/\s]+\.(?:service|scope))", group)
    return units[-1] if units else ""
