"""docs/import.md shows what an import really says and writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.importing.effects import EFFECTS
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import import_config
from ansible_collections.lab.llm.plugins.module_utils.importing.kinds import KINDS
from ansible_collections.lab.llm.plugins.module_utils.importing.report import as_text

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
BLOCKS = re.findall(r"^```(?:yaml|text)\n(.*?)^```$", PAGE, flags=re.M | re.S)
NEXT = "Next: ansible-playbook playbooks/check.yml -e llm_registry=registry"


def test_the_example_is_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("litellm.yaml").write_text(BLOCKS[0])
    result = import_config(["litellm.yaml"])
    assert as_text(result, "registry", NEXT) == BLOCKS[1].rstrip("\n")
    assert [result.files["providers.yaml"], result.files["model-mappings.yaml"]] == BLOCKS[2:4]


def test_every_finding_stands_on_the_page_under_what_becomes_of_it() -> None:
    parts = re.split(r"^### ", PAGE, flags=re.M)
    sections = {title: text for title, _line, text in (part.partition("\n") for part in parts)}
    assert [title for title in sections if title in EFFECTS.values()] == [*EFFECTS.values()]
    for code, kind in KINDS.items():
        assert f"| `{code}` | {kind.today} | {kind.instead} |" in sections[EFFECTS[kind.effect]]
    assert len(re.findall(r"^\| `[a-z-]+` \|", PAGE, flags=re.M)) == len(KINDS)
