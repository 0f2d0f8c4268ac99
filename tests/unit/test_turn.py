# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only one generation at a time accepts in public, whoever is slow to leave."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parents[2] / "roles/gateway/files/program/place.py"


def turn(base: Path, number: int) -> Any:
    """A worker's, of this generation."""
    program = base / "generations" / str(number) / "program"
    program.mkdir(parents=True, exist_ok=True)
    shutil.copy(PLACE, program)
    spec = importlib.util.spec_from_file_location(f"place_{number}", program / "place.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Turn()


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_one_generation_waits_for_all_workers_of_the_other(base: Path) -> None:
    one, other_worker, two = turn(base, 1), turn(base, 1), turn(base, 2)
    assert (one.take(), other_worker.take()) == (True, True)
    assert not two.take()
    one.give()
    assert not two.take()
    other_worker.give()
    assert two.take()
    assert not one.take()


def test_who_did_not_get_it_is_in_nobodys_way(base: Path) -> None:
    one, two = turn(base, 1), turn(base, 2)
    assert one.take()
    assert not two.take()
    assert one.take()
