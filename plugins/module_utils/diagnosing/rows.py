# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One check of a diagnosis, and many of them side by side, each with a bound."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]
Ask = Callable[[], "Row | list[Row]"]
# What looks like a key of a vendor's, wherever it comes from.
_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-|hf_|gsk_|xai-|AIza|nvapi-|r8_|pplx-)[A-Za-z0-9_*.\-]{12,}"
    r"|(?i:(?<=bearer )|(?<=api[_-]key[=:])|(?<=token=))[^\s\"',;]{6,}"
)
SHORTEST = 4  # characters of a secret that is looked for in texts


def row(check: str, asked: str, expected: str, seen: str, fault: str = "", **about: object) -> Row:
    """A check that came to an end. `fault` is a word for what is wrong, "" if nothing is; `about`
    are values for the sentences of a cause."""
    return {
        "check": check,
        "asked": asked,
        "expected": expected,
        "seen": seen,
        "ok": not fault,
        "fault": fault,
        "about": about,
        "milliseconds": 0,
    }


def unknown(check: str, asked: str, why: str, **about: object) -> Row:
    """A check that could not be made, or that does not apply: `ok` is None."""
    return row(check, asked, "", why, "", **about) | {"ok": None}


def side_by_side(asks: Iterable[tuple[str, Ask]], seconds: float) -> list[Row]:
    """The rows of all, in this order. What takes longer than `seconds` is told and left behind: its
    thread ends with the process."""
    begun, found, threads = time.monotonic(), dict[int, list[Row]](), []
    listed = list(asks)
    for number, (name, ask) in enumerate(listed):
        work = threading.Thread(target=_timed, args=(number, name, ask, found), daemon=True)
        work.start()
        threads.append(work)
    for work in threads:
        work.join(max(0.0, begun + seconds - time.monotonic()))
    rows: list[Row] = []
    for number, (name, _ask) in enumerate(listed):
        late = unknown(name, name, f"it did not come to an end within {seconds:g} s")
        rows += found.get(number) or [late | {"milliseconds": round(seconds * 1000)}]
    return rows


def _timed(number: int, name: str, ask: Ask, found: dict[int, list[Row]]) -> None:
    begun = time.monotonic()
    try:
        came = ask()
    except Exception as error:  # one check that fails shall not cost the others
        came = unknown(name, name, f"it could not be looked at: {type(error).__name__}: {error}")
    rows = came if isinstance(came, list) else [came]
    took = round((time.monotonic() - begun) * 1000)
    found[number] = [one | {"milliseconds": one["milliseconds"] or took} for one in rows]


def masked(said: Any, secrets: Sequence[str]) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The same without any of these secrets, and without what looks like one."""
    if isinstance(said, str):
        for secret in sorted((s for s in secrets if len(s) >= SHORTEST), key=len, reverse=True):
            said = said.replace(secret, "***")
        return _KEYS.sub("***", said)
    if isinstance(said, Mapping):
        return {key: masked(value, secrets) for key, value in said.items()}
    if isinstance(said, (list, tuple)):
        return [masked(one, secrets) for one in said]
    return said
