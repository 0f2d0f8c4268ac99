# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client gets when nobody answers, and which names it may have meant."""

from __future__ import annotations

import difflib
import string
from collections.abc import Iterable, Iterator

from ..registry.problems import nearest
from .explain_choice import EMPTY, TAGS
from .explain_entries import Entry
from .explain_match import Names
from .explain_walk import UNKNOWN, RequestError

FEW = 300  # names that may all be compared
OFFERED = 3
SIGNS = string.ascii_letters + string.digits + "-_./:@"
BETWEEN = str.maketrans("", "", "-_.: ")


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
    plain = _plain(name)
    same = [one for one in public if _plain(one) == plain]
    if len(public) <= FEW:
        close = difflib.get_close_matches(name, public, n=OFFERED, cutoff=0.6)
    else:  # comparing with all would take longer than everything else
        among = {*public}
        close = [one for one in _one_off(name) if one in among]
    return list(dict.fromkeys([*same, *close]))[:OFFERED]


def nearest_provider(word: str, known: Iterable[str]) -> str:
    """The provider that was most likely meant, or ""."""
    return nearest(word, known)


def _one_off(word: str) -> Iterator[str]:
    """What comes of it with one letter less, exchanged, another or more; the likeliest first."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    yield from (first + rest[1:] for first, rest in parts if rest)
    yield from (first + rest[1] + rest[0] + rest[2:] for first, rest in parts if len(rest) > 1)
    for sign in SIGNS:
        yield from (first + sign + rest for first, rest in parts)
        yield from (first + sign + rest[1:] for first, rest in parts if rest)


def _plain(name: str) -> str:
    """Without what people leave out: a provider before it, case, signs between words."""
    return name.rpartition("/")[2].lower().translate(BETWEEN)
