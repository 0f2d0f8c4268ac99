"""The guide's registry, changed in small ways: nothing may go wrong in silence.

What is no mistake (see mutations.py) must be visible in what is compiled, or give an error about
the thing that was changed, or mean the same. A mistake must give an error on the changed line, or
mean the same; a line that is gone is missed where its block is. Nothing may raise.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils import compile as compiler
from mutations import LINES, TEXT, Change, all_changes, around

INVENTORY = compiler.Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1"})
ON_THE_LINE = "an error on the line"
ELSEWHERE = "an error elsewhere"
THE_SAME = "the same"


def compiled(text: str, directory: Path) -> tuple[dict[str, Any], list[Any]]:
    """What a registry of this text means, without its places; and its problems."""
    (directory / "registry.yaml").write_text(text)
    result = compiler.compile_registry(str(directory), INVENTORY)
    meaning = result.as_dict()
    for key in ("problems", "rules", "files"):
        del meaning[key]
    _without_places(meaning)
    return meaning, result.problems


def _without_places(node: Any) -> None:
    """Lines move when one is added; that is no other meaning."""
    for part in node.values() if isinstance(node, dict) else node:
        if isinstance(part, dict | list):
            _without_places(part)
    if isinstance(node, dict):
        node.pop("rule", None)
        node.pop("place", None)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    meaning, problems = compiled(TEXT, tmp_path_factory.mktemp("before"))
    assert problems == []
    return meaning


def verdict(change: Change, before: dict[str, Any], directory: Path) -> str:
    meaning, problems = compiled(change.text, directory)
    errors = [problem for problem in problems if problem.severity == "error"]
    if any(problem.place.line in change.lines for problem in errors):
        return ON_THE_LINE
    if errors:
        return ELSEWHERE
    return THE_SAME if meaning == before else "another meaning"


def names_it(change: Change, problem: Any) -> bool:
    """Whether an error elsewhere is about this change: at what it stands under, or by its name."""
    line = LINES[change.entry.line].strip().lstrip("- ")
    key, _, value = line.partition(":")
    words = [word.strip(' "[]') for word in (key, *value.split(","), *change.entry.path[1:2])]
    return problem.place.line in around(change.entry) or any(
        word and word in str(problem) for word in words
    )


ALL_MISTAKES, ALL_CHOICES = all_changes()


@pytest.mark.parametrize("change", ALL_MISTAKES, ids=str)
def test_a_mistake_is_an_error_on_its_line(
    change: Change, before: dict[str, Any], tmp_path: Path
) -> None:
    assert verdict(change, before, tmp_path) in (ON_THE_LINE, THE_SAME)


@pytest.mark.parametrize("change", ALL_CHOICES, ids=str)
def test_a_choice_is_seen(change: Change, before: dict[str, Any], tmp_path: Path) -> None:
    if verdict(change, before, tmp_path) == ELSEWHERE:
        _, problems = compiled(change.text, tmp_path)
        assert any(names_it(change, problem) for problem in problems)


def test_there_are_enough_of_all_kinds() -> None:
    assert len(ALL_MISTAKES) >= 200
    assert len(Counter(change.kind for change in ALL_MISTAKES)) >= 15
    assert TEXT not in {change.text for change in (*ALL_MISTAKES, *ALL_CHOICES)}


def test_the_same_is_the_exception(before: dict[str, Any], tmp_path: Path) -> None:
    """The oracle's other way out is for descriptive texts and for lists of one: hardly any."""
    found = Counter(verdict(change, before, tmp_path) for change in ALL_MISTAKES)
    assert found[THE_SAME] <= 0.05 * len(ALL_MISTAKES), found
