"""The loader: PyYAML's values, the place of everything, and nothing that raises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.registry import load, yaml_reader
from ansible_collections.lab.llm.plugins.module_utils.registry.load import (
    Mapping,
    Sequence,
    load_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import Problem
from hypothesis import given, settings
from hypothesis import strategies as st

VALID = Path(__file__).parents[1] / "registries" / "valid"


def read(text: str) -> tuple[Any, list[Problem]]:
    reader = yaml_reader.TreeReader()
    return reader.read("lab.yaml", text), reader.problems


def codes(text: str) -> list[str]:
    return [f"{p.place.line}:{p.place.column} {p.code}" for p in read(text)[1]]


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers: PyYAML may have been built without libyaml."""
    if request.param == "python":
        monkeypatch.setattr(yaml, "__with_libyaml__", False)
    return request.param


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "registry").mkdir()
    return tmp_path / "registry"


# values ---------------------------------------------------------------------------------------

# fmt: off
PLAIN = """
7 -7 +7 0 0x1F 0b11 1_000 1.5 -1.5 1e3 1.0e+3 .5 5. .inf -.inf .NaN 1.10 1.2.3 08 0o7 12e 1e
yes Yes no NO on Off true False TRUE y n ~ null Null NULL nul 2026-11-22 2026-11-22T10:00:00Z
7B 8x7B llama3.1:8b http://a:1 a:b x-y "7" '7' "yes" 'a''b' "a\\tb" [] {} [1,a] {a:1} 1:2x
""".split()  # noqa: SIM905
# fmt: on


@pytest.mark.parametrize("text", PLAIN)
def test_a_scalar_is_what_pyyaml_makes_of_it(parser: str, text: str) -> None:
    document = f"a: {text}\nb:\n  - {text}\n"
    assert repr(read(document)[0]) == repr(yaml.safe_load(document))


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
data = st.dictionaries(
    st.text(min_size=1),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@given(data, st.sampled_from([None, True, False]), st.sampled_from([None, '"', "'"]))
def test_what_pyyaml_dumps_is_read_back(content: Any, flow: bool | None, style: str | None) -> None:
    text = yaml.safe_dump(content, default_flow_style=flow, default_style=None, allow_unicode=True)
    quoted = yaml.dump(content, Dumper=yaml.SafeDumper, default_style=style)
    for document in (text, quoted if style else text):
        if "!!" in document:  # default_style writes tags before numbers
            continue
        value, problems = read(document)
        assert value == yaml.safe_load(document)
        assert [problem.code for problem in problems] == []


@given(st.text(alphabet="0123456789+-_.:eExobyYnNtTfF~ ", min_size=1, max_size=12))
@settings(max_examples=500)
def test_any_plain_scalar_is_what_pyyaml_makes_of_it(text: str) -> None:
    document = f"a: {text}\n"
    value, problems = read(document)
    try:
        wanted = yaml.safe_load(document)
    except (yaml.YAMLError, ValueError, OverflowError, KeyError):
        assert problems
    else:
        if "yaml-syntax" not in {problem.code for problem in problems}:
            assert repr(value) == repr(wanted)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=500)
def test_nothing_raises_whatever_the_text(text: str) -> None:
    read(text)


def test_anchors_and_merge_keys_are_pyyamls(parser: str) -> None:
    text = """
x-defaults: &base {status: active, type: vllm}
x-more: &more {type: ollama, tags: [a]}
providers:
  a: {<<: *base, type: openai}
  b: {<<: [*more, *base]}
  c: *base
"""
    value, problems = read(text)
    assert problems == []
    assert value == yaml.safe_load(text)
    assert value["providers"]["a"].value_place("status").line == 2
    assert value["providers"]["a"].value_place("type").line == 5


# places ---------------------------------------------------------------------------------------


