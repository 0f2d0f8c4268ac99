# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commit of a registry, with the real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.commit import commit_of


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True)


def test_a_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    registry.mkdir()
    assert commit_of(str(registry)) == ""
    git(tmp_path, "init", "--quiet")
    assert commit_of(str(registry)) == ""
    (registry / "a.yaml").write_text("providers: {}")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    head = commit_of(str(registry))
    assert len(head) == 12
    (tmp_path / "elsewhere").write_text("")
    assert commit_of(str(registry)) == head
    (registry / "b.yaml").write_text("")
    assert commit_of(str(registry)) == f"{head}+"


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(str(tmp_path)) == ""
