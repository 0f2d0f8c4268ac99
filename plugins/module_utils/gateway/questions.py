# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof asks, and the smallest question to a model with the answer that counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .asking import Answer
from .probe_checks import Thing

PATHS = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
}
MOST_TOKENS = 5  # of an answer
TIMED_TOKENS = 32  # of one whose speed is declared: five tell too little
FULL = "full"


@dataclass(frozen=True)
class Questions:
    """What to ask, from the registry plugin's `probes`, and how much of it.

    `secrets` are {name: value} of the host's file. `no_completions` names providers that are not
    to be asked for completions; so are those that the registry says it of, at a change or, if
    `frugal`, by the schedule. With `only`, nothing else is asked.
    """

    probes: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    new_provider: str = ""
    only_routes: Sequence[str] = ()
    no_completions: Sequence[str] = ()
    forced: bool = True
    side_by_side: int = 8
    frugal: bool = False
    only: frozenset[Thing] | None = None

    def wants(self, route: str) -> bool:
        return not self.only_routes or route in self.only_routes

    def asks(self, line: str, name: str, target: str = "") -> bool:
        return self.only is None or (line, name, target or name) in self.only

    def tokens_for(self, providers: Collection[str]) -> int:
        """How long an answer may be that any of these gives."""
        rows = [self.probes.get("providers", {}).get(name, {}) for name in providers]
        timed = any("tokens_per_second" in (row.get("performance") or {}) for row in rows)
        return TIMED_TOKENS if timed and not self.frugal else MOST_TOKENS

    @property
    def spared(self) -> frozenset[str]:
        """Providers that must not be asked for completions."""
        key = "watch" if self.frugal else "probe"
        rows = self.probes.get("providers", {}).items()
        return frozenset(self.no_completions) | {n for n, row in rows if row[key] != FULL}


def question(model: str, mode: str, most_tokens: int = MOST_TOKENS) -> dict[str, Any]:
    """The body of the smallest useful request, or of one with an answer long enough to be timed."""
    body: dict[str, Any] = {"model": model, "disable_fallbacks": True}
    if mode == "embedding":
        return body | {"input": "Hello"}
    if mode == "completion":
        return body | {"prompt": "Hello", "max_tokens": most_tokens}
    words = "Say hello." if most_tokens == MOST_TOKENS else "Count from 1 to 50."
    said = [{"role": "user", "content": words}]
    return body | {"messages": said, "max_tokens": most_tokens}


def streamed(body: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """The same, answered piece by piece, with what it took in the end."""
    if mode == "embedding":
        return dict(body)
    return {**body, "stream": True, "stream_options": {"include_usage": True}}


def answered(answer: Answer, mode: str) -> bool:
    """Whether this is an answer of a model, whatever it says."""
    said = answer.json()
    rows = (
        said.get("data" if mode == "embedding" else "choices") if isinstance(said, dict) else None
    )
    return answer.status == 200 and bool(rows)


def tokens_of(answer: Answer) -> int:
    """What the provider counted, question and answer; 0 if it did not say."""
    said = answer.json()
    usage = said.get("usage") if isinstance(said, dict) else None
    counted = usage.get("total_tokens") if isinstance(usage, dict) else None
    return counted if isinstance(counted, int) else 0