def places(node: Mapping | Sequence) -> Iterator[tuple[Any, Any, Any]]:
    """(key or index, place of the key, value) of everything in a tree."""
    for key in node if isinstance(node, Mapping) else range(len(node)):
        place = node.key_place(key) if isinstance(node, Mapping) else node.item_place(key)
        yield key, place, node[key]
        if isinstance(node[key], Mapping | Sequence):
            yield from places(node[key])


def test_every_key_stands_where_it_is_said_to(parser: str) -> None:
    root, _ = load_registry(str(VALID))
    lines = (VALID / "registry.yaml").read_text().splitlines()
    found = 0
    for key, place, value in places(root):
        rest = lines[place.line - 1][place.column - 1 :]
        wanted = key if isinstance(key, str) else value
        if isinstance(wanted, str):
            assert rest.lstrip('"').startswith(wanted)
            found += 1
    assert found > 100


def test_values_have_places_too() -> None:
    value, _ = read("a:\n  b: 1.10\n  c:\n    - x\n    - {d: y}\n")
    inner = value["a"]
    assert str(inner.place) == "lab.yaml:2:3"
    assert str(value.value_place("a")) == "lab.yaml:2:3"
    assert str(inner.value_place("b")) == "lab.yaml:2:6"
    assert inner.written("b") == "1.10"
    assert str(inner["c"].item_place(1)) == "lab.yaml:5:7"
    assert str(inner["c"][1].value_place("d")) == "lab.yaml:5:11"


@pytest.mark.parametrize("text", ["\ufeffa: 1\r\nb: 2\r\n", "a: 1\nb: 2", "a: 1\rb: 2\r"])
def test_byte_order_marks_and_line_ends_do_not_matter(registry: Path, text: str) -> None:
    (registry / "lab.yaml").write_bytes(text.encode())
    root, problems = load_registry("registry")
    assert problems == []
    assert root == {"a": 1, "b": 2}
    assert root.key_place("b") == ("registry/lab.yaml", 2, 1)


# what is refused ------------------------------------------------------------------------------

REFUSED = [
    ("a: 1\na: 2\n", ["2:1 duplicate-key"]),
    ("a: {b: 1, b: 2, b: 3}\n", ["1:11 duplicate-key", "1:17 duplicate-key"]),
    ("a: !!str 1\n", ["1:4 yaml-tag"]),
    ("a: !!python/object/apply:os.system ['true']\n", ["1:4 yaml-tag"]),
    ("a: !vault |\n  text\n", ["1:4 yaml-tag"]),
    ("!x\na: 1\n", ["1:1 yaml-tag"]),
    ("!x a: 1\n", ["1:1 yaml-tag"]),
    ("8: a\n", ["1:1 bad-key"]),
    ("yes: a\n", ["1:1 bad-key"]),
    ("~: a\n", ["1:1 bad-key"]),
    ("? \n: a\n", ["1:2 bad-key"]),
    ("? [a]\n: b\n", ["1:3 bad-key"]),
    ("{{ a }}: b\n", ["1:1 bad-key"]),
    ("a: {{ b }}\n", ["1:5 bad-key"]),
    ("<<: 1\n", ["1:5 bad-key"]),
    ("<<: [{a: 1}, 2]\n", ["1:5 bad-key"]),
    ("a: 0100\n", ["1:4 surprising-value"]),
    ("a: 12:30\n", ["1:4 surprising-value"]),
    ("a: 2026-13-45\n", ["1:4 surprising-value"]),
    ("a: [0100]\n", ["1:5 surprising-value"]),
    ("a: *b\n", ["1:4 yaml-syntax"]),
    ("a: &b [*b]\n", ["1:8 yaml-syntax"]),
    ("a: 1\n---\nb: 1\n", ["2:1 several-documents"]),
    ("a: 1\n...\nb: 1\n", ["3:1 yaml-syntax"]),
    ("a: " + "9" * 5000 + "\n", ["1:4 surprising-value"]),
    ("a: " + "[" * 41, ["1:43 too-large"]),
    ("a: " + "{a: " * 100_000, ["1:160 too-large"]),
]


