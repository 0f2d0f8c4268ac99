# ruff: noqa: E501 - one line many cases
"""The rendered text reads back as what was meant, by the loader that LiteLLM uses."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.routing.litellm_yaml import render
from hypothesis import given
from hypothesis import strategies as st

TEXTS = [
    "gpt-4", "~", "~p/m", "no", "NULL", "1.5", "1e5", "0x1f", "1_000", "12:30:00", "2024-01-01", "=", "<<", "-", "- a",
    "a: b", "a:b", "a:", "a #b", "a#b", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "{a}", "[a]", "a,b", "'a'", '"a"', "",
    " a", "a ", "a\nb", "a\tb", "\\", "größe", "模型", "😀", "\u200b", "\ufeff", "\x7f", "\x85", "\u2028", "os.environ/A_B",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_what_it_is(text: str) -> None:
    tree = {text: text, "list": [text, [text, {text: [text]}]]}
    assert yaml.safe_load(render(tree)) == tree


@pytest.mark.parametrize(
    "value", [0, -3, 1.0, 0.25, 1e-09, 1e22, 123456.789, True, False, None, [], {}]
)
def test_a_value_keeps_its_type(value: object) -> None:
    read = yaml.safe_load(render({"key": value, "list": [value]}))
    assert read == {"key": value, "list": [value]}
    assert type(read["key"]) is type(value)


LEAVES = st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(tree=st.dictionaries(st.text(), TREES, max_size=4))
def test_any_tree_reads_back(tree: dict[str, Any]) -> None:
    text = render(tree)
    assert (yaml.safe_load(text) or {}) == tree
    assert render(tree) == text
