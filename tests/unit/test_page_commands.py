# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page and the commit as ansible-playbook does them; no host is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = "all: {children: {gateway: {hosts: {gw1: {ansible_host: 10.0.0.10}}}}}\n"
REGISTRY = """
providers:
  gpu: {type: vllm, base_url: "http://10.0.0.1:8000", description: Large, models: [a]}
  spare: {type: vllm, base_url: "http://10.0.0.2:8000", models: [a]}
"""
COMMIT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Record
      lab.llm.registry_commit: {options}
      register: told
    - name: Say what came of it
      ansible.builtin.debug: {{msg: "{{{{ told | to_json }}}}"}}
"""


class Lab:
    """An inventory with a registry beside it, in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, folder / "registry"
        self.registry.mkdir()
        (folder / "hosts.yml").write_text(HOSTS)
        (self.registry / "lab.yaml").write_text(REGISTRY)

    def play(self, playbook: str, *more: str) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "NO_COLOR": "1"}
        return subprocess.run(
            [program, "-i", str(self.folder / "hosts.yml"), playbook, *more],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**environment, "ANSIBLE_HOME": str(self.folder / "home")},
        )

    def record(self, **options: object) -> dict[str, object]:
        play = self.folder / "play.yml"
        play.write_text(COMMIT.format(options=json.dumps(options)))
        done = self.play(str(play))
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout[done.stdout.index("{") :]))

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_the_page_is_written_once_and_check_says_when_it_is_stale(lab: Lab) -> None:
    page = lab.registry / "providers.md"
    planned = lab.play("playbooks/docs.yml", "--check", "--diff")
    assert "+# Providers" in planned.stdout
    assert not page.exists()
    first = lab.play("playbooks/docs.yml")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.rstrip().endswith("providers.md: written")
    assert "`http://10.0.0.1:8000`" in page.read_text()
    assert lab.play("playbooks/docs.yml").stdout.rstrip().endswith("current already")
    assert "stale-page" not in lab.play("playbooks/check.yml").stdout
    (lab.registry / "lab.yaml").write_text(REGISTRY.replace("Large", "Larger"))
    found = lab.play("playbooks/check.yml")
    assert found.returncode == 0
    assert "providers.md:1:1: warning[stale-page]" in found.stdout
    new = lab.folder / "new.yaml"
    new.write_text("providers:\n  x: {type: vllm, base_url: 'http://10.0.0.3:1', models: [a]}\n")
    assert "stale-page" not in lab.play("playbooks/check.yml", "-e", f"file={new}").stdout


def test_the_page_may_stand_elsewhere_but_in_nobodys_place(lab: Lab) -> None:
    elsewhere = lab.folder / ".serena/memories/02-provider-registry.md"
    done = lab.play(
        "playbooks/docs.yml", "-e", f"llm_provider_page={elsewhere}", "-e", "format=json"
    )
    told = json.loads(done.stdout)
    assert (told["ok"], told["changed"], told["page"]) == (True, True, str(elsewhere))
    assert told["undocumented"]["spare"][0] == "description"
    assert elsewhere.read_text().startswith("<!-- Written by lab.llm")
    elsewhere.write_text("# Mine\n")
    refused = lab.play("playbooks/docs.yml", "-e", f"llm_provider_page={elsewhere}")
    assert refused.returncode != 0
    assert "was not written by lab.llm, so it stays as it is" in refused.stdout
    assert elsewhere.read_text() == "# Mine\n"


def test_the_change_is_committed_and_tagged_or_why_not(lab: Lab) -> None:
    assert "is in no git repository" in str(lab.record(files=[])["problem"])
    lab.git("init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "A"), ("user.email", "a@lab"), ("commit.gpgsign", "0")):
        lab.git("config", name, value)
    (lab.folder / ".gitignore").write_text("/home\n")
    lab.git("add", "hosts.yml", ".gitignore")
    lab.git("commit", "--quiet", "-m", "Begin")
    files = [str(lab.registry / "lab.yaml")]
    done = lab.record(files=files, message="Add gpu", tag="llm-generation-1")
    assert done["committed"]
    assert done["changed"]
    assert done["commit"] == lab.git("rev-parse", "--short=12", "llm-generation-1^{commit}")
    again = lab.record(files=files, message="Add gpu", tag="llm-generation-1")
    assert (again["changed"], again["commit"], again["problem"]) == (False, done["commit"], "")
    (lab.registry / "lab.yaml").write_text("# half done\n" + REGISTRY)
    play = lab.folder / "play.yml"
    play.write_text(COMMIT.format(options=json.dumps({"prepare": True, "unchanged": files})))
    refused = lab.play(str(play))
    assert refused.returncode != 0
    assert "Nothing was done: " in refused.stdout
    assert "lab.yaml has changes that are not committed" in refused.stdout
