# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a switch of models ended, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def report(told: Mapping[str, Any]) -> str:
    """Of {ok, provider, slot, old, names, failures, left, cut, changed, check}; `old` is "" where
    the registry had the provider run already, `left` are hosts where what ran before does not,
    `cut` units of the gateway that still answered something when it was stopped."""
    return "\n".join(_lines(told))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    new, slot, old = told["provider"], told["slot"], told["old"]
    if not told["ok"]:
        yield from _failed(told)
    elif not old and not told["changed"]:
        yield f"{new} runs in slot {slot} already: nothing was changed."
    elif not old:
        yield f"{new} runs in slot {slot} now, as the registry says already."
    else:
        would = "would run" if told["check"] else "runs"
        yield f"{new} {would} in slot {slot} now, in place of {old}."
        if told["cut"]:
            yield f"The gateway was still at requests when {old} stopped: those to it were cut."
        names = told["names"]
        if names.get("new"):
            yield f"Answered now: {', '.join(names['new'])}."
        if names.get("lost"):
            yield f"Answered no more, until {old} runs again: {', '.join(names['lost'])}."


def _failed(told: Mapping[str, Any]) -> Iterator[str]:
    new, slot, old = told["provider"], told["slot"], told["old"]
    if not old:
        yield (
            f"{new} is the one to run in slot {slot}, and it does not: see above. Mend it and run "
            "this again, or let another provider of the slot run."
        )
    elif told["left"]:
        yield (
            f"{new} did not take over, and {old} could not be had back on "
            f"{', '.join(told['left'])}. Mend what failed, then run this again with "
            f"`-e provider={old}`."
        )
    else:
        yield (
            f"{new} did not take over: {old} runs in slot {slot}, and the registry and the gateway "
            "are as before."
        )
