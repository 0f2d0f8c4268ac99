# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failed checks speak against a generation, and which against what it talks to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from .probe_checks import HEALTH, LISTING, NEW, PERFORMANCE, WORDS, Check, provider_of, thing

_VARIES = re.compile(r"[0-9a-f]*[0-9][0-9a-f-]*|\s+")
# LiteLLM keeps away from what has failed a moment ago: it says nothing about how.
COOLED = "No deployments available"


def blocking(
    checks: Sequence[Check],
    before: Sequence[Check] = (),
    new_provider: str = "",
    changed: Collection[str] = (),
    on_trial: Collection[str] = (),
    settled: Collection[str] = (),
) -> list[Check]:
    """The checks because of which a generation must not serve.

    A provider that is down is not the generation's fault: what only it could answer is excused,
    unless it is the new one. So is what failed in the same way before (`before`: checks of the
    generation that serves now) if it is configured now as it was then, down to the values of its
    variables (`changed`: those that have others). So is what only a provider `on_trial` could
    answer: its peers answer for it, and it is judged by what it does for clients. A provider that
    is `settled`, because it serves already as it is declared, may be slower than it should be.
    """
    health = [row for row in checks if row["line"] == HEALTH]
    down = {row["target"] for row in health if is_down(row)}
    down -= {row["target"] for row in health if not is_down(row)}
    down = (down | set(on_trial)) - {new_provider}
    known = {thing(row): row for row in before if not row["ok"]}
    new = {id(row) for row in checks if new_provider and speaks_of(row, new_provider)}
    may = {*on_trial, *settled} - {new_provider}
    slow = {id(row) for row in checks if row["line"] == PERFORMANCE and {*row["providers"]} & may}
    return [
        row
        for row in checks
        if not row["ok"]
        and id(row) not in slow
        and (id(row) in new or not excused(row, down, known.get(thing(row)), changed))
    ]


def speaks_of(row: Check, new_provider: str) -> bool:
    """Whether the new provider itself was asked."""
    asked = row["line"] == HEALTH and row["target"] == new_provider
    return bool(row["line"] == NEW or asked)


def excused(
    row: Check, down: Collection[str], before: Check | None, changed: Collection[str]
) -> bool:
    if row["line"] in (HEALTH, LISTING):
        return bool(row["line"] == HEALTH)
    if set(row.get("variables", ())) & set(changed):
        before = None
    providers = set(row.get("providers") or filter(None, [provider_of(row["target"])]))
    return (bool(providers) and providers <= set(down)) or same_failure(row, before)


def is_down(row: Check) -> bool:
    """Nobody there, or in trouble of its own. A 401 or a 404 is a matter of what we declare."""
    return bool(not row["ok"] and (row["status"] == 0 or row["status"] >= 500))


def same_failure(row: Check, before: Check | None) -> bool:
    """Whether this failed before in the same way, configured as it is now."""
    if before is None or row.get("configured") != before.get("configured"):
        return False
    return COOLED in before["seen"] or way(row) == way(before)


def way(row: Check) -> str:
    """How something failed, without what is another word at every request."""
    kind = next((word for word, _number in WORDS if word in row["seen"]), "")
    return kind or f"{row['status']} {_VARIES.sub('#', row['seen'].lower())}"
