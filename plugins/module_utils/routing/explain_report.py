# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asks to have explained, and the report on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .explain import Explainer
from .explain_table import public_names, table
from .explain_text import listed
from .explain_unknown import nearest_provider

FEW = 12  # providers that are listed in an error


class MistakeError(ValueError):
    """What was asked cannot be meant; the text says why, and what may have been."""


def report(
    explainer: Explainer,
    model: str = "",
    down: Sequence[str] = (),
    tags: Sequence[str] = (),
    agent: str = "",
) -> dict[str, Any]:
    """{explained: the explanation of one name, or those of all in a list; lines: for people}.

    Raises MistakeError for somebody in `down` who is no provider here.
    """
    check_down(explainer, down)
    asked = [model] if model else [*public_names(explainer), *explainer.waiting.lost]
    found = [explainer.explain(name, down=down, tags=tags, agent=agent) for name in asked]
    if model:
        return {"explained": found[0].as_dict(), "lines": found[0].lines()}
    return {"explained": [one.as_dict() for one in found], "lines": table(found)}


def check_down(explainer: Explainer, down: Sequence[str]) -> None:
    """Raises MistakeError with everybody who is no provider of the configuration."""
    known = explainer.providers
    told = []
    for word in down:
        if word not in known:
            if why := explainer.waiting.why(word):
                told.append(f"down names '{word}', which waits {why}: nobody asks it now.")
                continue
            near = nearest_provider(word, known)
            told.append(f"down names '{word}'; no such provider is routed to."
                        + (f" Did you mean '{near}'?" if near else ""))  # fmt: skip
    if told:
        if len(known) <= FEW:
            told.append(f"There are {listed(known)}.")
        raise MistakeError(" ".join(told))
