# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back or stay: a bad generation is told from a dead backend."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.judge import judge

SEEN = {200: "answered", 0: "connection refused", 500: "500: boom", 401: "401: no"}


def row(line: str, name: str, status: int = 200, target: str = "", **more: Any) -> dict[str, Any]:
    asked = more.pop("asked", f"{line} of {name}")
    said = {"line": line, "check": name, "target": target or name, "asked": asked}
    return {**said, "status": status, "ok": status == 200, "seen": SEEN[status], **more}


def listing(status: int = 200, **more: Any) -> dict[str, Any]:
    return row("listing", "models", status, **more)


def name(name: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return row("routing", name, status, by=more.pop("by", ""), **more)


def by_id(identity: str, status: int = 200) -> dict[str, Any]:
    return row("new", identity, status, by=identity if status == 200 else "")


def chain(name: str, target: str, status: int = 200) -> dict[str, Any]:
    return row("chains", name, status, target)


def health(provider: str, status: int = 200, asked: str = "GET http://p/health") -> dict[str, Any]:
    return row("health", provider, status, asked=asked)


WELL = [listing(), name("a"), name("b")]
# what: the live one's checks, the older one's, whether to go back, what the sentence says
ROWS = [
    ("all is well in both", WELL, WELL, False, "everything that the generation before does"),
    ("a name fails in the live one only", [*WELL[:2], name("b", 500)], WELL, True, "b fails (500"),
    ("a dead backend fails in both", [*WELL[:2], name("b", 0)], [*WELL[:2], name("b", 0)], False, "in the generation before too"),
    ("it fails otherwise in both", [*WELL[:2], name("b", 401)], [*WELL[:2], name("b", 0)], False, "in the generation before too"),
    ("a name that only the live one has", [*WELL, name("c", 500)], WELL, False, "does not have"),
    ("a provider that only the live one has", [*WELL, by_id("~new/m", 0), health("new", 0)], WELL, False, "does not have"),
    ("a name that only the older one has, broken there", WELL, [*WELL, name("old", 500)], False, "everything"),
    ("the older one is worse elsewhere", [listing(), name("a", 500), name("b")], [listing(), name("a"), name("b", 500)], False, "but in the generation before b fails"),
    ("the older one is as bad and better nowhere", [listing(), name("a", 500)], [listing(500), name("a", 500)], False, "in the generation before"),
    ("the older one does not answer at all", [listing(), name("a", 500)], [listing(0), name("a", 0)], False, "in the generation before"),
    ("neither answers", [listing(0)], [listing(0)], False, "in the generation before too"),
    ("the live one does not answer at all", [listing(0), name("a", 0), name("b", 0)], WELL, True, "does not answer (connection refused)"),
    ("it does not answer, the older one has a dead backend", [listing(0), name("a", 0), name("b", 0)], [*WELL[:2], name("b", 0)], True, "does not answer"),
    ("a model is not listed", [listing(500), *WELL[1:]], WELL, True, "models fails"),
    ("nobody was asked before", [listing(0)], [], False, "was not asked"),
    ("a deployment at a wrong address", [*WELL, by_id("~p/m", 0)], [*WELL, by_id("~p/m")], True, "~p/m fails"),
    ("a key that is wrong", [*WELL, by_id("~p/m", 401)], [*WELL, by_id("~p/m")], True, "401"),
    ("a provider is ill in this moment", [*WELL, health("p", 0)], [*WELL, health("p")], False, "everything"),
    ("a provider was ill in that moment", [listing(), name("a", 500), health("p")], [listing(), name("a"), health("p", 0)], True, "a fails"),
    ("a provider moved to where nobody is", [*WELL, health("p", 0, "GET http://x/")], [*WELL, health("p")], True, "p fails"),
    ("its health is looked for at a wrong address, and it answers", [listing(), name("a", by="~p/m"), health("p", 0, "GET http://x/")], [listing(), name("a", by="~p/m"), health("p")], False, "everything"),
    ("a chain's first target fails", [*WELL, chain("a", "~p/m", 500)], [*WELL, chain("a", "~p/m")], True, "a fails"),
    ("another first target fails", [*WELL, chain("a", "~new/m", 0)], [*WELL, chain("a", "~p/m")], False, "does not have"),
    ("a name was given to a new provider, which is down, and its chain answers", [listing(), name("a", 0, providers=["new"]), chain("a", "~p/m")], [listing(), name("a", providers=["p"])], False, "its chain answers"),
    ("a name was given to a new provider, which is down, and nobody answers", [listing(), name("a", 0, providers=["new"])], [listing(), name("a", providers=["p"])], True, "a fails"),
    ("the name's provider is the same, and its chain answers", [listing(), name("a", 0, providers=["p"]), chain("a", "~q/m")], [listing(), name("a", providers=["p"]), chain("a", "~q/m")], True, "a fails"),
    ("many fail", [listing(), *(name(x, 500) for x in "abcde")], [listing(), *(name(x) for x in "abcde")], True, "and 2 more"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "live", "older", "go", "says"), ROWS, ids=[r[0] for r in ROWS])
def test_back_or_stay(what: str, live: Any, older: Any, go: bool, says: str) -> None:
    decision = judge(live, older)
    assert decision.go == go, decision.why
    assert says in decision.why
    assert decision.why.startswith("go back: " if go else "stay: ")
    assert "\n" not in decision.why
