# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was started on a host is remembered: what is another is seen, told, and restarted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import service_drift
from ansible_collections.lab.llm.plugins.module_utils.host.started_with import (
    Ingredients,
    differing,
    forget,
    known_units,
    remember,
)
from ansible_collections.lab.llm.plugins.module_utils.host.units import HEADER, environment_file
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import State
from ansible_collections.lab.llm.plugins.module_utils.host.user_units import (
    SECRETS,
    UNITS,
    Unit,
    converge,
)

NAME = "llama-server-p.service"
TEXT = f"{HEADER}\n[Service]\nExecStart=:/bin/x --port 8080\n"
KEY = {"LLAMA_API_KEY": "sk-a-key-of-ours"}


class Running:
    """A user's systemd in which everything runs."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def states(self, names: list[str]) -> dict[str, State]:
        up = {"ActiveState": "active", "UnitFileState": "enabled", "DropInPaths": "/h/.config/x"}
        return {name: State(name, up) for name in names}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one unit as it was started: with a key, a model and a program."""
    (tmp_path / UNITS).mkdir(parents=True)
    (tmp_path / SECRETS).mkdir(parents=True)
    (tmp_path / UNITS / NAME).write_text(TEXT)
    (tmp_path / "model").write_text("weights")
    env = tmp_path / SECRETS / f"{NAME}.env"
    env.write_text(environment_file(KEY))
    env.chmod(0o600)
    remember(tmp_path, NAME, Ingredients(TEXT, KEY, watch=(str(tmp_path / "model"),)))
    return tmp_path


def seen(home: Path) -> dict[str, Any]:
    return service_drift.look(home, Running(), {NAME: 0}, "llama-server-*.service")  # type: ignore[arg-type]


def test_what_is_as_it_was_started_is_no_difference(home: Path) -> None:
    assert differing(home, NAME, TEXT, environment_file(KEY)) == {}
    [row] = seen(home)["units"]
    assert (row["file"], row["was"], row["secrets"], row["mode"], row["watch"]) == (
        ("ours", None, False, "", [])
    )
    assert row["drop_ins"] == ["/h/.config/x"]


def test_what_is_remembered_holds_no_secret(home: Path) -> None:
    records = [p.read_text() for p in (home / ".local/state/lab-llm/units").iterdir()]
    assert len(records) == 1
    assert "sk-a-key" not in records[0]


def test_each_of_its_files_is_looked_at(home: Path) -> None:
    (home / UNITS / NAME).write_text(TEXT.replace("8080", "8081"))
    (home / SECRETS / f"{NAME}.env").write_text(environment_file({"LLAMA_API_KEY": "other"}))
    (home / SECRETS / f"{NAME}.env").chmod(0o644)
    (home / "model").write_text("other weights")
    [row] = seen(home)["units"]
    assert (row["was"], row["secrets"], row["mode"]) == (TEXT, True, "0644")
    assert row["watch"] == [f"{home / 'model'} is another file"]
    (home / "model").unlink()
    (home / UNITS / NAME).unlink()
    [row] = seen(home)["units"]
    assert (row["file"], row["watch"]) == ("gone", [f"{home / 'model'} is gone"])


def test_of_an_older_record_nothing_is_known_and_nothing_is_said(home: Path) -> None:
    (home / f".local/state/lab-llm/units/{NAME}.json").write_text('{"salt": "", "sum": "x"}')
    assert differing(home, NAME, "another", None) == {}


def test_what_was_removed_is_forgotten_and_what_is_ours_is_left_over(home: Path) -> None:
    (home / UNITS / "llama-server-q.service").write_text(TEXT)
    assert seen(home)["leftover"] == ["llama-server-q.service"]
    assert known_units(home) == [NAME]
    forget(home, NAME)
    assert known_units(home) == []


@pytest.mark.parametrize(
    ("text", "done"),
    [(TEXT, {}), (TEXT.replace("8080", "8081"), {NAME: ["written", "restarted"]})],
)
def test_a_unit_that_somebody_has_edited_is_restarted_for_they_may_have(
    home: Path, text: str, done: dict[str, list[str]]
) -> None:
    (home / UNITS / NAME).write_text(text)
    unit = Unit(NAME, TEXT, KEY, environment_file(KEY), watch=(str(home / "model"),))
    manager: Any = Running()
    assert converge([unit], home, manager, check=True).actions == done


def test_permissions_alone_restart_nothing(home: Path) -> None:
    (home / SECRETS / f"{NAME}.env").chmod(0o644)
    unit = Unit(NAME, TEXT, KEY, environment_file(KEY), watch=(str(home / "model"),))
    manager: Any = Running()
    assert converge([unit], home, manager, check=True).actions == {NAME: ["secrets written"]}
