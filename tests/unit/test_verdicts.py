# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each command says in the end, by what was noted on the hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.verdicts import noted, verdict

FAILED = {"b1": {"llm_failure": "b1: it broke"}}
NEW = {"failed": False, "generation": 3, "previous": 2}
SAME = {**NEW, "previous": 3}
WORSE = {"allowed": False, "share": 0.05, "why": "it fails more"}
BETTER = {"allowed": True, "share": 0.05, "why": "it does as well"}
PROOF = {"checks": [1], "cost": [2], "cost_line": "cost: nothing", "lines": ["✅ a", "❌ b"]}
CHECK = {
    "file": "m.yaml",
    "in_registry": {"file": "lab/registry/m.yaml"},
    "file_providers": ["m"],
    "routes": [],
}
ADDED = {"check": CHECK}
ADOPTED = {"file": "m.yaml"}
KEY = {"variable": "A_KEY", "check_mode": False}
SHARE = {"provider": "m", "traffic": "25%", "check_mode": False}
ALL = {**SHARE, "traffic": "100%"}
REFUSED = {**SHARE, "force": False}
SERVICES = {"b1": [{"provider": "m", "unit": "llama-server-m.service"}]}
GONE = {"providers": ["m"], "names": ["m-7b"], "services": SERVICES}
REMOVAL = {
    "check": {"removed": GONE, "edits": [{"file": "/etc/lab/m.yaml"}]},
    "check_mode": False,
    "user": "llm",
}
PROVEN = {**PROOF, "ok": True, "generation": 3}

# kind, what hosts have, what else is known, ok, a word of what is said
CASES: list[tuple[str, Any, Any, bool, str]] = [
    ("site", {}, {"file": False}, True, ""),
    ("site", FAILED, {"file": False}, False, "The gateway is as before."),
    ("site", FAILED, {"file": True}, False, "The registry and the gateway are as before."),
    (
        *("site", {"b1": {**FAILED["b1"], "llm_left": "b1"}, "b2": {"llm_left": "b2"}}),
        *({"file": True}, False, "may still be on b1, b2."),
    ),
    ("kept", {"g": {"gateway_result": {"proof": PROOF}}}, ADDED, True, "✅ a\n❌ b\ncost: nothing"),
    ("kept", {"g": {"gateway_result": {}}}, ADDED, True, "In check mode nothing is asked."),
    ("adopted", {"g": {"gateway_result": NEW}}, ADOPTED, True, "holds m.yaml now. Generation 3"),
    ("adopted", {"g": {"gateway_result": NEW}}, {"file": ""}, True, "serves nothing that"),
    ("removed", {}, REMOVAL, True, "Nobody answers to: m-7b."),
    ("removed", FAILED, REMOVAL, False, "m was not removed"),
    ("removed", {"b1": {"llm_left": "b1"}}, REMOVAL, False, "llama-server-m.service"),
    ("rotated", {"g": {"gateway_result": NEW}}, KEY, True, "A_KEY has its new value"),
    ("rotated", {"g": {"gateway_result": SAME}}, KEY, True, "has this value already"),
    (
        *("rotated", {"g": {"gateway_result": SAME}, "b1": {"llm_keys_changed": True}}),
        *(KEY, True, "A_KEY has its new value"),
    ),
    ("rotated", FAILED, KEY, False, "goes on with the old value of A_KEY"),
    (
        *("rotated", {**FAILED, "g": {"gateway_result": NEW}, "b2": {"llm_takes_both": True}}),
        *(KEY, False, "sends the new value of A_KEY. b2 takes the old and the new one"),
    ),
    ("promoted", {"g": {"gateway_canary": BETTER}}, SHARE, True, "m gets 25% now, 5% before."),
    ("promoted", {"g": {"gateway_canary": BETTER}}, ALL, True, "m is active now"),
    ("promoted", {"g": {"gateway_canary": WORSE}}, SHARE, True, "Forced, although: it fails more"),
    (
        *("promoted", {"g": {"gateway_canary": BETTER}}, {**ALL, "check_mode": True}),
        *(True, "m would be active now"),
    ),
    ("promoted", {**FAILED, "g": {"gateway_canary": BETTER}}, SHARE, False, "are as before."),
    ("refused", {"g": {"gateway_canary": BETTER}}, REFUSED, True, ""),
    ("refused", {"g": {"gateway_canary": WORSE}}, {**REFUSED, "force": True}, True, ""),
    ("refused", {"g": {"gateway_canary": WORSE}}, REFUSED, False, "it fails more. The registry"),
    ("proven", {"g": {"gateway_proof": PROVEN}}, {}, True, "✅ a\n❌ b\ncost: nothing"),
    ("proven", {"g": {"gateway_proof": {**PROVEN, "ok": False}}}, {}, False, "see the lines with"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "hosts", "facts", "ok", "word"), CASES)
