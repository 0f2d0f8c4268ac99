"""Runs the benchmarks, prints their figures and writes them to build/bench.json.

Every tests/bench/bench_NAME.py has a `run()` that returns name -> figure; a figure has a `value`,
its `unit`, the `floor` that it is held against (measured in the same run) and their `ratio`.

    python tests/bench/run.py [NAME...]
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / "build" / "bench.json"
COLUMNS = ("value", "unit", "floor", "ratio")


def figures(names: list[str]) -> dict[str, dict[str, Any]]:
    """The figures of the named benchmarks, or of all."""
    sys.path[:0] = [str(ROOT / ".ansible"), str(HERE)]
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(HERE.glob("bench_*.py")):
        if not names or path.stem.removeprefix("bench_") in names:
            print(f"{path.stem} ...", file=sys.stderr, flush=True)
            found |= importlib.import_module(path.stem).run()
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    """The figures as aligned columns."""
    rows = [("figure", *COLUMNS)]
    rows += [
        (name, *(str(figure.get(column, "")) for column in COLUMNS))
        for name, figure in found.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Keeps the figures of benchmarks that do not run this time."""
    found = figures(names)
    TARGET.parent.mkdir(exist_ok=True)
    kept = json.loads(TARGET.read_text()) if names and TARGET.exists() else {}
    TARGET.write_text(json.dumps(kept | found, indent=2) + "\n")
    print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
