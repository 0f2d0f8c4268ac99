# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client gets when nobody answers, and which names it may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ..registry.problems import nearest
from .explain_choice import EMPTY, TAGS
from .explain_entries import Entry
from .explain_match import Names
from .explain_walk import UNKNOWN, RequestError

FEW = 1500  # names that may all be compared
OFFERED = 3


def client_gets(failure: RequestError, names: Names) -> str:
    """A sentence: the status and the words of the real proxy."""
    if failure.why == UNKNOWN:
        # With a wildcard LiteLLM's router looks, without one its proxy says so at once.
        words = (
            f"You passed in model={failure.name}. There are no healthy deployments for this model"
            if names.wildcards
            else f"Invalid model name passed in model={failure.name}"
        )
        return f"the client gets 400: {words}"
    if failure.why == TAGS:
        return "the client gets 401: Not allowed to access model due to tags configuration"
    if failure.why == EMPTY or failure.entry is None:
        return "the client gets 429: No deployments available for selected model"
    who = called(failure.entry)
    return f"the client gets the error of {who} (500 if it cannot be reached)"


def called(entry: Entry) -> str:
    """A deployment as people call it."""
    return f"{entry.model} at {entry.provider}{'@' + entry.host if entry.host else ''}"


def nearest_names(name: str, names: Names) -> list[str]:
    """Names that are served and look like this one, the nearest first."""
    known = (*names.by_name, *names.aliases, *names.groups)
    public = [one for one in known if one[:1] != "~" and "*" not in one]
    same = [one for one in public if _plain(one) == _plain(name)]
    close = _close(name, public)
    return list(dict.fromkeys([*same, *close]))[:OFFERED]


def nearest_provider(word: str, known: Iterable[str]) -> str:
    """The provider that was most likely meant, or ""."""
    return nearest(word, known)


def _close(name: str, public: list[str]) -> list[str]:
    if len(public) <= FEW:
        return difflib.get_close_matches(name, public, n=OFFERED, cutoff=0.6)
    found = nearest(name, public)
    return [found] if found else []


def _plain(name: str) -> str:
    """Without what people leave out: a provider before it, case, signs between words."""
    end = name.rpartition("/")[2]
    return "".join(sign for sign in end.lower() if sign.isalnum())
