"""Edits of registry files: what goes or changes, and that all else stays byte for byte."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.registry.edit import (
    EditError,
    with_value,
    without_entry,
    without_provider,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TWO = """\
# The lab's providers.
---
providers:
  # The first one
  a:
    type: ollama  # on the desk
    base_url: http://10.0.0.1
    models: [m]
    # default_model: m

  # The second one,
  # in the rack.
  b: {type: ollama, base_url: "http://10.0.0.2", models: [n]}
  # c:
  #   type: vllm

exact_matches:
  x: {provider: b}
"""
WITHOUT_A = """\
# The lab's providers.
---
providers:
  # The second one,
  # in the rack.
  b: {type: ollama, base_url: "http://10.0.0.2", models: [n]}
  # c:
  #   type: vllm

exact_matches:
  x: {provider: b}
"""
WITHOUT_B = """\
# The lab's providers.
---
providers:
  # The first one
  a:
    type: ollama  # on the desk
    base_url: http://10.0.0.1
    models: [m]
    # default_model: m

  # c:
  #   type: vllm

exact_matches:
  x: {provider: b}
"""

# what it is called, the text, the provider that goes, what is left (None: the file goes)
REMOVED = [
    ("the first, with its comments", TWO, "a", WITHOUT_A),
    ("a flow value; what is commented out stays", TWO, "b", WITHOUT_B),
    ("the last of the file", "providers:\n  a: {type: x}\n", "a", None),
    ("the last of its section", "providers: {a: {b: c}}\nx-y: 1\n", "a", "x-y: 1\n"),
    (
        "the section's comments stay",
        "p-: 1\nproviders:\n  # d:\n  #   e: f\n  a:\n    b: c\n",
        "a",
        "p-: 1\n  # d:\n  #   e: f\n",
    ),
    (
        "in one line, the first",
        "providers: {a: {t: x}, b: {t: y}}\n",
        "a",
        "providers: {b: {t: y}}\n",
    ),
    (
        "in one line, the last",
        "providers: {a: {t: x}, b: {t: y}}\n",
        "b",
        "providers: {a: {t: x}}\n",
    ),
    (
        "flow over lines",
        "providers: {\n  # one\n  a: {t: x}, # x\n  b: {t: y},\n}\n",
        "a",
        "providers: {\n  b: {t: y},\n}\n",
    ),
    (
        "the last of a flow over lines",
        "providers: {\n  a: {t: x}, # x\n  b: {t: y} # y\n}\n",
        "b",
        "providers: {\n  a: {t: x}, # x\n}\n",
    ),
    (
        "no line break at the end",
        "providers:\n  a: {t: x}\n  b: {t: y}",
        "b",
        "providers:\n  a: {t: x}\n",
    ),
    (
        "lines of Windows",
        "providers:\r\n  a:\r\n    t: x\r\n  b: {t: y}\r\n",
        "a",
        "providers:\r\n  b: {t: y}\r\n",
    ),
    (
        "quoted keys",
        "providers:\n  'a':\n    t: x\n  \"b\": {t: y}\n",
        "a",
        'providers:\n  "b": {t: y}\n',
    ),
    (
        "a text over lines",
        "providers:\n  a:\n    d: |\n      one\n\n      two\n  b: {t: y}\n",
        "a",
        "providers:\n  b: {t: y}\n",
    ),
    (
        "behind a text that keeps its blank lines",
        "providers:\n  b:\n    d: |+\n      one\n\n\n  a: {t: x}\n\n  c: {t: z}\n",
        "a",
        "providers:\n  b:\n    d: |+\n      one\n\n\n  c: {t: z}\n",
    ),
    ("nothing but a key", "providers:\n  a:\n  b: {t: y}\n", "a", "providers:\n  b: {t: y}\n"),
    (
        "a value that is an alias",
        "x-a: &a {t: x}\nproviders:\n  a: *a\n  b: {t: y}\n",
        "a",
        "x-a: &a {t: x}\nproviders:\n  b: {t: y}\n",
    ),
    (
        "letters of any kind",
        "providers:\n  ä: {t: 'ß'} # 🙂\n  a: {t: 🙂} # ü\n  c: {t: ö}\n",
        "a",
        "providers:\n  ä: {t: 'ß'} # 🙂\n  c: {t: ö}\n",
    ),
    (
        "blank lines at the end",
        "providers:\n  b: {t: y}\n\n  a: {t: x}\n\n\n",
        "a",
        "providers:\n  b: {t: y}\n",
    ),
    (
        "its limits and its health go as well",
        "providers:\n  a: {t: x}\n  b: {t: y}\nhealth_checks:\n  a: {endpoint: /}\n"
        "rate_limit_settings:\n  enabled: true\n  limits:\n    a: {rpm: 1}\n"
        "budgets: {a: {max_budget: 1}, b: {max_budget: 2}}\n",
        "a",
        "providers:\n  b: {t: y}\nrate_limit_settings:\n  enabled: true\n"
        "budgets: {b: {max_budget: 2}}\n",
    ),
]


@pytest.mark.parametrize(
    ("text", "name", "left"), [r[1:] for r in REMOVED], ids=[r[0] for r in REMOVED]
)
def test_a_provider_goes_and_nothing_else(text: str, name: str, left: str | None) -> None:
    assert without_provider({"r.yaml": text}, name) == {"r.yaml": left}


def test_files_that_do_not_change_are_not_named() -> None:
    files = {
        "a.yaml": "providers: {a: {t: x}}\n",
        "b.yaml": "providers: {b: {t: y}}\n",
        "limits.yaml": "rate_limit_settings:\n  limits:\n    a: {rpm: 1}\n    b: {rpm: 2}\n",
    }
    assert without_provider(files, "a") == {
        "a.yaml": None,
        "limits.yaml": "rate_limit_settings:\n  limits:\n    b: {rpm: 2}\n",
    }
    assert without_entry(files, ("budgets", "a")) == {}
    with pytest.raises(KeyError):
        without_provider(files, "c")


REFUSED = [
    (
        "an anchor that others use",
        "providers:\n  a: &a {t: x}\n  b: *a\n",
        "r.yaml:3:6",
        "*a is used",
    ),
    (
        "an anchor inside",
        "providers:\n  a: {m: &m [x]}\n  b: {m: *m}\n",
        "r.yaml:3:10",
        "*m is used",
    ),
    (
        "from a merge",
        "x-p: &p {a: {t: x}}\nproviders:\n  <<: *p\n  b: {t: y}\n",
        "r.yaml:3:3",
        "merge",
    ),
    (
        "a section elsewhere",
        "x-p: &p {a: {t: x}, b: {t: y}}\nproviders: *p\n",
        "r.yaml:2:12",
        "only *p",
    ),
    (
        "a section that is also elsewhere",
        "providers: &p\n  a: {t: x}\n  b: {t: y}\nx-p: *p\n",
        "r.yaml:1:12",
        "*p",
    ),
    (
        "a comment between",
        "providers: {a: {t: x}, # a\n   b: {t: y} }\n",
        "r.yaml:1:13",
        "shares its lines",
    ),
    (
        "behind a question mark",
        "providers:\n  ? a\n  : {t: x}\n  b: {t: y}\n",
        "r.yaml:2:5",
        "shares its lines",
    ),
]


@pytest.mark.parametrize(
    ("text", "place", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_what_is_not_certain_is_refused_with_its_place(text: str, place: str, said: str) -> None:
    with pytest.raises(EditError) as caught:
        without_provider({"r.yaml": text}, "a")
    message = str(caught.value)
    assert message.startswith(f"{place}: error[cannot-edit]: "), message
    assert said in message
    assert message.endswith((".", "try again."))


SET = [
    # called, text, path under providers.a, value, result
    (
        "a new one, beside the status",
        "providers:\n  a:\n    status: testing # yet\n    models:\n      - m\n",
        "traffic",
        "5%",
        "providers:\n  a:\n    status: testing # yet\n    traffic: 5%\n    models:\n      - m\n",
    ),
    (
        "a new one, before the lists",
        "providers:\n  a:\n    type: x\n    base: y\n    models:\n      - m\n",
        "other",
        "z",
        "providers:\n  a:\n    type: x\n    base: y\n    other: z\n    models:\n      - m\n",
    ),
    (
        "a new one in a flow",
        "providers: {a: {type: x, models: [m]}}\n",
        "traffic",
        "5%",
        "providers: {a: {type: x, traffic: 5%, models: [m]}}\n",
    ),
    (
        "a new one in an empty flow",
        "providers:\n  a: {}\n",
        "traffic",
        5,
        "providers:\n  a: {traffic: 5}\n",
    ),
    (
        "without a line break at the end",
        "providers:\n  a:\n    type: x",
        "traffic",
        "5%",
        "providers:\n  a:\n    type: x\n    traffic: 5%\n",
    ),
    (
        "lines of Windows",
        "providers:\r\n  a:\r\n    type: x\r\n",
        "traffic",
        "5%",
        "providers:\r\n  a:\r\n    type: x\r\n    traffic: 5%\r\n",
    ),
    (
        "another value",
        "providers:\n  a:\n    traffic: 5%   # slowly\n",
        "traffic",
        "25%",
        "providers:\n  a:\n    traffic: 25%   # slowly\n",
    ),
    (
        "in its quotes",
        'providers:\n  a:\n    status: "testing"\n',
        "status",
        "active",
        'providers:\n  a:\n    status: "active"\n',
    ),
    (
        "in other quotes",
        "providers: {a: {status: 'testing'}}\n",
        "status",
        "it's",
        "providers: {a: {status: 'it''s'}}\n",
    ),
    (
        "quotes where they are needed",
        "providers: {a: {status: testing}}\n",
        "status",
        "on",
        'providers: {a: {status: "on"}}\n',
    ),
    (
        "where nothing was written",
        "providers:\n  a:\n    status:\n    type: x\n",
        "status",
        "active",
        "providers:\n  a:\n    status: active\n    type: x\n",
    ),
    (
        "a text over lines",
        "providers:\n  a:\n    status: |\n      testing\n    type: x\n",
        "status",
        "active",
        "providers:\n  a:\n    status: active\n    type: x\n",
    ),
    (
        "out with it",
        "providers:\n  a:\n    type: x\n    # a tenth\n    traffic: 10%\n",
        "traffic",
        None,
        "providers:\n  a:\n    type: x\n",
    ),
    (
        "over a merged one",
        "x-d: &d {status: testing}\nproviders:\n  a:\n    <<: *d\n    type: x\n",
        "status",
        "active",
        "x-d: &d {status: testing}\nproviders:\n  a:\n    <<: *d\n    type: x\n"
        "    status: active\n",
    ),
]


@pytest.mark.parametrize(
    ("text", "key", "value", "result"), [s[1:] for s in SET], ids=[s[0] for s in SET]
)
def test_a_value_is_set_where_it_stands(text: str, key: str, value: Any, result: str) -> None:
    assert with_value({"r.yaml": text}, ("providers", "a", key), value) == {"r.yaml": result}


@pytest.mark.parametrize(
    "value", ["5%", "active", "007", "a: b", "# no", "'", '"', "🙂", "x\ny", " ", "", 5, 0.5, True]
)
def test_any_value_is_read_back_as_it_was_given(value: Any) -> None:
    for text in (
        "providers:\n  a:\n    t: x\n",
        "providers: {a: {t: 'x'}}\n",
        'providers: {a: {t: "x"}}\n',
    ):
        for key in ("t", "new"):
            done = with_value({"r.yaml": text}, ("providers", "a", key), value)["r.yaml"]
            assert yaml.safe_load(done)["providers"]["a"][key] == value
            assert with_value({"r.yaml": done}, ("providers", "a", key), value) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "providers: {a: {traffic: [1]}}\n",
            "r.yaml:1:26: error[cannot-edit]: providers.a.traffic is not a plain value",
        ),
        (
            "x-a: &a {t: x}\nproviders: {a: *a}\n",
            "r.yaml:2:16: error[cannot-edit]: providers.a is only *a here",
        ),
        (
            "providers: {a: &a {t: x}, b: *a}\n",
            "r.yaml:1:16: error[cannot-edit]: providers.a.traffic is in what *a stands",
        ),
        (
            "providers: {a: {traffic: &t 5%}, b: {traffic: *t}}\n",
            "r.yaml:1:26: error[cannot-edit]: ",
        ),
    ],
)
def test_a_value_that_others_share_is_not_set(text: str, said: str) -> None:
    with pytest.raises(EditError) as caught:
        with_value({"r.yaml": text}, ("providers", "a", "traffic"), "25%")
    assert str(caught.value).startswith(said)


def test_a_value_of_nobody_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"providers\.c"):
        with_value({"r.yaml": TWO}, ("providers", "c", "traffic"), "5%")


# Any layout

NAMES = ["a", "b1", "c-c", "d d", "ü"]
COMMENT = st.sampled_from(["", "", "", "# about it", "# x: y", "#"])


@st.composite
def layouts(draw: Any) -> str:
    """A registry as people write them."""
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    lines = [] if draw(st.booleans()) else ["# head", "---"]
    for section in draw(st.permutations(["providers", "health_checks", "x-own"])):
        lines += draw(_block(section, names, draw(st.sampled_from([1, 2, 4]))))
    text = end.join(lines)
    return text + draw(st.sampled_from(["", end, end + end]))


@st.composite
def _block(draw: Any, section: str, names: list[str], indent: int) -> list[str]:
    lines = [*_noise(draw, ""), f"{section}: {draw(COMMENT)}".rstrip()]
    if draw(st.integers(0, 3)) == 0:
        inside = ", ".join(f"{name}: {draw(_flow())}" for name in names)
        return [f"{section}: {{{inside}}}"]
    pad = " " * indent
    for name in names:
        quote = draw(st.sampled_from(["", "'", '"']))
        key = f"{pad}{quote}{name}{quote}:"
        lines += _noise(draw, pad)
        if draw(st.booleans()):
            lines.append(f"{key} {draw(_flow())} {draw(COMMENT)}".rstrip())
            continue
        lines += [f"{key} {draw(COMMENT)}".rstrip(), f"{pad * 2}t: {draw(_scalar())}"]
        if draw(st.booleans()):
            lines += [f"{pad * 2}models:", f"{pad * 2}- m", f"{pad * 2}- {{n: o}}"]
        if draw(st.booleans()):
            lines += [f"{pad * 2}text: |", f"{pad * 3}one", "", f"{pad * 3}# no comment"]
        lines += _noise(draw, pad * 2)
    return lines


def _noise(draw: Any, pad: str) -> list[str]:
    kinds = st.sampled_from(["", f"{pad}# noise", f"{pad}# z:"])
    return draw(st.lists(kinds, max_size=3)) if draw(st.booleans()) else []


def _flow() -> Any:
    return st.sampled_from(["{t: x}", "{t: x, models: [a, {b: c}]}", "{'t': \"x\", }", "{}"])


def _scalar() -> Any:
    return st.sampled_from(["x", "'x'", '"x"', "5 # five", ""])


def is_part_of(part: str, whole: str) -> bool:
    """Whether a text is another one with something left out."""
    rest = iter(whole)
    return all(letter in rest for letter in part)


@settings(max_examples=int(os.environ.get("LAB_LLM_EXAMPLES", "150")))
@given(layouts())
def test_in_any_layout_a_provider_goes_and_nothing_else(text: str) -> None:
    before = yaml.safe_load(text)
    for name in before["providers"]:
        after = without_provider({"r.yaml": text}, name)["r.yaml"]
        wanted = {
            section: {key: one for key, one in content.items() if section == "x-own" or key != name}
            for section, content in before.items()
        }
        assert after is not None
        assert yaml.safe_load(after) == {key: one for key, one in wanted.items() if one}
        assert is_part_of(after, text)
        assert after.count("# head") == text.count("# head")


@settings(max_examples=int(os.environ.get("LAB_LLM_EXAMPLES", "150")))
@given(layouts(), st.sampled_from(["5%", "active", "x: y", 7]))
def test_in_any_layout_a_value_is_set_and_set_back(text: str, value: Any) -> None:
    text = text if text.endswith("\n") else text + "\n"
    for name in yaml.safe_load(text)["providers"]:
        path = ("providers", name, "new")
        done = with_value({"r.yaml": text}, path, value)["r.yaml"]
        after = yaml.safe_load(done)
        assert after["providers"][name].pop("new") == value
        assert after == yaml.safe_load(text)
        assert is_part_of(text.replace("\r", ""), done.replace("\r", ""))
        other = with_value({"r.yaml": done}, path, "other")["r.yaml"]
        assert with_value({"r.yaml": other}, path, value) == {"r.yaml": done}
