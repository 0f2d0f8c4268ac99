# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A diagnosis for people: every check by its host, and the cause as the last sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Told = Mapping[str, Any]
_MARKS = {True: "✅", False: "❌", None: "·"}
LONGEST = 400  # characters of what was seen, in a line


def lines(told: Told) -> list[str]:
    """The report; its last two lines are the cause and what to do."""
    return [_head(told), *_checks(told), *_ending(told)]


def why(told: Told) -> str:
    """The cause in one line, for whoever is to fail with it."""
    if told["healthy"]:
        return f"Not looked at: {', '.join(told['not_seen'])}. So this is not all."
    return f"{told['provider']}: {told['cause']}"


def _head(told: Told) -> str:
    about = told["about"]
    where = f" on {', '.join(about['hosts'])}" if about["hosts"] else ""
    return f"{told['provider']}: {about['type']}, {about['status']}{where} ({about['place']})"


def _checks(told: Told) -> Iterator[str]:
    for host in dict.fromkeys(one["at"] for one in told["checks"]):
        yield host or "registry"
        several = len(told["about"]["hosts"]) > 1
        for one in told["checks"]:
            if one["at"] == host:
                yield _line(one, several and host != one["target"])


def _line(one: Told, name_target: bool) -> str:
    seen = str(one["seen"])
    seen = seen if len(seen) <= LONGEST else f"{seen[:LONGEST]}..."
    expected = f", expected {one['expected']}" if one["ok"] is False else ""
    target = f" ({one['target']})" if name_target and one["target"] else ""
    took = f", {one['milliseconds']} ms" if one["milliseconds"] >= 1 else ""
    return f"  {_MARKS[one['ok']]} {one['asked']}{target}: {seen}{expected}{took}"


def _ending(told: Told) -> Iterator[str]:
    for one in told["warnings"]:
        yield f"Besides: {one['cause']} {one['fix']}"
    for one in told["also"]:
        yield f"Also: {one['cause']} {one['fix']}"
    if told["not_seen"]:
        yield f"Not looked at: {', '.join(told['not_seen'])}."
    if told["healthy"]:
        rest = " that could be made" if told["not_seen"] else ""
        count = sum(one["ok"] is not None for one in told["checks"])
        yield f"{told['provider']} is well: {count} checks{rest}, and none found a fault."
        return
    yield f"Most likely cause: {told['cause']}"
    yield f"What to do: {told['fix']}"
