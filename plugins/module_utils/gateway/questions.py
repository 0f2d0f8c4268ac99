# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof asks, and the smallest question to a model with the answer that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .asking import Answer

PATHS = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
}


@dataclass(frozen=True)
class Questions:
    """What to ask, from the registry plugin's `probes`, and how much of it.

    `secrets` are {name: value} of the host's file. `no_completions` names providers that are not
    to be asked for completions, for they cost money.
    """

    probes: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    new_provider: str = ""
    only_routes: Sequence[str] = ()
    no_completions: Sequence[str] = ()
    forced: bool = True
    side_by_side: int = 8

    def wants(self, route: str) -> bool:
        return not self.only_routes or route in self.only_routes


def question(model: str, mode: str) -> dict[str, Any]:
    """The body of the smallest useful request."""
    body: dict[str, Any] = {"model": model, "disable_fallbacks": True}
    if mode == "embedding":
        return body | {"input": "Hello"}
    if mode == "completion":
        return body | {"prompt": "Hello", "max_tokens": 5}
    return body | {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 5}


def answered(answer: Answer, mode: str) -> bool:
    """Whether this is an answer of a model, whatever it says."""
    said = answer.json()
    rows = (
        said.get("data" if mode == "embedding" else "choices") if isinstance(said, dict) else None
    )
    return answer.status == 200 and bool(rows)
