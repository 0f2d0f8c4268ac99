"""The examples of README and docs/ are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HOSTS = Inventory(
    groups={"all": ["gateway1", "gpu01", "gpu02"], "gateway": ["gateway1"]},
    addresses={"gateway1": "10.0.0.10", "gpu01": "10.0.0.11", "gpu02": "10.0.0.12"},
)


def registries() -> list[tuple[str, str]]:
    """Each ```yaml block whose first line is "# registry/NAME.yaml"."""
    found = []
    for page in PAGES:
        for number, text in enumerate(
            re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M)
        ):
            if text.startswith("# registry/"):
                found.append((f"{page.name}-{number}", text))
    return found


def test_the_readme_shows_a_registry() -> None:
    assert any(name.startswith("README") for name, _ in registries())


@pytest.mark.parametrize(("name", "text"), registries(), ids=[n for n, _ in registries()])
def test_a_registry_that_is_shown_compiles(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(text)
    compiled = compile_registry(str(tmp_path), HOSTS)
    assert not has_errors(compiled.problems), "\n".join(map(str, compiled.problems))
    assert compiled.routes.routes


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_commands_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"playbooks/[a-z_/]+\.yml", page.read_text()))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_hosts_that_hang_are_given_up_as_the_page_has_it() -> None:
    (line,) = re.findall(r"^ssh_args = .+$", (ROOT / "docs/fleet.md").read_text(), re.MULTILINE)
    assert line in (ROOT / "ansible.cfg").read_text().splitlines()


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [
        p.name for p in (ROOT / "playbooks").glob("*.yml") if f"playbooks/{p.name}" not in text
    ]
    assert missing == []
