"""What docs/explain.md shows is what explain says; LAB_LLM_REGENERATE=1 writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_report import report

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"
SHOWN = re.compile(
    r"^```console\n\$ ansible-playbook playbooks/explain.yml (.*)\n([^`]*)```$", re.M
)


@pytest.fixture
def explainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explainer:
    (tmp_path / "registry").mkdir()
    text = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), flags=re.M | re.S)[0]
    (tmp_path / "registry/lab.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    compiled = compile_registry("registry", Inventory())
    assert compiled.gateway_config, "\n".join(map(str, compiled.problems))
    return Explainer(compiled.gateway_config, compiled.rules)


def said(explainer: Explainer, options: str) -> str:
    given = dict(option.split("=", 1) for option in options.split("-e ") if option)
    down = [word for word in given.get("down", "").strip().split(",") if word]
    lines = report(explainer, given.get("model", "").strip(), down)["lines"]
    return "".join(f"{line}\n" for line in lines)


def test_every_example_is_what_explain_says(explainer: Explainer) -> None:
    text = PAGE.read_text()
    if os.environ.get("LAB_LLM_REGENERATE"):
        text = re.sub(
            r"^@@(.*)@@$",
            r"```console\n$ ansible-playbook playbooks/explain.yml \1\n```",
            text,
            flags=re.M,
        )
        command = "$ ansible-playbook playbooks/explain.yml"
        text = SHOWN.sub(
            lambda one: f"```console\n{command} {one[1]}\n{said(explainer, one[1])}```", text
        )
        PAGE.write_text(text)
    shown = SHOWN.findall(text)
    assert len(shown) > 5
    for options, lines in shown:
        assert said(explainer, options) == lines, options


def test_every_key_is_on_the_page(explainer: Explainer) -> None:
    text = PAGE.read_text()
    told = explainer.explain("chat").as_dict()
    hidden = {"name", "down", "tags", "agent", "kind", "strategy"}
    assert [key for key in told if f"`{key}`" not in text and key not in hidden] == []


def test_no_line_is_wider_than_a_terminal(explainer: Explainer) -> None:
    for options, lines in SHOWN.findall(PAGE.read_text()):
        assert max(map(len, lines.splitlines())) <= 104, options
