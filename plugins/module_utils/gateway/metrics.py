# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LiteLLM has counted of its deployments: read from /metrics/, added up, and subtracted.

Clients do not see a failure that a fallback has answered for; these counters do. They begin at 0
with each process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

ANSWERED = "litellm_deployment_success_responses_total"
FAILED = "litellm_deployment_failure_responses_total"
LATENCY = "litellm_llm_api_latency_metric"
Labels = dict[str, str]

_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? +(\S+)(?: +-?\d+)?")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_ESCAPED = re.compile(r"\\(.)")


def samples(text: str, names: Collection[str]) -> Iterator[tuple[str, Labels, float]]:
    """(name, labels, value) of each sample with one of these names, in Prometheus's text format.

    A line that is none is left out, and so is a value that is no number.
    """
    for line in text.splitlines():
        if not line.startswith(tuple(names)):
            continue
        found = _SAMPLE.fullmatch(line.strip())
        if found is None or found[1] not in names:
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        if math.isfinite(value):
            labels = {m[1]: _ESCAPED.sub(_character, m[2]) for m in _LABEL.finditer(found[2] or "")}
            yield found[1], labels, value


def _character(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] == "n" else escaped[1]


@dataclass
class Counts:
    """What some deployments have done since their process began, or between two looks.

    `statuses`: HTTP status of a failure -> how many. `seconds`: of all answers together.
    `buckets`: upper bound in seconds, as it is written -> answers that took no longer.
    """

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    buckets: dict[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.answered + self.failed

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.answered + other.answered,
            self.failed + other.failed,
            self.seconds + other.seconds,
            _sum(self.statuses, other.statuses, 1),
            _sum(self.buckets, other.buckets, 1),
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.answered - other.answered,
            self.failed - other.failed,
            max(0.0, self.seconds - other.seconds),
            _sum(self.statuses, other.statuses, -1),
            _sum(self.buckets, other.buckets, -1),
        )

    def goes_on_from(self, older: Counts) -> bool:
        """Whether these can be the same counters as an older look's: they never go down."""
        return self.answered >= older.answered and self.failed >= older.failed


def _sum(one: Mapping[str, int], other: Mapping[str, int], sign: int) -> dict[str, int]:
    found = {key: one.get(key, 0) + sign * other.get(key, 0) for key in [*one, *other]}
    return {key: value for key, value in found.items() if value > 0}


def count(text: str, routes: Mapping[str, Collection[str]]) -> Counts:
    """What deployments have done for public names: `routes` says name -> their ids.

    A deployment with a limit has one id under all its names, so that the id alone says too little.
    """
    found = Counts()
    names = {ANSWERED, FAILED, f"{LATENCY}_bucket", f"{LATENCY}_sum"}
    for name, labels, value in samples(text, names):
        if labels.get("model_id") not in routes.get(labels.get("model_group", ""), ()):
            continue
        if name == ANSWERED:
            found.answered += round(value)
        elif name == FAILED:
            status = labels.get("exception_status", "")
            found.failed += round(value)
            found.statuses[status] = found.statuses.get(status, 0) + round(value)
        elif name.endswith("_sum"):
            found.seconds += value
        else:
            bound = labels.get("le", "")
            found.buckets[bound] = found.buckets.get(bound, 0) + round(value)
    return found


@dataclass(frozen=True)
class Look:
    """What was counted at one time, in seconds since 1970: provider -> (its own, its peers')."""

    at: float
    generation: int
    seen: Mapping[str, tuple[Counts, Counts]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        seen = {name: [vars(counts) for counts in pair] for name, pair in self.seen.items()}
        return {"at": self.at, "generation": self.generation, "seen": seen}


def look(said: Mapping[str, Any]) -> Look:
    """The reverse of `as_dict`. Raises KeyError, TypeError or ValueError for anything else."""
    seen = {name: (Counts(**own), Counts(**peers)) for name, (own, peers) in said["seen"].items()}
    return Look(float(said["at"]), int(said["generation"]), seen)


def between(looks: Sequence[Look], provider: str) -> tuple[Counts, Counts]:
    """What a canary and its peers did from the first of these looks, in order, to the last."""
    own, peers = Counts(), Counts()
    for before, after in pairwise(looks):
        mine, theirs = increase(before, after, provider)
        own, peers = own + mine, peers + theirs
    return own, peers


def increase(before: Look, after: Look, provider: str) -> tuple[Counts, Counts]:
    """What was done between two looks. A new process counts from 0, so all of it is new then."""
    own, peers = after.seen.get(provider, (Counts(), Counts()))
    old = before.seen.get(provider)
    same = old is not None and before.generation == after.generation
    if old is None or not same or not (own.goes_on_from(old[0]) and peers.goes_on_from(old[1])):
        return own, peers
    return own - old[0], peers - old[1]
