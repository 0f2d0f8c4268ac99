# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove one generation through one of its doors: what every change, validation and watch calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .asking import Asker
from .generation import Store
from .probe import Check, Proof
from .probe_lines import lines
from .questions import Questions
from .secrets_file import MASTER_KEY, read, scrub
from .verdict import blocking

PROBES = "probes.json"


@dataclass(frozen=True)
class Options:
    """How much is asked. `new_provider` must answer; `no_completions` are providers that are asked
    for none; with `routes` only these names are asked. `answer_seconds` bounds each answer."""

    new_provider: str = ""
    no_completions: tuple[str, ...] = ()
    answer_seconds: float = 60
    side_by_side: int = 8
    routes: tuple[str, ...] = ()


@dataclass
class Proven:
    """What came of it, without any secret. `blocking` are the failed `checks` that speak against
    the generation; `lines` is the same for people."""

    ok: bool
    checks: list[Check]
    blocking: list[Check]
    lines: list[str]

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
    unix socket. What fails is excused if generation `compare_with` fails in it in the same way; it
    is asked through its own private door, and only where something blocks. Never raises for what a
    gateway answers or does not.
    """
    values = values_of(store, number)
    proof = _asked(values, door, options, _probes(store, number) if probes is None else probes)
    bad = [] if proof.ok else blocking(proof.checks, proof.learn(), (), options.new_provider)
    if bad and compare_with not in (None, number):
        assumed = proof.questions.probes
        old = values_of(store, compare_with)
        before = _asked(old, str(private_socket(compare_with)), options, assumed)
        bad = blocking(proof.checks, proof.learn(), before.checks, options.new_provider)
    checks, bad = ([scrub(row, values) for row in rows] for rows in (proof.checks, bad))
    return Proven(proof.ok, checks, bad, lines(checks))


def values_of(store: Store, number: int) -> dict[str, str]:
    """The values of secrets that a generation runs with: those in force, and over them its own
    while the change to it is not settled."""
    return {**read(store.base / "secrets.env"), **read(store.base / f"secrets-{number}.env")}


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
    )
    proof = Proof(Asker(door, key, options.answer_seconds), questions)
    proof.run()
    return proof


def _probes(store: Store, number: int) -> dict[str, Any]:
    """What a generation was staged to be asked; nothing for one that was staged without."""
    text = store.text(number, PROBES)
    return dict(json.loads(text)) if text else {}
