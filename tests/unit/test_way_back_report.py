# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rollback.yml and restore.yml say of what they did."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.filter.gateway import restore_report, rollback_report

PHASES = [{"phase": phase, "at": 100 + at} for phase, at in (("staged", 0), ("serving", 0.5))]
PHASES.append({"phase": "settled", "at": 101.25})
WENT = {"changed": True, "outcome": "live", "generation": 6, "previous": 7, "phases": PHASES}
TOOK = "It took 1.25 s, with its proofs; it answered clients after 0.5 s."

ROLLBACKS: list[tuple[dict[str, Any], list[str], int | None]] = [
    (WENT, ["Generation 6 serves in the place of 7.", TOOK], 6),
    (
        {**WENT, "reason": "a answers with 500, and did not before"},
        [
            "Generation 6 serves in the place of 7. Why: a answers with 500, and did not before.",
            TOOK,
        ],
        6,
    ),
    (
        {"changed": False, "outcome": "unchanged", "generation": 7, "previous": 7},
        ["Generation 7 serves already; nothing was changed."],
        7,
    ),
    (
        {"outcome": "stays", "generation": 7, "previous": 7, "reason": "all is well"},
        ["Generation 7 stays. Why: all is well."],
        7,
    ),
    (
        {"changed": True, "outcome": "planned", "generation": 6, "previous": 7},
        ["Generation 6 would serve in the place of 7."],
        7,
    ),
    (
        {**WENT, "previous": None, "phases": [PHASES[0]]},
        ["Generation 6 serves.", "It took 0 s, with its proofs."],
        6,
    ),
]


@pytest.mark.parametrize(("result", "lines", "serves"), ROLLBACKS)
def test_a_rollback(result: dict[str, Any], lines: list[str], serves: int | None) -> None:
    assert rollback_report(result) == lines
    told = json.loads(rollback_report(result, "json"))
    assert (told["ok"], told["serves"]) == (True, serves)


BACK = {"changed": True, "current": 7, "generations": [5, 7], "not_to_go_back_to": {}}
BACK |= {"new_master_key": False, "aside": ""}

RESTORES: list[tuple[dict[str, Any], dict[str, Any], bool, list[str]]] = [
    (
        BACK,
        {"changed": True, "generation": 7},
        False,
        ["Generation 7 serves again. The host has the generations 5, 7."],
    ),
    (
        {**BACK, "changed": False},
        {"changed": False, "generation": 7},
        False,
        ["Generation 7 serves already; nothing was changed."],
    ),
    (
        BACK,
        {"skipped": True},
        True,
        ["The host would have the generations 5, 7, and 7 would serve."],
    ),
    (
        BACK,
        {"skipped": True},
        False,
        [
            "The host has the generations 5, 7; none serves. When it was backed up 7 did: "
            "rollback.yml -e generation=7 has it serve, site.yml makes a new one."
        ],
    ),
    (
        {**BACK, "not_to_go_back_to": {"5": ["B", "C"]}, "new_master_key": True, "aside": "/x"},
        {"changed": True, "generation": 7},
        False,
        [
            "Generation 7 serves again. The host has the generations 5, 7.",
            "Generation 5 cannot be gone back to: no value for B, C.",
            "LITELLM_MASTER_KEY is a new one: the clients need it.",
            "What the gateway had before is in /x.",
        ],
    ),
]


@pytest.mark.parametrize(("result", "change", "planned", "lines"), RESTORES)
def test_a_restore(
    result: dict[str, Any], change: dict[str, Any], planned: bool, lines: list[str]
) -> None:
    assert restore_report(result, change, planned) == lines
    told = json.loads(restore_report(result, change, planned, "json"))
    assert (told["current"], told["serves"]) == (7, change.get("generation"))
