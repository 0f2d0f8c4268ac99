"""The report's text and JSON, over one result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.report import as_json, as_text

GOOD = """
providers:
  ollama:
    type: ollama
    base_url: http://10.0.0.1:11434
    models: [llama3.1, {name: mistral}]
exact_matches:
  gpt-4: {provider: ollama, backend_model: llama3.1, fallback: mistral}
"""


def report(tmp_path: Path, text: str) -> tuple[str, dict[str, object]]:
    (tmp_path / "lab.yaml").write_text(text)
    compiled = compile_registry(str(tmp_path), Inventory(groups={}, addresses={}))
    problems = compiled.problems
    return as_text(problems, compiled, "lab"), json.loads(as_json(problems, compiled, "lab"))


def test_a_good_registry_says_what_is_in_it(tmp_path: Path) -> None:
    text, document = report(tmp_path, GOOD)
    assert text.splitlines()[-1].startswith("lab: ok, 1 provider, 2 models, 3 routes")
    assert document["ok"] is True
    assert [route["name"] for route in document["routes"]] == ["gpt-4", "llama3.1", "mistral"]


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("provider: ollama", "provider: olama", "unknown-provider", 8),
        ("fallback: mistral", "fallback: mistrel", "unknown-fallback", 8),
        ("type: ollama", "type: olama", "unknown-provider-type", 4),
    ],
)
def test_a_bad_one_says_where_and_what_instead(
    tmp_path: Path, old: str, new: str, code: str, line: int
) -> None:
    text, document = report(tmp_path, GOOD.replace(old, new))
    problem = next(p for p in document["problems"] if p["code"] == code)
    assert (problem["line"], problem["suggestion"]) == (line, old.split()[-1])
    assert document["ok"] is False
    assert "routes" not in document
    assert f"lab.yaml:{line}:{problem['column']}: error[{code}]: " in text
    last = text.splitlines()[-1]
    assert last.startswith("lab: 1 error")
    assert last.endswith("No host was touched.")
