"""Problems as people and machines read them, and their page: every code has its section there."""

from __future__ import annotations

import ast
import json
import re
import time
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils import compile as compiler
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import (
    WARNING,
    Place,
    Problem,
    has_errors,
    in_order,
    nearest,
)

ROOT = Path(__file__).parents[2]
CORE = ROOT / "plugins" / "module_utils"
PAGE = (ROOT / "docs" / "problems.md").read_text()
SECTIONS = {
    part.partition("\n")[0].strip(): part for part in re.split(r"^### ", PAGE, flags=re.M)[1:]
}
HOSTS = {"gw": "10.0.0.1", "gpu01": "10.0.0.2", "gpu02": "10.0.0.3"}
HOSTS["gpu_by_name"] = "gpu03.lab"
INVENTORY = compiler.Inventory({"gateway": ["gw"], "gpu_hosts": ["gpu01", "gpu02"]}, HOSTS)

# What cannot be shown as YAML text; tests/unit/test_mistakes.py shows it as files.
NO_TEXT = {"no-registry", "unreadable-file", "not-text", "no-yaml"}
NO_TEXT |= {"bad-file-name", "file-replaces-entries"}  # tests/unit/test_load.py
NO_TEXT |= {"stale-page"}  # tests/unit/test_provider_page.py
NO_TEXT |= {"counted-by-each"}  # tests/unit/test_policy_rules.py


def codes_in_use() -> set[str]:
    """The codes that problems are made with: texts of that form in the files that make them."""
    files = [*CORE.glob("routing/rules/*.py"), *CORE.glob("registry/load*.py")]
    files += [*CORE.glob("registry/schema*.py"), *CORE.glob("registry/yaml_*.py")]
    files += [CORE / "provider_page/page.py"]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for file in (ROOT / "schemas").glob("*.json"):
        found.update(re.findall(r'"x-(?:problem|unknown)": "([^"]+)"', file.read_text()))
    return {text for text in found if re.fullmatch(r"(?!x-)[a-z]+(-[a-z]+)+", text)}


def test_every_code_has_a_section_and_every_section_a_code() -> None:
    assert codes_in_use() == set(SECTIONS)


def examples(code: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", SECTIONS[code], flags=re.M | re.S)


def problems_of(text: str, directory: Path) -> list[Problem]:
    (directory / "registry.yaml").write_text(text)
    return compiler.compile_registry(str(directory), INVENTORY).problems


@pytest.mark.parametrize("code", sorted(set(SECTIONS) - NO_TEXT))
def test_the_example_gives_the_problem_and_its_mend_does_not(code: str, tmp_path: Path) -> None:
    wrong, right = examples(code)
    found = [problem for problem in problems_of(wrong, tmp_path) if problem.code == code]
    assert found
    always_warns = "It is a warning" in SECTIONS[code]
    assert always_warns == (found[0].severity == WARNING) or code == "empty-file"
    mended = problems_of(right, tmp_path)
    assert not has_errors(mended), mended
    assert code not in {problem.code for problem in mended}


def test_a_problem_reads_as_one_line() -> None:
    place = Place("registry/lab.yaml", 12, 5)
    problem = Problem(
        place, "unknown-provider", "gpt-4 names 'olama'; no such provider", "", "ollama"
    )
    assert str(problem) == (
        "registry/lab.yaml:12:5: error[unknown-provider]: gpt-4 names 'olama'; no such provider. "
        "Did you mean 'ollama'?"
    )
    assert "Expected: text." in str(Problem(place, "wrong-type", "a is 1", "text"))
    assert "Expected" not in str(Problem(place, "unknown-key", "no key", "Write `b` instead."))


def test_a_problem_is_flat_and_json_ready() -> None:
    problem = Problem(Place("a.yaml", 1, 2), "bad-value", "a is 'b'", "c", "d", WARNING)
    assert json.loads(json.dumps(problem.as_dict())) == {
        "file": "a.yaml", "line": 1, "column": 2, "severity": "warning", "code": "bad-value",
        "message": "a is 'b'", "expected": "c", "suggestion": "d",
    }  # fmt: skip


def test_problems_are_in_the_order_of_their_places_and_each_once() -> None:
    late, early = (Problem(Place("a.yaml", line, 1), "bad-value", "x") for line in (10, 2))
    other = Problem(Place("b.yaml", 1, 1), "bad-value", "x", severity=WARNING)
    assert in_order([late, other, early, late]) == [early, late, other]
    assert has_errors([other, late])
    assert not has_errors([other])


@pytest.mark.parametrize(
    ("word", "near"), [("olama", "ollama"), ("vlm", "vllm"), ("zzz", ""), ("", "")]
)
def test_the_nearest_word(word: str, near: str) -> None:
    assert nearest(word, ["ollama", "vllm", "openai"]) == near


def test_the_nearest_of_many_words_is_found_and_fast() -> None:
    names = [f"model-{number}" for number in range(20_000)]
    begun = time.perf_counter()
    for number in range(0, 2_000):
        assert nearest(f"modl-{number}", names) == f"model-{number}"
    assert nearest("zzz", names) == ""
    assert time.perf_counter() - begun < 20  # comparing all with all takes an hour
