# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large venvs that are seen to be whole at every run. A stand-in for uv puts two packages there."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import python_venv
from ansible_collections.lab.llm.plugins.module_utils.host.python_venv import Venv, ensure
from ansible_collections.lab.llm.plugins.module_utils.host.venvs import VenvError
from ansible_collections.lab.llm.plugins.module_utils.host.wheels import only_from
from ansible_collections.lab.llm.plugins.modules.venv import bring

SITE = "lib/python3.11/site-packages"
PACKAGES = {"one": b"ONE = 1\n", "two": b"TWO = 2\n"}


def filled(_uv: str, _wish: Venv, venv: Path, _anew: bool) -> None:
    """What uv does: each package with the list of its files."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").write_text("#!/bin/sh\n")
    for name, code in PACKAGES.items():
        info = venv / SITE / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (venv / SITE / f"{name}.py").write_bytes(code)
        digest = base64.urlsafe_b64encode(hashlib.sha256(code).digest()).rstrip(b"=").decode()
        record = f"{name}.py,sha256={digest},{len(code)}\n{name}-1.dist-info/RECORD,,\n"
        (info / "RECORD").write_text(record)


@pytest.fixture
def wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Venv:
    monkeypatch.setattr(python_venv, "_fill", filled)
    monkeypatch.setattr(python_venv, "_uv", lambda _wish: "uv")
    made = Venv("tools", tmp_path / "tools", requirements="one==1", uv="uv==1")
    assert ensure(made, check=False).changed
    return made


def test_a_second_run_changes_nothing(wish: Venv) -> None:
    before = (wish.path / python_venv.RECORD).read_bytes()
    assert not ensure(wish, check=False).changed
    assert (wish.path / python_venv.RECORD).read_bytes() == before


def test_a_new_time_stamp_alone_is_noted_and_mends_nothing(wish: Venv) -> None:
    (wish.path / SITE / "one.py").touch()
    before = (wish.path / python_venv.RECORD).read_bytes()
    assert not ensure(wish, check=True).changed
    assert (wish.path / python_venv.RECORD).read_bytes() == before
    assert not ensure(wish, check=False).changed
    assert (wish.path / python_venv.RECORD).read_bytes() != before


def changed(path: Path) -> None:
    path.write_bytes(b"ONE = 7\n")


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00\xfe")


def sizeless(path: Path) -> None:
    path.write_text(path.read_text().replace(",8", ",eight"))


DAMAGE: list[tuple[str, Any, str]] = [
    (f"{SITE}/one.py", changed, "one.py is missing or was changed"),
    (f"{SITE}/one.py", Path.unlink, "one.py is missing or was changed"),
    (f"{SITE}/one-1.dist-info/RECORD", garbage, "RECORD is missing or was changed"),
    (f"{SITE}/one-1.dist-info/RECORD", sizeless, "RECORD is missing or was changed"),
    (f"{SITE}/one-1.dist-info/RECORD", Path.unlink, "RECORD is missing or was changed"),
    (f"{SITE}/two-1.dist-info", shutil.rmtree, "RECORD is missing or was changed"),
    ("lib", shutil.rmtree, "RECORD is missing or was changed"),
    ("bin/python", Path.unlink, "its Python is gone"),
]


@pytest.mark.parametrize(("place", "damage", "word"), DAMAGE)
def test_what_is_damaged_is_made_anew(wish: Venv, place: str, damage: Any, word: str) -> None:
    damage(wish.path / place)
    assert word in ensure(wish, check=True).before
    assert ensure(wish, check=False).changed
    assert not ensure(wish, check=False).changed


def test_what_two_packages_bring_each_in_its_own_way_is_no_damage(
    wish: Venv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(*given: Any) -> None:
        filled(*given)
        (given[2] / SITE / "one.py").write_bytes(b"of another wheel")

    monkeypatch.setattr(python_venv, "_fill", both)
    (wish.path / "bin/python").unlink()
    assert ensure(wish, check=False).changed
    (wish.path / SITE / "two.py").touch()
    assert not ensure(wish, check=False).changed


def test_a_failure_leaves_the_earlier_one(wish: Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        filled(*given)
        raise VenvError("no index")

    monkeypatch.setattr(python_venv, "_fill", fails)
    (wish.path / SITE / "one.py").unlink()
    with pytest.raises(VenvError, match="no index"):
        ensure(wish, check=False)
    assert (wish.path / SITE / "two.py").exists()
    assert not wish.path.with_name(".tools.new").exists()


def test_what_was_made_before_a_failure_is_a_change(wish: Venv, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    theirs = Venv("theirs", tmp_path / "theirs", requirements="one==1", uv="uv==1")
    (wish.path / "bin/python").unlink()
    found = bring([wish, theirs], "/home/llm", False)
    assert (found["failed"], found["changed"]) == (True, True)
    assert found["msg"].startswith("theirs: ")
    assert bring([wish, theirs], "/home/llm", False)["changed"] is False


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    with pytest.raises(VenvError, match="was not made by us"):
        ensure(Venv("tools", tmp_path / "tools", requirements="one==1", uv="uv==1"), check=True)


def packed(folder: Path, **wheels: bytes) -> int:
    """A tar of wheels, as it is handed over: an open file."""
    place = folder / "wheels.tar"
    with tarfile.open(place, "w") as tar:
        for name, data in wheels.items():
            info = tarfile.TarInfo(f"{name}.whl")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return os.open(place, os.O_RDONLY)


def test_wheels_that_are_handed_over_are_the_only_ones(tmp_path: Path) -> None:
    before = dict(os.environ)
    with only_from(packed(tmp_path, a=b"one"), tmp_path / "home"):
        folder = Path(os.environ["PIP_FIND_LINKS"])
        assert (folder / "a.whl").read_bytes() == b"one"
        assert os.environ["UV_NO_INDEX"] == os.environ["PIP_NO_INDEX"] == "1"
    assert dict(os.environ) == before
    assert not folder.exists()


def test_wheels_that_did_not_come_whole_are_a_sentence(tmp_path: Path) -> None:
    os.close(packed(tmp_path, a=b"one" * 10_000))
    os.truncate(tmp_path / "wheels.tar", 5_000)
    archive = os.open(tmp_path / "wheels.tar", os.O_RDONLY)
    with (
        pytest.raises(VenvError, match="the wheels of the bundle did not come whole"),
        only_from(archive, tmp_path / "home"),
    ):
        pass
    assert [*(tmp_path / "home").iterdir()] == []


def test_a_disk_without_room_for_the_wheels_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with (
        pytest.raises(VenvError, match=r"no space in .*/home: there is not enough room"),
        only_from(packed(tmp_path, a=b"one"), tmp_path / "home"),
    ):
        pass
    assert [*(tmp_path / "home").iterdir()] == []
