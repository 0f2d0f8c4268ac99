# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof in the five lines that people know, each with what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .probe_checks import CHAINS, HEALTH, LISTING, NEW, PERFORMANCE, ROUTING

# line, what it says, and what it says when there was nothing to check
LINES = (
    (HEALTH, "All providers healthy", "no provider declares a health endpoint"),
    (LISTING, "LiteLLM routing functional", "not asked"),
    (NEW, "New provider reachable", "no deployment was asked"),
    (ROUTING, "Model routing working", "no model was asked"),
    (CHAINS, "Fallback chains operational", "none is declared"),
)
MORE = ((PERFORMANCE, "Performance acceptable"),)  # only where there is something to say


def lines(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Five lines, a sixth where a provider declares what performance is acceptable, and below a ❌
    one line for each check that failed: what, why and the fix.

    A line with nothing to check behind it has a sign of its own, neither good nor bad.
    """
    found = []
    more = [(line, title, "") for line, title in MORE if any(r["line"] == line for r in checks)]
    for line, title, nothing in [*LINES, *more]:
        rows = [row for row in checks if row["line"] == line]
        bad = [row for row in rows if not row["ok"]]
        sign = "❌" if bad else "✅" if rows else "➖"
        found.append(f"{sign} {title}{note(line, rows, bad, nothing)}")
        found += [
            f"   {row['check']}: {row['seen']} ({row['asked']}). Fix: {row['fix']}" for row in bad
        ]
    return found


def note(
    line: str, rows: Sequence[Mapping[str, Any]], bad: Sequence[Mapping[str, Any]], nothing: str
) -> str:
    """How much stands behind a line."""
    if not rows:
        return f" ({nothing})"
    if line == LISTING:
        return "" if bad else f" ({rows[0]['seen']})"
    return f" ({len(rows) - len(bad)} of {len(rows)})"
