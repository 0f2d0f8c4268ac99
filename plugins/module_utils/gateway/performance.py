# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast the deployments answered in a proof, and whether that is what is declared as acceptable.

The first question to a deployment may have to load a model: of several the best figures count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .asking import Answer
from .deployments import Deployments
from .probe_checks import COMPLETIONS, PERFORMANCE, Check, check, provider_of

Measured = dict[str, Any]
FIX = "give it less to do or more to do it with, or declare what it can keep"


def measured(checks: Iterable[Check], deployments: Deployments) -> list[Measured]:
    """One row a deployment that was asked for completions: `deployment` (its id), `provider`,
    `first_token_ms` and `tokens_per_second` (None where no stream came), `answers` (how many were
    timed), `requests` and `errors` (those that failed, each retry being one)."""
    found: dict[str, Measured] = {}
    for row in checks:
        identity = row.get("by") or _asked(row, deployments)
        if row["line"] not in COMPLETIONS or not row.get("requests") or not identity:
            continue
        told = found.setdefault(identity, _nothing(identity))
        told["requests"] += row["requests"]
        told["errors"] += row["requests"] - (row["status"] == 200)
        if "first_token_ms" in row:
            told["answers"] += 1
            for key, better in (("first_token_ms", min), ("tokens_per_second", max)):
                known = [one for one in (told[key], row[key]) if one is not None]
                told[key] = better(known) if known else None
    return list(found.values())


def _asked(row: Check, deployments: Deployments) -> str:
    """The only deployment that can have been asked; "" if there are several."""
    behind = {one["id"] for one in deployments.behind(row["target"])}
    return next(iter(behind)) if len(behind) == 1 else ""


def _nothing(identity: str) -> Measured:
    told: Measured = {"deployment": identity, "provider": provider_of(identity)}
    none = {"first_token_ms": None, "tokens_per_second": None}
    return told | none | {"answers": 0, "requests": 0, "errors": 0}


def misses(row: Mapping[str, Any], bounds: Mapping[str, Any]) -> bool:
    """Whether one answer was slower than it should be."""
    limit, least = bounds.get("time_to_first_token_ms"), bounds.get("tokens_per_second")
    first, speed = row.get("first_token_ms"), row.get("tokens_per_second")
    late = limit is not None and first is not None and first > limit
    return late or (least is not None and speed is not None and speed < least)


def judged(rows: Sequence[Measured], providers: Mapping[str, Any]) -> list[Check]:
    """A check for each deployment whose provider declares bounds, and one for its errors."""
    found = []
    for name, provider in providers.items():
        bounds = provider.get("performance") or {}
        mine = [row for row in rows if row["provider"] == name]
        if bounds and mine:
            found += [one for row in mine for one in _of_deployment(row, bounds)]
            found += _of_errors(name, mine, bounds)
    return found


def _of_deployment(row: Measured, bounds: Mapping[str, Any]) -> list[Check]:
    limit, least = bounds.get("time_to_first_token_ms"), bounds.get("tokens_per_second")
    first, speed = row["first_token_ms"], row["tokens_per_second"]
    seen, wish, ok = [], [], True
    if limit is not None and first is not None:
        bad = first > limit
        is_, most = apart(first, limit)
        wish.append(f"first token within {most}")
        bound = f", at most {most} is declared" if bad else f" (at most {most})"
        seen.append(f"first token after {is_}{bound}")
        ok &= not bad
    if least is not None and speed is not None:
        bad = speed < least
        wish.append(f"at least {least:g} tokens/s")
        bound = f", at least {least:g} is declared" if bad else f" (at least {least:g})"
        seen.append(f"{speed:g} tokens/s{bound}")
        ok &= not bad
    if not seen:
        return []
    times = row["answers"]
    asked = f"the best of {times} answers" if times > 1 else "one answer"
    return [_check(row["deployment"], row["provider"], asked, ", ".join(wish), "; ".join(seen), ok)]


def _of_errors(name: str, rows: Sequence[Measured], bounds: Mapping[str, Any]) -> list[Check]:
    limit = bounds.get("error_rate")
    requests, errors = (sum(row[key] for row in rows) for key in ("requests", "errors"))
    if limit is None or not requests:
        return []
    bad = errors / requests > limit
    wish = f"at most {limit * 100:.4g} % of its requests fail"
    declared = f", at most {limit * 100:.4g} % is declared" if bad else ""
    seen = f"{errors} of {requests} requests failed{declared}"
    return [_check(name, name, f"{requests} requests", wish, seen, not bad)]


def _check(name: str, provider: str, asked: str, wish: str, seen: str, ok: bool) -> Check:
    row = check(PERFORMANCE, name, asked, wish, seen, ok, Answer(200), FIX)
    return row | {"providers": [provider]}


def as_before(
    probes: Mapping[str, Any], older: Mapping[str, Any], changed: Collection[str] = ()
) -> list[str]:
    """The providers that are configured, and bound, as they are in `older`; `changed` are
    variables with another value."""
    now, before = (_configured(one) for one in (probes, older))
    same = []
    for name, row in probes.get("providers", {}).items():
        bounds = older.get("providers", {}).get(name, {}).get("performance")
        kept = now.get(name, set()) <= before.get(name, set())
        if kept and row.get("performance") == bounds and not {*row["variables"]} & {*changed}:
            same.append(name)
    return same


def _configured(probes: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in probes.get("deployments", ()):
        found.setdefault(provider_of(row["id"]), set()).add(row["configured"])
    return found


def in_words(rows: Sequence[Measured], most: int = 3) -> str:
    """One line for people; "" where nothing was timed."""
    timed = [row for row in rows if row["answers"]]
    told = [f"{row['deployment']} {figures(row)}" for row in timed[:most]]
    more = f"; {len(timed) - most} more as JSON" if len(timed) > most else ""
    return f"Measured: {'; '.join(told)}{more}." if told else ""


def figures(row: Mapping[str, Any]) -> str:
    """First token and speed of one deployment."""
    first, speed = row["first_token_ms"], row["tokens_per_second"]
    return f"first token {seconds(first)}" + (f", {speed:g} tokens/s" if speed else "")


def seconds(milliseconds: float) -> str:
    """As people read it: hundredths of a second, or milliseconds where that says too little."""
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 10 else f"{milliseconds:g} ms"


def apart(one: float, other: float) -> tuple[str, str]:
    """Two times; in milliseconds where they would look the same."""
    told = (seconds(one), seconds(other))
    return told if told[0] != told[1] or one == other else (f"{one:g} ms", f"{other:g} ms")
