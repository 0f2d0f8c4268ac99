# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check is: one question of a proof, with what was expected and what came back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .asking import Answer

HEALTH, LISTING, NEW, ROUTING, CHAINS = "health", "listing", "new", "routing", "chains"
PERFORMANCE = "performance"  # only where a provider declares what is acceptable
COMPLETIONS = (NEW, ROUTING, CHAINS)  # what a model answers
FIXES = {
    0: "see that it runs and that the gateway's host reaches it",
    401: "check the value of its key",
    403: "check the value of its key, and what the key may do",
    404: "check the base URL and the model's name at the provider",
    429: "the provider's limit is reached: wait, or ask it for less",
}
# What LiteLLM says of a provider behind an answer of its own, and which of the above it means.
WORDS = (("Connection error", 0), ("AuthenticationError", 401), ("NotFoundError", 404))
Check = dict[str, Any]
Thing = tuple[str, str, str]


def check(
    line: str,
    name: str,
    asked: str,
    expected: str,
    seen: str,
    ok: bool,
    answer: Answer,
    fix: str = "",
) -> Check:
    """A check as JSON has it; `fix` only where it is not ok."""
    found = {"line": line, "check": name, "asked": asked, "expected": expected, "seen": seen}
    found["target"] = name
    told = next((number for word, number in WORDS if word in seen), answer.status)
    hint = {} if ok else {"fix": fix or FIXES.get(told) or "see the gateway's log"}
    measured = {"status": answer.status, "milliseconds": answer.milliseconds}
    return {**found, **measured, "ok": ok, **hint}


def thing(row: Check) -> Thing:
    """What a check is about; the same of two generations."""
    return (row["line"], row["check"], row["target"])


def names_of(names: Collection[str]) -> str:
    """How many there are, in words."""
    return f"{len(names)} name{'' if len(names) == 1 else 's'}"


def provider_of(identity: str) -> str:
    """The provider in an id of the form ~provider[@host]/model, "" if it is another word."""
    return identity[1:].split("/", 1)[0].split("@", 1)[0] if identity.startswith("~") else ""


def host_of(identity: str) -> str:
    """The host in such an id, "" where somebody else runs it."""
    return identity[1:].split("/", 1)[0].partition("@")[2] if identity.startswith("~") else ""