@pytest.mark.parametrize(("text", "found"), REFUSED)
def test_refused(parser: str, text: str, found: list[str]) -> None:
    assert codes(text) == found


def test_aliases_cannot_grow_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert [code.split()[1] for code in codes("\n".join(lines))] == ["too-large"]


def test_what_stands_before_a_syntax_error_is_kept() -> None:
    value, problems = read("a: {b: 1}\nc:\n  d: [\ne: 1\n")
    assert value == {"a": {"b": 1}}
    assert [problem.code for problem in problems] == ["yaml-syntax"]


# files ----------------------------------------------------------------------------------------


def test_files_merge_by_section_and_key(registry: Path) -> None:
    (registry / "b.yml").write_text("providers: {b: 1}\npatterns: [2]\nmetadata:\n")
    (registry / "a.yaml").write_text("providers: {a: 1}\npatterns: [1]\nmetadata: {name: x}\n")
    (registry / ".hidden.yaml").write_text("providers: {c: 1}\n")
    (registry / "notes.txt").write_text("providers: {d: 1}\n")
    (registry / "more").mkdir()
    (registry / "more" / "e.yaml").write_text("providers: {e: 1}\n")
    root, problems = load_registry("registry")
    assert problems == []
    assert root == {"providers": {"a": 1, "b": 1}, "patterns": [1, 2], "metadata": {"name": "x"}}
    assert root["providers"].key_place("b") == ("registry/b.yml", 1, 13)
    assert root["patterns"].item_place(1).file == "registry/b.yml"


def test_limits_merge_too_so_that_a_file_can_hold_all_of_a_provider(registry: Path) -> None:
    (registry / "a.yaml").write_text(
        "rate_limit_settings: {enabled: true, limits: {a: {rpm: 1}}}\n"
    )
    (registry / "b.yaml").write_text("rate_limit_settings: {limits: {b: {rpm: 2}}}\n")
    root, problems = load_registry("registry")
    assert problems == []
    assert root["rate_limit_settings"]["limits"] == {"a": {"rpm": 1}, "b": {"rpm": 2}}


CLASHES = [
    ("providers: {a: 1}", "providers: {a: 1}", "registry/b.yaml:1:13"),
    ("debug_router: true", "debug_router: true", "registry/b.yaml:1:1"),
    ("providers: {a: 1}", "providers: [a]", "registry/b.yaml:1:1"),
    ("rate_limit_settings: {limits: {a: {rpm: 1}}}", "rate_limit_settings: {limits: {a: {rpm: 1}}}",
     "registry/b.yaml:1:32"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "place"), CLASHES)
def test_what_two_files_declare_is_refused(
    registry: Path, first: str, second: str, place: str
) -> None:
    (registry / "a.yaml").write_text(first)
    (registry / "b.yaml").write_text(second)
    _, problems = load_registry("registry")
    assert [(str(problem.place), problem.code) for problem in problems] == [
        (place, "duplicate-key")
    ]
    assert "registry/a.yaml:1:" in problems[0].message


def test_merging_changes_no_aliased_mapping(registry: Path) -> None:
    (registry / "a.yaml").write_text("x-all: &all {a: {type: vllm}}\nproviders: *all\n")
    (registry / "b.yaml").write_text("providers: {b: {type: vllm}}\n")
    root, _ = load_registry("registry")
    assert list(root["x-all"]) == ["a"]
    assert list(root["providers"]) == ["a", "b"]


