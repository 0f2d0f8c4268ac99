"""How often an explanation disagrees with the real Router, over registries that are drawn.

LAB_LLM_DIFFERENTIAL is how many (50), LAB_LLM_SEED which ones.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from differential.harness import WANTED, examined
from differential.registries import Parts, registries

REGISTRIES = int(os.environ.get("LAB_LLM_DIFFERENTIAL", "50"))
SEED = int(os.environ.get("LAB_LLM_SEED", "20261123"))


def run() -> dict[str, dict[str, Any]]:
    """Disagreements, and over how much; each with what it says on standard error."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as directory:

        @seed(SEED)
        @settings(
            max_examples=REGISTRIES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(registries())
        def examine(parts: Parts) -> None:
            result = examined(parts, Path(directory))
            found.extend(result.disagreements)
            seen.update(result.covered)
            seen.update(registries=1, requests=result.requests)

        began = time.monotonic()
        examine()
    print(f"seed {SEED}: {dict(seen.most_common())}", *found, sep="\n", file=sys.stderr)
    covered = {what.replace(" ", "_"): {"value": seen[what], "unit": "registries"}
               for what in WANTED}  # fmt: skip
    return {
        "differential_disagreements": {"value": len(found), "unit": "", "floor": 0},
        "differential_registries": {"value": seen["registries"], "unit": ""},
        "differential_requests": {"value": seen["requests"], "unit": ""},
        "differential_seconds": {"value": round(time.monotonic() - began, 1), "unit": "s"},
        **{f"differential_{name}": figure for name, figure in covered.items()},
    }
