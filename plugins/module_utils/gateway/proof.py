# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove one generation through one of its doors: what every change, validation and watch calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .asking import Asker
from .cost import cost, in_words
from .generation import Store
from .held import Held
from .performance import as_before
from .performance import in_words as timed
from .probe import Proof
from .probe_checks import Check, Thing, thing
from .probe_lines import lines
from .questions import Questions
from .secrets_file import MASTER_KEY, scrub
from .verdict import blocking


@dataclass(frozen=True)
class Options:
    """How much is asked. `new_provider` must answer; `no_completions` are providers that are asked
    for none; with `routes` only these names are asked. `answer_seconds` bounds each answer.
    `frugal` is for whoever asks again and again: a vendor's API gets no completion, unless the
    registry says so in words. With `only`, nothing else is asked."""

    new_provider: str = ""
    no_completions: tuple[str, ...] = ()
    answer_seconds: float = 60
    side_by_side: int = 8
    routes: tuple[str, ...] = ()
    frugal: bool = False
    only: frozenset[Thing] | None = None


@dataclass
class Proven:
    """What came of it, without any secret. `blocking` are the failed `checks` that speak against
    the generation; `lines` is the same for people. `cost` has a row for each provider that was
    asked for completions, `cost_line` is that for people; so are `performance`, a row for each
    deployment that answered, and `performance_line`. `at` is when, in UTC."""

    ok: bool
    checks: list[Check]
    blocking: list[Check]
    lines: list[str]
    cost: list[dict[str, Any]] = field(default_factory=list)
    cost_line: str = ""
    performance: list[dict[str, Any]] = field(default_factory=list)
    performance_line: str = ""
    at: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def prove(
    store: Store,
    number: int,
    door: str,
    options: Options,
    *,
    probes: Mapping[str, Any] | None = None,
    compare_with: int | None = None,
    private_socket: Callable[[int], Path],
) -> Proven:
    """Ask generation `number` through `door`, a unix socket's path or an http address.

    It is asked `probes`, or those that it was staged with. A first hop can only be forced through a
    unix socket. What fails is excused if generation `compare_with`, asked the same through its own
    private door, fails in it in the same way, and it is configured there as it is here. Never
    raises for what a gateway answers or does not.
    """
    values = Held(store).values_of(number)
    probes = store.probes(number) if probes is None else probes
    proof = _asked(values, door, options, probes)
    new, asked = options.new_provider, list(proof.checks)
    trial = {one["provider"] for one in probes.get("canaries", ())}
    settled = [] if proof.ok else _settled(store, probes, values)
    bad = [] if proof.ok else blocking(asked, (), new, (), trial, settled)
    if bad and compare_with is not None and compare_with != number:
        before = _before(store, compare_with, str(private_socket(compare_with)), options, bad)
        asked += before.checks
        changed = _changed(store, compare_with, values)
        bad = blocking(proof.checks, before.checks, new, changed, trial, settled)
    checks, bad = ([scrub(row, values) for row in rows] for rows in (proof.checks, bad))
    took, pace = cost(asked, proof.providers), proof.performance
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Proven(proof.ok, checks, bad, lines(checks), took, in_words(took), pace, timed(pace), at)


def _settled(store: Store, probes: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """The providers that the generation that serves has as they are asked for now."""
    current = store.current()
    if current is None:
        return []
    return as_before(probes, store.probes(current), _changed(store, current, values))


def _changed(store: Store, number: int, values: Mapping[str, str]) -> set[str]:
    """The variables that have another value in that generation."""
    old = Held(store).values_of(number)
    return {name for name in old.keys() | values.keys() if old.get(name) != values.get(name)}


def _before(store: Store, number: int, door: str, options: Options, bad: Sequence[Check]) -> Proof:
    """Ask another generation for what has failed, and for nothing else."""
    again = replace(options, new_provider="", only=frozenset(thing(row) for row in bad))
    return _asked(Held(store).values_of(number), door, again, store.probes(number))


def _asked(
    values: Mapping[str, str], door: str, options: Options, probes: Mapping[str, Any]
) -> Proof:
    key = {"Authorization": f"Bearer {values.get(MASTER_KEY, '')}"}
    questions = Questions(
        probes=probes,
        secrets=values,
        new_provider=options.new_provider,
        only_routes=options.routes,
        no_completions=options.no_completions,
        forced=door.startswith("/"),
        side_by_side=options.side_by_side,
        frugal=options.frugal,
        only=options.only,
    )
    proof = Proof(Asker(door, key, options.answer_seconds), questions)
    proof.run()
    return proof