def test_how_it_ends(kind: str, hosts: Any, facts: Any, ok: bool, word: str) -> None:
    ended = verdict(kind, hosts, facts)
    told = ended.as_dict("text")
    assert told["ok"] is ok
    assert word in ("\n".join(told["report"]) if ok else told["why"])
    said = ended.as_dict("json")
    text = said["report"] if ok else said["why"]
    assert text == "" if not ended.document else json.loads(text)["ok"] is ok
    assert [said["report"], said["why"]].count("") >= 1  # one document, whatever comes of it


def test_what_is_not_so_is_told_with_its_lines() -> None:
    told = verdict("proven", {"g": {"gateway_proof": {**PROVEN, "ok": False}}}, {}).as_dict("text")
    assert told["report"] == ["✅ a", "❌ b", "cost: nothing"]


def test_what_is_noted_is_had_from_the_hosts_that_have_it() -> None:
    assert noted({"a": {}, **FAILED, "c": {"llm_failure": "c: too"}}) == ["b1: it broke", "c: too"]
    assert noted({"a": {"llm_left": "a"}}, "llm_left") == ["a"]


PAGE = {"page": "p.md", "changed": True, "problem": "", "providers": {"m": []}}
GIT = {"commit": "3f2a", "committed": True, "tag": "", "problem": ""}
REFUSED_BY_GIT = {**GIT, "commit": "", "problem": "git commit refuses: no"}
WITH = {"page": PAGE, "git": GIT}
ROUTES = [{"name": "m-7b", "targets": [{"provider": "m"}], "rule": "lab/m.yaml:3"}]
KEPT = {"check": {**CHECK, "routes": ROUTES}}
LIVE = {"g": {"gateway_result": {**NEW, "outcome": "live", "proof": {**PROOF, "checks": []}}}}


def test_an_addition_ends_with_the_checklist() -> None:
    ended = verdict("kept", LIVE, {**KEPT, **WITH})
    assert ended.ok
    said = ended.as_dict("text")["report"]
    assert len([line for line in said if line[0] in "✅❌➖"]) == 2 + 11
    assert ended.lines[-1] == "✅ Configuration committed to git: 3f2a"
    assert [row["ok"] for row in ended.document["checklist"]][:4] == [True] * 4
    assert (ended.document["page"], ended.document["commit"]) == ("p.md", "3f2a")


def test_in_check_mode_there_is_no_checklist() -> None:
    ended = verdict("kept", {"g": {"gateway_result": {}}}, {**KEPT, **WITH})
    assert "checklist" not in ended.document


def test_other_changes_say_what_the_page_and_git_have() -> None:
    ended = verdict("removed", {}, {**REMOVAL, **WITH})
    assert ended.lines[-2:] == ("p.md says so.", "Committed as 3f2a.")
    skipped = {"page": {"skipped": True}, "git": {"skipped": True, "changed": False}}
    assert verdict("removed", {}, {**REMOVAL, **skipped}) == verdict("removed", {}, REMOVAL)


@pytest.mark.parametrize(
    ("kind", "hosts", "facts"),
    [("kept", LIVE, KEPT), ("removed", {}, REMOVAL), ("site", {}, {"file": False})],
)
def test_a_commit_that_is_refused_ends_it_badly(kind: str, hosts: Any, facts: Any) -> None:
    ended = verdict(kind, hosts, {**facts, "page": PAGE, "git": REFUSED_BY_GIT})
    said = "Not committed: git commit refuses: no. The change itself stands."
    assert (ended.ok, ended.why, ended.document["failures"]) == (False, said, [said])
    assert json.loads(ended.as_dict("json")["why"])["ok"] is False
    if kind == "kept":
        assert ended.lines[-1] == "❌ Configuration committed to git: git commit refuses: no"


def test_the_page_by_itself() -> None:
    assert verdict("documented", {}, {"written": PAGE}).lines == ("p.md: written",)
    bad = verdict("documented", {}, {"written": {**PAGE, "problem": "it is full"}})
    assert (bad.ok, bad.why) == (False, "it is full")
