# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof took: how many requests went to which provider, and how many tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .probe_checks import Check, provider_of
from .questions import MOST_TOKENS, TIMED_TOKENS

SUMS = ("requests", "tokens", "answer_tokens_at_most")


def cost(checks: Iterable[Check], providers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a provider that was asked for completions: `provider`, `cloud` (a vendor's own API,
    which costs money), `requests`, `answer_tokens_at_most`, and `tokens`, question and answer, as
    the provider counted them (0 if it does not).

    A request that nobody answered is counted for the first who might have.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in checks:
        if not row.get("requests"):
            continue
        name = provider_of(row["by"]) or next(iter(row["providers"]), "unknown")
        cloud = bool(providers.get(name, {}).get("cloud"))
        said = found.setdefault(name, {"provider": name, "cloud": cloud, **dict.fromkeys(SUMS, 0)})
        for key in SUMS:
            said[key] += row[key]
    return list(found.values())


def in_words(costs: Iterable[Mapping[str, Any]]) -> str:
    """One line; vendors' APIs are named each with its tokens."""
    rows = list(costs)
    if not rows:
        return "Cost: no completion was asked for."
    own = [row for row in rows if not row["cloud"]]
    vendors = [row for row in rows if row["cloud"]]
    told = [f"{row['provider']} {row['requests']}" for row in own]
    told += [
        f"{row['provider']}, a vendor's API, {row['requests']} with {tokens(row)}"
        for row in vendors
    ]
    total = sum(row["requests"] for row in rows)
    asked = f"{total} completion{'' if total == 1 else 's'}"
    short = sum(row["answer_tokens_at_most"] for row in rows) == MOST_TOKENS * total
    most = MOST_TOKENS if short else f"{MOST_TOKENS}, and where speed is declared {TIMED_TOKENS},"
    return f"Cost: {asked} of at most {most} tokens each: {'; '.join(told)}."


def tokens(row: Mapping[str, Any]) -> str:
    counted = f"{row['tokens']} tokens as it counts" if row["tokens"] else "tokens not counted"
    return f"{counted} (answers: at most {row['answer_tokens_at_most']})"
