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


REGISTRY = re.compile(r"^```yaml\n(# registry/lab.yaml\n.*?)^```$", flags=re.M | re.S)
INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.9", "gpu01": "10.0.0.11"})
SLOTS = "### One that waits in a slot"  # has a registry of its own


def explainers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Explainer]:
    (tmp_path / "registry").mkdir()
    monkeypatch.chdir(tmp_path)
    found = []
    for text in REGISTRY.findall(PAGE.read_text()):
        (tmp_path / "registry/lab.yaml").write_text(text)
        one = compile_registry("registry", INVENTORY)
        assert one.gateway_config, "\n".join(map(str, one.problems))
        found.append(Explainer(one.gateway_config, one.rules, one.waiting))
    return found


@pytest.fixture
def explainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explainer:
    return explainers(tmp_path, monkeypatch)[0]


def said(explainer: Explainer, options: str) -> str:
    given = dict(option.split("=", 1) for option in options.split("-e ") if option)
    down = [word for word in given.get("down", "").strip().split(",") if word]
    lines = report(explainer, given.get("model", "").strip(), down)["lines"]
    return "".join(f"{line}\n" for line in lines)


def parts(text: str) -> list[str]:
    """The page around what is about slots."""
    before, of_slots = text.split(SLOTS)
    inside, after = of_slots.split("\n## ", 1)
    return [before, f"{SLOTS}{inside}", f"\n## {after}"]


def test_every_example_is_what_explain_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, slots = explainers(tmp_path, monkeypatch)
    told = parts(PAGE.read_text())
    if os.environ.get("LAB_LLM_REGENERATE"):
        told = [written(*both) for both in zip(told, (usual, slots, usual), strict=True)]
        PAGE.write_text("".join(told))
    for text, explainer in zip(told, (usual, slots, usual), strict=True):
        shown = SHOWN.findall(text)
        assert len(shown) > 1
        for options, lines in shown:
            assert said(explainer, options) == lines, options


def written(text: str, explainer: Explainer) -> str:
    command = "$ ansible-playbook playbooks/explain.yml"
    text = re.sub(r"^@@(.*)@@$", rf"```console\n{command} \1\n```", text, flags=re.M)
    return SHOWN.sub(
        lambda one: f"```console\n{command} {one[1]}\n{said(explainer, one[1])}```", text
    )


def test_every_key_is_on_the_page(explainer: Explainer) -> None:
    text = PAGE.read_text()
    told = explainer.explain("chat").as_dict()
    hidden = {"name", "down", "tags", "agent", "kind", "strategy"}
    assert [key for key in told if f"`{key}`" not in text and key not in hidden] == []


def test_no_line_is_wider_than_a_terminal(explainer: Explainer) -> None:
    for options, lines in SHOWN.findall(PAGE.read_text()):
        assert max(map(len, lines.splitlines())) <= 104, options
