"""What a pattern becomes, and that looking for needles finds what trying every name finds."""

from __future__ import annotations

import re
import signal

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
from ansible_collections.lab.llm.plugins.module_utils.routing.runaway import power, runaway
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


RUNAWAY = [
    ("^(a+)+$", "(a+)+"), ("(a|a)*", "(a|a)*"), ("x(.*)*y", "(.*)*"),
    (r"^(\w+\s?)*$", r"(\w+\s?)*"),
    ("(x+x+)+y", "(x+x+)+"), ("(a|b|ab)*", "(a|b|ab)*"), ("(?P<n>a+)+", "(?P<n>a+)+"),
    ("((a|b)+)+", "((a|b)+)+"), ("(a{1,}){2,}", "(a{1,}){2,}"), ("(a+){12}", "(a+){12}"),
    (r"(\w|\d)+x", r"(\w|\d)+"), ("(?i)(a|A)*", "(a|A)*"), ("(a?b?b?c?)*", "(a?b?b?c?)*"),
    ("(foo|(a+)+)", "(a+)+"), ("(^a+)+", "(^a+)+"), ("(?=(a+)+b)x", "(a+)+"),
    ("([^-]+)*-", "([^-]+)*"),
    # these end, after so long a time that nobody waits for it
    ("(a{1,50}){1,50}", "(a{1,50}){1,50}"), ("(a{1,9}){1,9}", "(a{1,9}){1,9}"),
    ("(?:a{0,9}){0,9}b", "(?:a{0,9}){0,9}"), (r"x(\w{1,9}-?){1,9}", r"(\w{1,9}-?){1,9}"),
    ("(a+){9}", "(a+){9}"), ("(.{0,9}a){9}", "(.{0,9}a){9}"),
    ("((a{1,4}){1,4}){1,4}", "((a{1,4}){1,4}){1,4}"), ("(b|(a{1,9}){9}){2}", "(b|(a{1,9}){9}){2}"),
    # each of these reads a text in one way
    ("(foo|bar)+", ""), ("^gpt(-[a-z0-9]+)*$", ""), ("(a|ab)*", ""), ("(a+b)*", ""),
    ("(?i)(a|b)*", ""),
    (r"[a-z]+(\.[a-z]+)*", ""), ("(a?){3}", ""), ("a+a+b", ""), ("((ab)+c)*", ""), (r"(a|\))*", ""),
    ("(a{1,5}){1,5}", ""), ("(a{1,2}){1,9}", ""), ("(a?a?){3}", ""), ("(a|b|c|d){9}", ""),
    (r"\d{1,3}(\.\d{1,3}){3}", ""), ("[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}", ""),
    (r"(\w{1,9}\.){1,9}", ""), (r"(\w{1,9}\.)*", ""), ("(a+-){9}", ""),
    ("(a+)?", ""), (r"(\d|[a-z])+", ""), ("[(a+)+]x", ""), ("", ""), ("(", ""), ("(a|a", ""),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "part"), RUNAWAY)
def test_a_repeat_that_may_run_without_end_is_found(expression: str, part: str) -> None:
    assert runaway(expression) == part


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("gpt", 0), ("gpt-.*", 1), (".*.*.*x", 3), (".*-.*-.*", 3), ("(.*)(.*)(.*)(.*)x", 4),
        ("[a-z]+-[a-z]+-[a-z]+", 1), ("a*b*c*", 1), ("(ab)*(a)*", 2), (r"\w*\d*x", 2),
        (".*x?.*", 2),
        ("(a+){5}b", 5), ("(.*-){4}", 4), ("(a+-){5}", 1), ("((a+){2}){3}", 6), ("a{3}", 0),
        ("^(a.*b|c).*d.*", 2), ("a{2,}a+", 2), ("(.*a.*|b.*)", 2), ("", 0),
    ],
)  # fmt: skip
def test_repeats_that_take_letters_from_one_another_are_counted(
    expression: str, times: int
) -> None:
    assert power(expression) == times


class TooLongError(Exception):
    """A search that does not come to an end."""


LOOPS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", "a?", "b*", "a+", ".", r"\w", "-", "(?:a|b)"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({'|'.join(some)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,4}", "{0,9}"])).map(
            lambda one: f"(?:{one[0]}){one[1]}"
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(LOOPS)
def test_what_is_not_found_comes_to_an_end(expression: str) -> None:
    """2**40 ways take for ever; a search may be slow all the same, by a power of the length."""
    if runaway(expression):
        return

    def stop(*_unused: object) -> None:
        raise TooLongError(expression)

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        compiled = re.compile(f"^(?:{expression})!$")
        for text in ("a", "b", "ab", "aab", "-a"):
            compiled.search(text * (40 // len(text)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
