"""check.yml on the demo's registry, over a play that does nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5
EMPTY = "- name: Nothing\n  hosts: localhost\n  gather_facts: false\n"


def _seconds(playbook: str) -> float:
    begun = time.perf_counter()
    subprocess.run(
        ["ansible-playbook", playbook],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    return time.perf_counter() - begun


def run() -> dict[str, dict[str, Any]]:
    """check_over_empty_play_s: the median of the differences of pairs run in turn."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.yml")
        empty.write_text(EMPTY)
        pairs = [(_seconds("playbooks/check.yml"), _seconds(str(empty))) for _ in range(RUNS + 1)]
    checks, floors = zip(*pairs[1:], strict=True)  # the first pair only warms up
    over = statistics.median(check - floor for check, floor in pairs[1:])
    return {
        "check_over_empty_play_s": {
            "value": round(over, 2),
            "unit": "s",
            "floor": round(statistics.median(floors), 2),
            "ratio": round(statistics.median(checks) / statistics.median(floors), 2),
        }
    }
