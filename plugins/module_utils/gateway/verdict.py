# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failed checks speak against a generation, and which against what it talks to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .probe import HEALTH, LISTING, NEW, Check, provider_of


def blocking(
    checks: Sequence[Check],
    deployments: Iterable[Mapping[str, str]],
    before: Sequence[Check] = (),
    new_provider: str = "",
) -> list[Check]:
    """The checks because of which a generation must not serve.

    A provider that is down is not the generation's fault: what only it could answer is excused,
    unless it is the new one. So is what failed in the same way before (`before`: checks of the
    generation that serves now).
    """
    health = [row for row in checks if row["line"] == HEALTH]
    down = {row["target"] for row in health if is_down(row)}
    down -= {new_provider, *(row["target"] for row in health if not is_down(row))}
    serving: dict[str, set[str]] = {}
    for row in deployments:
        serving.setdefault(row["name"], set()).add(row["provider"])
    known = {signature(row) for row in before if not row["ok"]}
    bad = [row for row in checks if not row["ok"]]
    return [
        row
        for row in bad
        if (new_provider and speaks_of(row, new_provider)) or not excused(row, serving, down, known)
    ]


def speaks_of(row: Check, new_provider: str) -> bool:
    """Whether the new provider itself was asked."""
    asked = row["line"] == HEALTH and row["target"] == new_provider
    return bool(row["line"] == NEW or asked)


def excused(
    row: Check, serving: Mapping[str, set[str]], down: set[str], known: set[tuple[str, ...]]
) -> bool:
    if row["line"] in (HEALTH, LISTING):
        return bool(row["line"] == HEALTH)
    providers = {provider_of(row["target"])} - {""} or serving.get(row["target"], set())
    return (bool(providers) and providers <= down) or signature(row) in known


def is_down(row: Check) -> bool:
    """Nobody there, or in trouble of its own. A 401 or a 404 is a matter of what we declare."""
    return bool(row["status"] == 0 or row["status"] >= 500)


def signature(row: Check) -> tuple[str, ...]:
    """What makes two failures the same."""
    return tuple(str(row[name]) for name in ("line", "check", "asked", "seen"))
