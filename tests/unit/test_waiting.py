# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A provider that waits in a slot: what is said of the names that it would answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.provider_page.page import page
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_report import (
    MistakeError,
    report,
)

INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "g1": "10.0.0.2"})
PROVIDERS = """\
providers:
  coder: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0}, models: [{name: code, source: {path: /a}}]}
  writer: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0}, models: [{name: text, source: {path: /b}}]}
  drawer: {type: llama_cpp, deploy: {hosts: g1, slot: gpu0}, models: [{name: art, source: {path: /c}}]}
  cloud: {type: openai, models: [big]}
slots: {gpu0: coder}
"""
EXACT = "exact_matches:\n  "


def compiled(folder: Path, more: str = "") -> Compiled:
    (folder / "lab.yaml").write_text(PROVIDERS + more)
    found = compile_registry(str(folder), INVENTORY)
    assert found.gateway_config is not None, found.problems
    return found


def explainer(found: Compiled) -> Explainer:
    return Explainer(found.gateway_config, found.rules, found.waiting)


def waits(found: Compiled, name: str) -> list[tuple[str, str, str]]:
    told = explainer(found).explain(name).waiting
    return [(one["provider"], one["model"], one["asked"]) for one in told]


@pytest.mark.parametrize(
    ("more", "name", "expected"),
    [
        ("", "text", [("writer", "text", "first")]),
        ("", "code", []),
        ("", "txet", []),
        (EXACT + "a: {provider: writer, fallback: cloud}", "a", [("writer", "text", "first")]),
        (EXACT + "a: {provider: cloud, backend_model: big, fallback: writer}", "a", [("writer", "text", "later")]),
        # Who falls back to another of its slot is asked before it or not at all.
        (EXACT + "a: {provider: coder, fallback: writer}", "a", [("writer", "text", "first")]),
        (EXACT + "a: {provider: coder, fallback: [cloud, writer]}", "a", [("writer", "text", "later")]),
        # By way of another name.
        (EXACT + "a: {provider: cloud, backend_model: big, fallback: b}\n  b: {provider: writer}", "a", [("writer", "text", "later")]),
        ("redundant_models:\n  a: {providers: [{provider: writer}, {provider: drawer}, {provider: cloud, model: big}]}", "a", [("writer", "text", "first"), ("drawer", "art", "first")]),
        ("patterns:\n  - {pattern: '^w/', provider: writer, backend_model: text}", "w/x", [("writer", "text", "first")]),
        ("redundant_models:\n  a: {providers: [{provider: writer}, {provider: cloud, model: big}]}\naliases: {b: a}", "b", [("writer", "text", "first")]),
        # A pattern takes it meanwhile, and goes on taking all else.
        ("patterns:\n  - {pattern: '^te', provider: cloud, backend_model: big}", "text", [("writer", "text", "first")]),
        ("patterns:\n  - {pattern: '^te', provider: cloud, backend_model: big}", "ten", []),
    ],
)  # fmt: skip
def test_who_waits_for_a_name(
    tmp_path: Path, more: str, name: str, expected: list[tuple[str, str, str]]
) -> None:
    assert waits(compiled(tmp_path, more), name) == expected


def test_a_name_that_a_pattern_takes_meanwhile_is_answered(tmp_path: Path) -> None:
    pattern = "patterns:\n  - {pattern: '^te', provider: cloud, backend_model: big}"
    found = compiled(tmp_path, pattern)
    said = explainer(found).explain("text")
    assert (said.matched.kind, said.nobody) == ("wildcard", 0)
    warned = [one.message for one in found.problems if one.code == "nobody-runs"]
    assert warned == ["while coder runs in slot gpu0, nobody answers art"]


def test_people_see_what_they_get_now_and_what_to_do(tmp_path: Path) -> None:
    lines = report(explainer(compiled(tmp_path)), "text")["lines"]
    assert lines == [
        "name           text",
        f"rule           lab.yaml:3 in {tmp_path}",
        "answered by    nobody: 400: Invalid model name passed in model=text",
        "waits          writer with text in slot gpu0 while coder runs",
        "to have it     ansible-playbook playbooks/switch_model.yml -e provider=writer",
    ]


def test_all_names_are_told_with_those_that_nobody_answers_now(tmp_path: Path) -> None:
    of = explainer(compiled(tmp_path))
    found = report(of)
    assert [one["name"] for one in found["explained"]] == ["code", "big", "text", "art"]
    assert [line.split("  ")[0] for line in found["lines"][:5]] == [
        "name",
        "code",
        "big",
        "text",
        "art",
    ]
    assert (
        "Nobody answers art while coder runs in slot gpu0 (switch_model.yml -e provider=drawer)."
        in found["lines"]
    )
    down = report(of, "", ["cloud"])["lines"]
    assert "4 names; not always answered any more: big." in down


def test_nobody_can_take_down_who_waits(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="'writer', which waits in slot gpu0 while coder runs"):
        report(explainer(compiled(tmp_path)), "code", ["writer"])


def section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def test_the_page_says_who_waits_and_for_what(tmp_path: Path) -> None:
    found = compiled(tmp_path, EXACT + "a: {provider: writer, fallback: cloud}")
    said = page(found, INVENTORY)
    assert "| `text` | not served now | nobody: `writer` with `text` waits | – | lab.yaml |" in said
    assert "| `a` | not served now" not in said
    assert "| `writer` | `llama_cpp` | active, waits | `g1` | 1 |" in said
    writer = section(said, "## writer")
    assert "- Slot: `gpu0`, in which it waits while `coder` runs" in writer
    assert (
        "- To have it run: `ansible-playbook playbooks/switch_model.yml -e provider=writer`"
        in writer
    )
    assert "- Answers when it runs: `a`, `text`" in writer
    assert "- Slot: `gpu0`, in which it runs; `writer`, `drawer` wait\n" in section(
        said, "## coder"
    )
    assert "Slot" not in section(said, "## cloud")


def test_without_slots_nothing_waits(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("providers:\n  cloud: {type: openai, models: [big]}\n")
    found: list[Any] = compile_registry(str(tmp_path), INVENTORY).waiting
    assert found == []
