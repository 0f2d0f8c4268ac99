"""What a load (load.py) has seen: failures, standstills, and who answered in which order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .load import Row


@dataclass(frozen=True)
class Report:
    rows: Sequence[Row]
    cpu: float = 0.0  # of the load itself, in cores

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.error]

    @property
    def answered(self) -> list[Row]:
        return [row for row in self.rows if not row.error]

    @property
    def longest_stall_s(self) -> float:
        """From a request to the first byte of its answer."""
        return max((row.first - row.sent for row in self.answered), default=0.0)

    @property
    def longest_gap_s(self) -> float:
        """Between two answers that began one after the other, whoever had asked."""
        firsts = sorted(row.first for row in self.answered)
        return max((b - a for a, b in itertools.pairwise(firsts)), default=0.0)

    @property
    def latest_s(self) -> float:
        """How late the load itself was: more than a little, and its figures are its own."""
        return max((row.sent - row.due for row in self.rows), default=0.0)

    def median_s(self) -> float:
        waits = sorted(row.first - row.sent for row in self.answered) or [0.0]
        return waits[len(waits) // 2]

    def turns(self) -> list[str]:
        """Who answered, in the order in which new connections were opened: each change once.

        Connections wait in one queue, so two configurations that accept at once show as more turns
        than there were changes.
        """
        return [mark for mark, _ in self.begun()]

    def begun(self) -> list[tuple[str, float]]:
        """Each turn, and when its first answer began."""
        fresh = sorted((r for r in self.answered if not r.kept), key=lambda row: row.sent)
        return [(mark, next(rows).first) for mark, rows in itertools.groupby(fresh, generation)]

    def said_goodbye(self) -> bool:
        """Whether whoever was not the newest any more ended each kept connection at its next
        answer."""
        begun = self.begun()
        for row in (row for row in self.answered if row.kept and row.used):
            turn = sum(at < row.sent for _, at in begun) - 1
            newest = [mark for mark, _ in begun[max(turn, 0) : turn + 2]]
            if generation(row) not in newest and not row.closes:
                return False
        return True

    def summary(self) -> dict[str, Any]:
        return {
            "requests": len(self.rows),
            "failed": len(self.failed),
            "longest_stall_s": round(self.longest_stall_s, 2),
            "longest_gap_s": round(self.longest_gap_s, 2),
            "median_s": round(self.median_s(), 3),
            "load_late_s": round(self.latest_s, 2),
            "load_cpu": round(self.cpu, 2),
            "errors": sorted({row.error[:100] for row in self.failed})[:5],
        }


def generation(row: Row) -> str:
    """The mark of a configuration in a deployment's id `~provider@MARK/model`; else the id."""
    return row.mark.partition("@")[2].partition("/")[0] or row.mark


def parse(lines: Iterable[str]) -> Report:
    """From the lines that load.py prints; a last line that is not whole yet is left out."""
    rows, cpu = [], 0.0
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "number" in said:
            rows.append(Row(**said))
        else:
            cpu = float(said["cpu"])
    return Report(rows, cpu)
