"""docs/registry.md says what the schemas say, and its example is a registry without a problem."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.lab.llm.plugins.module_utils import compile as compiler

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "registry.md").read_text()


def test_the_page_is_the_one_that_the_schemas_give() -> None:
    tool = ROOT / "tests" / "tools" / "registry_reference.py"
    written = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=True)
    assert written.stdout == PAGE, "run: python tests/tools/registry_reference.py --write"


def test_the_example_compiles(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.M | re.S)
    (tmp_path / "registry.yaml").write_text(example)
    result = compiler.compile_registry(str(tmp_path), compiler.Inventory())
    assert result.problems == []
    assert [route.name for route in result.routes.routes.values()] == ["gpt-4", "llama3.1"]


def test_the_schema_that_editors_are_told_of_is_there() -> None:
    (path,) = re.findall(r"\$schema=(\S+)", PAGE)
    for registry in (ROOT / "inventories").glob("*/registry"):
        assert (registry / path).resolve() == ROOT / "schemas" / "registry.schema.json"
