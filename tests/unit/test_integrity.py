# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was written to the host is there as it was written, or is told and written anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import install
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.integrity import altered

CONTENT = Content(
    files={"config.yaml": "model_list: []\n", "program/launcher.py": "pass\n", "registry/a": "x"},
    venv="0123456789abcdef",
    units={"litellm.socket": "[Socket]\n"},
    variables=("A_KEY",),
    secrets="mark",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "gateway")
    store.prepare()
    store.switch(store.stage(CONTENT, {}))
    for folder in ("", "units", "program", "registry"):
        (store.folder / "1" / folder).chmod(0o700)  # as root, who can do anything
    return store


def files(store: Store) -> list[str]:
    return [one["file"] for one in altered(store.folder / "1", store.manifest(1))]


def test_what_nobody_has_changed_is_used_again(store: Store) -> None:
    assert files(store) == []
    assert store.same(CONTENT.digest()) == 1


@pytest.mark.parametrize("file", ["config.yaml", "units/litellm.socket", "program/new.py"])
def test_what_somebody_has_changed_is_told_and_not_used_again(store: Store, file: str) -> None:
    (store.folder / "1" / file).unlink(missing_ok=True)
    (store.folder / "1" / file).write_text("another\n")
    assert files(store) == [file]
    assert store.same(CONTENT.digest()) is None


def test_what_somebody_has_removed_is_told(store: Store) -> None:
    (store.folder / "1" / "program/launcher.py").unlink()
    (store.folder / "1" / "venv").unlink()
    assert files(store) == ["program/launcher.py", "venv"]


def test_what_python_compiles_is_no_change(store: Store) -> None:
    (store.folder / "1/program/__pycache__").mkdir()
    (store.folder / "1/program/__pycache__/x.pyc").write_text("")
    assert files(store) == []


def test_a_manifest_with_another_hash_is_told(store: Store) -> None:
    manifest = dataclasses.replace(store.manifest(1), secrets="another")
    found = altered(store.folder / "1", manifest)
    assert [one["file"] for one in found] == ["manifest.json"]


def test_the_program_is_what_its_command_line_imports() -> None:
    import ansible_collections.lab.llm.plugins.module_utils.gateway.history  # noqa: F401

    found = install.sources()
    assert "lab_llm/gateway/cli.py" in found
    assert "lab_llm/host/user_manager.py" in found
    assert "lab_llm/gateway/history.py" not in found  # whatever else is loaded


def test_a_program_that_somebody_has_changed_is_written_anew(tmp_path: Path) -> None:
    wanted = {"a.py": "one\n", "b/c.py": "two\n"}
    install.place(tmp_path, "v1", wanted)
    (tmp_path / "v1/b").chmod(0o700)
    (tmp_path / "v1/b/c.py").unlink()
    (tmp_path / "v1/b/c.py").write_text("another\n")
    assert not install.is_whole(tmp_path / "v1", wanted)
    install.place(tmp_path, "v1", wanted)
    assert install.is_whole(tmp_path / "v1", wanted)