def test_one_more_file_is_read_as_if_it_stood_there(registry: Path, tmp_path: Path) -> None:
    (registry / "a.yaml").write_text("providers: {a: 1}\n")
    (tmp_path / "new.yaml").write_text("providers: {n: 1}\n")
    root, problems = load_registry("registry", [str(tmp_path / "new.yaml")])
    assert problems == []
    assert root["providers"].key_place("n").file == "new.yaml"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("new.json", "such as new.yaml"),
        ("new.yaml.bak", "such as new.yaml.yaml"),
        ("new", "such as new.yaml"),
        (".new.yaml", "such as new.yaml"),
        (".new", "begins with '.'"),
    ],
)
def test_a_file_that_the_registry_would_not_read_is_refused(
    registry: Path, name: str, words: str
) -> None:
    (registry.parent / name).write_text("providers: {n: 1}\n")
    root, problems = load_registry("registry", [name])
    assert [(str(p.place), p.code) for p in problems] == [(f"{name}:1:1", "bad-file-name")]
    assert words in str(problems[0])
    assert root == {"providers": {"n": 1}}


OLD = "providers: {a: 1, b: 2}\nrate_limit_settings: {limits: {a: 1, b: 2}}\npatterns: [1, 2]\n"
REPLACING = [
    (OLD, ""),
    (OLD + "exact_matches: {c: 1}\n", ""),
    ("providers: {a: 9, b: 9}\nrate_limit_settings: {limits: {a: 1, b: 2}}\npatterns: [2, 1]", ""),
    ("providers: {a: 1, b: 2}\npatterns: [1, 2]", "rate_limit_settings.limits.a, rate_limit_set"),
    (OLD.replace("a: 1, ", "", 1), "lost: providers.a. "),
    (OLD.replace("a: 1, ", ""), "lost: providers.a, rate_limit_settings.limits.a. "),
    (OLD.replace("[1, 2]", "[1]"), "lost: patterns (its entries 2). "),
    (OLD.replace("patterns: [1, 2]", "patterns: []"), "lost: patterns (its entries 1, 2). "),
    (OLD.replace("a: 1, ", "other: 1, ", 1), ""),  # kept.yaml declares it: it is not lost
]


@pytest.mark.parametrize(("new", "words"), REPLACING)
def test_a_file_that_takes_entries_away_is_refused(registry: Path, new: str, words: str) -> None:
    (registry / "a.yaml").write_text(OLD + "x-mine: 1\n")
    if "other" in new:
        (registry / "kept.yaml").write_text("providers: {a: 1}\n")
    (registry.parent / "a.yaml").write_text(new)
    _, problems = load_registry("registry", ["a.yaml"])
    told = [(str(p.place), p.code) for p in problems]
    assert told == ([("a.yaml:1:1", "file-replaces-entries")] if words else [])
    assert words in " ".join(f"{problem} " for problem in problems)


def test_what_cannot_be_read_takes_nothing_away(registry: Path) -> None:
    (registry / "a.yaml").write_text(OLD)
    (registry.parent / "a.yaml").write_text("providers: [\n")
    _, problems = load_registry("registry", ["a.yaml"])
    assert [problem.code for problem in problems] == ["yaml-syntax"]


def test_a_file_elsewhere_has_the_name_that_was_given(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("a: [\n")
    _, problems = load_registry(str(tmp_path))
    assert problems[0].place.file == str(tmp_path / "lab.yaml")


def test_all_files_are_judged_at_once(registry: Path) -> None:
    (registry / "a.yaml").write_text("a: [\n")
    (registry / "b.yaml").write_text("a: !x 1\nb: 0100\n")
    (registry / "c.yaml").write_bytes(b"\xff\xfe\x00")
    _, problems = load_registry("registry")
    assert [problem.code for problem in problems] == [
        "yaml-syntax", "yaml-tag", "surprising-value", "not-text",
    ]  # fmt: skip


def test_comments_alone_are_a_template_and_only_warned_of(registry: Path) -> None:
    (registry / "a.yaml").write_text("# providers:\n")
    _, problems = load_registry("registry")
    assert [(problem.code, problem.severity) for problem in problems] == [("empty-file", "warning")]


def test_without_pyyaml_there_is_a_problem_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "HAS_YAML", False)
    root, problems = load_registry(str(VALID))
    assert root == {}
    assert [problem.code for problem in problems] == ["no-yaml"]
