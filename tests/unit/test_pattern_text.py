"""What a pattern becomes, and that looking for needles finds what trying every name finds."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.sizes import bounds, parameters
from ansible_collections.lab.llm.plugins.module_utils.routing.name_index import NameIndex
from ansible_collections.lab.llm.plugins.module_utils.routing.pattern_text import (
    EXPANDED,
    NAME,
    WILDCARD,
    meaning,
    needles,
)
from hypothesis import given, settings
from hypothesis import strategies as st

MEANINGS = [
    ("^gpt-.*", WILDCARD, "gpt-"), ("^gpt-", WILDCARD, "gpt-"), ("^gpt-.+$", WILDCARD, "gpt-"),
    ("^gpt-(.*)$", WILDCARD, "gpt-"), (r"^gpt-3\.5.*", WILDCARD, "gpt-3.5"),
    (r"^a\/b\-.*?", WILDCARD, "a/b-"), ("^.*", WILDCARD, ""), (".*", WILDCARD, ""),
    (".+$", WILDCARD, ""), ("^", WILDCARD, ""), ("^gpt-4$", NAME, "gpt-4"),
    (r"^llama3\.1:8b$", NAME, "llama3.1:8b"), ("gpt-.*", EXPANDED, ""), ("^gpt-*", EXPANDED, ""),
    ("^gpt-?", EXPANDED, ""), ("^gpt-3.5", EXPANDED, ""), ("^(a|b).*", EXPANDED, ""),
    ("^[ab]", EXPANDED, ""), (r"^a\d", EXPANDED, ""), ("(?i)^gpt-", EXPANDED, ""),
    ("^a|^b", EXPANDED, ""), ("^a.*b", EXPANDED, ""), ("^a{2}", EXPANDED, ""), ("^$", EXPANDED, ""),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "kind", "text"), MEANINGS)
def test_a_prefix_is_told_from_all_else(expression: str, kind: str, text: str) -> None:
    assert meaning(expression) == (kind, text)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("gpt-[0-9]+", ["gpt-"]), ("^(llama|mistral)", ["llama", "mistral"]), ("a|bc", ["a", "bc"]),
        ("x(abc)?y", ["x"]), ("colou?r", ["colo"]), ("ab{2}c", ["a"]), (r"\d+", None),
        ("(a|)", None), ("(?i)GPT", ["gpt"]), ("(?=a)b", ["b"]), (r"a\.b", ["a.b"]),
        ("[]a]bc", ["bc"]), ("(?P<x>abc)d", ["d"]), ("", None),
    ],
)  # fmt: skip
def test_needles_are_in_every_match(expression: str, found: list[str] | None) -> None:
    assert needles(expression) == found


PIECES = st.sampled_from(
    ["a", "b", "ab", "-", ".", r"\.", r"\d", "[ab]", "[^a]", "(a|b)", "(ab|c)?", "(?:ab)+", "a*",
     "b?", "^", "$", "|", "c{2}", "(?i)", "4", ".*", r"\-", "(?!a)", "(?=b)"]
)  # fmt: skip
NAMES = st.lists(st.text("abcAB4-.", min_size=1, max_size=6), max_size=12, unique=True)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), NAMES)
def test_the_index_finds_what_trying_every_name_finds(expression: str, names: list[str]) -> None:
    try:
        compiled = re.compile(expression)
    except re.error:
        return
    assert NameIndex(names).matching(compiled) == [one for one in names if compiled.search(one)]


@pytest.mark.parametrize(
    ("size", "number"),
    [("7B", 7e9), ("8x7B", 56e9), ("270M", 270e6), ("1T", 1e12), ("1.5b", 1.5e9), ("0.135B", 135e6),
     ("135M", 135e6), ("500K", 5e5)],
)  # fmt: skip
def test_a_size_in_parameters(size: str, number: float) -> None:
    assert parameters(size) == number


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("< 8B", ["7.9B", "270M"], ["8B", "1T"]),
        ("<= 8B", ["8B"], ["8.1B"]),
        ("> 13B", ["8x7B", "1T"], ["13B"]),
        (">=13B", ["13B"], ["12B"]),
        ("8B - 13B", ["8B", "13B", "10B"], ["7B", "14B"]),
        ("8B-8x7B", ["56B"], ["57B"]),
    ],
)
def test_a_range_of_sizes(text: str, inside: list[str], outside: list[str]) -> None:
    low, high, with_low, with_high = bounds(text) or pytest.fail("no range")

    def holds(size: str) -> bool:
        number = parameters(size)
        above = number >= low if with_low else number > low
        return above and (number <= high if with_high else number < high)

    assert all(map(holds, inside))
    assert not any(map(holds, outside))
