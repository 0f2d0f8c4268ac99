# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether going back to the generation before would be better, by what both were found to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .probe_checks import CHAINS, HEALTH, LISTING, ROUTING, Check, Thing, provider_of, thing


@dataclass(frozen=True)
class Decision:
    """`go` back or stay, and one sentence with the evidence."""

    go: bool
    why: str


def judge(live: Sequence[Check], older: Sequence[Check]) -> Decision:
    """Compare the checks of the generation that serves with those of the last good one.

    Going back is right if something fails in the live one that passes in the older one, and
    nothing that passes in the live one fails in the older. What only one of them has is not
    compared, so a dead backend that both have, or that only the live one has, is no reason.
    """
    if not any(row["line"] == LISTING for row in older):
        return Decision(False, "stay: the generation before was not asked")
    mine, theirs = things(live, older), things(older, live)
    shared = [what for what in mine if what in theirs]
    lost = [mine[t] for t in shared if not mine[t]["ok"] and theirs[t]["ok"]]
    lost = [row for row in lost if not stood_in(row, live, theirs[thing(row)])]
    worse = [theirs[t] for t in shared if mine[t]["ok"] and not theirs[t]["ok"]]
    if not lost:
        return Decision(False, f"stay: {_nothing(mine, theirs)}")
    if worse:
        told = f"{_told(lost)} would be better, but in the generation before {_told(worse)}"
        return Decision(False, f"stay: {told}")
    silent = [row for row in lost if row["line"] == LISTING and row["status"] == 0]
    if silent:
        return Decision(True, f"go back: it does not answer ({silent[0]['seen']}), the older does")
    return Decision(True, f"go back: {_told(lost)}, and the generation before does it")


def things(checks: Iterable[Check], others: Iterable[Check]) -> dict[Thing, Check]:
    """The checks that say something about the generation itself, by what was asked.

    A provider's health is a matter of the provider, and of the moment, unless the two generations
    look for it at different addresses. Then it counts as long as the provider answers nothing.
    """
    elsewhere = {row["check"]: row["asked"] for row in others if row["line"] == HEALTH}
    rows = list(checks)
    answering = {provider_of(row.get("by", "")) for row in rows if row["ok"]}
    found = {}
    for row in rows:
        if row["line"] == HEALTH:
            same = elsewhere.get(row["check"], row["asked"]) == row["asked"]
            if same or row["target"] in answering:
                continue
        # Another first target is another chain: nobody needs it as long as the name answers.
        found[thing(row)] = row
    return found


def stood_in(row: Check, live: Iterable[Check], before: Check) -> bool:
    """Whether a name was given to other providers on purpose, and its chain answers for them."""
    mine, theirs = (set(one.get("providers", ())) for one in (row, before))
    if row["line"] != ROUTING or not mine or mine & theirs:
        return False
    return any(r["line"] == CHAINS and r["check"] == row["check"] and r["ok"] for r in live)


def _nothing(mine: dict[Thing, Check], theirs: dict[Thing, Check]) -> str:
    bad = [what for what, row in mine.items() if not row["ok"]]
    both = [mine[what] for what in bad if what in theirs and not theirs[what]["ok"]]
    if both:
        return f"{_told(both)}, in the generation before too"
    moved = [mine[what] for what in bad if what in theirs]
    if moved:
        return f"{_told(moved)}, which is with other providers now, and its chain answers"
    if bad:
        alone = _told([mine[what] for what in bad])
        return f"{alone}, which the generation before does not have"
    return "everything that the generation before does is done"


def _told(rows: Sequence[Check], most: int = 3) -> str:
    told = [f"{row['check']} fails ({row['seen']})" for row in rows[:most]]
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return ", ".join(told) + more
