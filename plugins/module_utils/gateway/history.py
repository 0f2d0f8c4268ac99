# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host knows of its generations: what became of each, and what each was made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .content import Manifest, sha256
from .generation import PROBES, Store
from .sealed import GenerationError

CONFIG, ENVIRONMENT = "config.yaml", "environment"
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_STATES = (("standby", "warm"), ("retiring", "finishing"), ("private", "candidate"))

Entry = dict[str, Any]


def listing(store: Store, statuses: Mapping[int, str]) -> list[Entry]:
    """Every generation, newest first; `statuses` are the launchers' own lines by number.

    Each: {number, state, reason, at, by, litellm, commit, before, settled_at, unconfirmed}. `state`
    is current, unsettled (current, but not proven yet), warm, finishing, candidate, good, failed,
    undone or unfinished. `before` is what it is to be compared with.
    """
    numbers = store.numbers()
    return [_entry(store, number, numbers, statuses.get(number, "")) for number in numbers[::-1]]


def _entry(store: Store, number: int, numbers: Iterable[int], status: str) -> Entry:
    manifest, outcome = store.manifest(number), store.outcome(number)
    return {
        "number": number,
        "state": _state(number, store.current(), outcome.get("outcome", ""), status),
        "reason": outcome.get("reason", ""),
        "at": manifest.at,
        "by": manifest.by,
        "litellm": manifest.litellm,
        "commit": manifest.commit,
        "before": before(store, number, numbers),
        "settled_at": outcome.get("at"),
        "unconfirmed": outcome.get("unconfirmed", ""),
    }


def _state(number: int, current: int | None, outcome: str, status: str) -> str:
    if number == current:
        return "unsettled" if outcome == "serving" else "current"
    for beginning, word in _STATES:
        if status.startswith(beginning):
            return word
    return {"live": "good", "serving": "unfinished", "": "unfinished"}.get(outcome, outcome)


def before(store: Store, number: int, numbers: Iterable[int]) -> int | None:
    """The generation that this one was a change to: what served then, else the one below it."""
    lower = [other for other in numbers if other < number]
    noted = store.outcome(number).get("before")
    if noted in lower:
        return int(noted)
    good = [other for other in lower if store.outcome(other).get("outcome") in ("live", "undone")]
    return max(good or lower, default=None)


def chosen(store: Store, first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """The pair to compare: what is not given is the current one, and the one before that.

    Raises GenerationError for one that is not there.
    """
    numbers = store.numbers()
    for asked in (first, last):
        if asked is not None:
            store.manifest(asked)
    end = last if last is not None else store.current() or max(numbers, default=None)
    if first is not None or end is None:
        return first, end
    return before(store, end, numbers), end


def sides(store: Store, numbers: Iterable[int]) -> dict[str, Any]:
    """What these generations were made of: {generations: {number: side}, texts, locks}.

    A side is {manifest, probes, units, environment, config}; `config` is a key of `texts`, where a
    text that several share stands once. `locks`: venv -> {package: version}.
    """
    told: dict[str, Any] = {"generations": {}, "texts": {}, "locks": {}}
    for number in sorted(set(numbers)):
        manifest = store.manifest(number)
        text = store.text(number, CONFIG)
        told["texts"][sha256(text)] = text
        told["locks"].setdefault(manifest.venv, packages(store, manifest))
        told["generations"][number] = {
            "manifest": asdict(manifest),
            "probes": _probes(store, number),
            "units": store.units(number),
            "environment": store.text(number, ENVIRONMENT),
            "config": sha256(text),
        }
    return told


def _probes(store: Store, number: int) -> dict[str, Any]:
    try:
        return store.probes(number)
    except ValueError:
        raise GenerationError(f"generation {number}: its {PROBES} is damaged") from None


def packages(store: Store, manifest: Manifest) -> dict[str, str]:
    """The releases in a generation's venv, by its lock file; none if that is gone."""
    try:
        text = (store.base / "venvs" / f"{manifest.venv}.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return pinned(text)


def pins(lock: str) -> list[tuple[str, str]]:
    """(package, version) of each line that pins one."""
    return list(_PINNED.findall(lock))


def pinned(lock: str) -> dict[str, str]:
    """{package: version} of a lock file's text."""
    return dict(pins(lock))
