"""How far estimates of a GPU's memory are from what others have measured: tests/vram."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

JUDGE = Path(__file__).parents[1] / "vram" / "judge.py"
MOST = 15.0  # percent, on average


def run() -> dict[str, dict[str, Any]]:
    """vram_error_mean: the mean of the absolute errors, in percent; `floor`: what it may be."""
    spec = importlib.util.spec_from_file_location("vram_judge", JUDGE)
    assert spec
    assert spec.loader
    judge = sys.modules["vram_judge"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    found = judge.cases("judged")
    print(judge.table(found), file=sys.stderr)
    mean = 100 * judge.mean_error(found)
    worst = max((one.error for one in found), key=abs)
    return {
        "vram_error_mean": {
            "value": round(mean, 1), "unit": "%", "floor": MOST, "ratio": round(mean / MOST, 2)
        },
        "vram_error_worst": {"value": round(100 * worst, 1), "unit": "%"},
    }  # fmt: skip
