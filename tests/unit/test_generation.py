# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations, secrets and venvs as files. The hand-over has a test of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import secrets_file, venvs
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import (
    GenerationError,
    Store,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.lock import LockedError, locked
from ansible_collections.lab.llm.plugins.module_utils.gateway.manager import GatewayManager
from ansible_collections.lab.llm.plugins.module_utils.gateway.venv import (
    Lock,
    VenvError,
    have,
    install,
)
from ansible_collections.lab.llm.plugins.module_utils.host.units import environment_file
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import ManagerError
from ansible_collections.lab.llm.plugins.module_utils.host.venvs import run

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
    return store


def serve(store: Store, content: Content = CONTENT) -> int:
    number = store.stage(content, {})
    store.switch(number)
    store.record(number, "live")
    return number


def test_a_generation_is_whole_and_sealed(store: Store) -> None:
    number = store.stage(CONTENT, {"litellm": "1.106.2", "by": "me"})
    folder = store.folder / str(number)
    assert (folder / "config.yaml").read_text() == "model_list: []\n"
    assert str((folder / "venv").readlink()) == "../../venvs/0123456789abcdef"
    for path in (folder, folder / "program", folder / "registry"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o500
    assert stat.S_IMODE((folder / "manifest.json").stat().st_mode) == 0o400
    manifest = store.manifest(number)
    assert (manifest.number, manifest.litellm, manifest.by) == (1, "1.106.2", "me")
    assert manifest.digest == CONTENT.digest()


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"files": {**CONTENT.files, "config.yaml": "x"}}, False),
        ({"files": {**CONTENT.files, "program/launcher.py": "x"}}, False),
        ({"files": {**CONTENT.files, "registry/a": "a comment"}}, True),
        ({"venv": "f" * 16}, False),
        ({"units": {"litellm.socket": "x"}}, False),
        ({"variables": ("A_KEY", "B_KEY")}, False),
        ({"secrets": "another value"}, False),
    ],
)
def test_what_makes_a_new_generation(changed: dict, same: bool) -> None:
    assert (dataclasses.replace(CONTENT, **changed).digest() == CONTENT.digest()) == same


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ""])
def test_a_file_outside_of_the_folder_is_refused(store: Store, name: str) -> None:
    with pytest.raises(GenerationError, match="cannot hold a file"):
        store.stage(dataclasses.replace(CONTENT, files={name: "x"}), {})
    assert list(store.folder.iterdir()) == []


def test_an_interrupted_staging_leaves_nothing(store: Store) -> None:
    leftover = store.folder / ".staging-x" / "program"
    leftover.mkdir(parents=True)
    leftover.chmod(0o500)
    store.prepare()
    assert store.numbers() == []
    assert not leftover.exists()


def test_the_same_is_found_unless_it_was_bad_or_is_past(store: Store) -> None:
    past = serve(store)
    other = dataclasses.replace(CONTENT, secrets="rotated")
    serve(store, other)
    assert store.same(CONTENT.digest()) is None, past
    assert store.same(other.digest()) == 2
    waiting = store.stage(CONTENT, {})
    assert store.same(CONTENT.digest()) == waiting
    store.record(waiting, "failed", "why")
    assert store.same(CONTENT.digest()) is None


def test_previous_is_the_last_good_one(store: Store) -> None:
    with pytest.raises(GenerationError, match="no good generation before 0"):
        store.previous()
    for outcome in ("live", "failed", "undone", "live"):
        store.record(serve(store), outcome)
    assert (store.current(), store.previous()) == (4, 1)


def test_pruning_spares_the_current_and_the_last_good_one(store: Store) -> None:
    serve(store)
    serve(store)
    for _ in range(4):
        store.record(store.stage(CONTENT, {}), "failed")
    assert store.prune(2) == [3, 4]
    assert store.numbers() == [1, 2, 5, 6]


def test_a_removal_that_is_cut_off_leaves_no_half_generation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        serve(store)

    def is_cut_off(folder: Path, **_more: object) -> None:
        if folder.exists():
            (folder / "manifest.json").unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", is_cut_off)
        with pytest.raises(KeyboardInterrupt):
            store.prune(1)
    assert [store.manifest(number).number for number in store.numbers()] == [2, 3]
    store.prepare()
    assert sorted(path.name for path in store.folder.iterdir()) == ["2", "3"]


def test_an_unknown_generation_says_which_there_are(store: Store) -> None:
    serve(store)
    with pytest.raises(GenerationError, match="no generation 9; there are: 1"):
        store.manifest(9)


def test_two_at_once_are_told_of_each_other(store: Store) -> None:
    with locked(store.base, "someone (live)"), pytest.raises(LockedError, match="by someone"):
        locked(store.base, "me").__enter__()
    with locked(store.base, "me"):
        pass


TRICKY = {"A_KEY": 'a"b\\c$d`e f#g', "B": "", "C": "%h 'x' ä"}


def test_secrets_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    secrets_file.store(path, TRICKY)
    assert secrets_file.read(path) == TRICKY
    assert secrets_file.parse(environment_file(TRICKY)) == TRICKY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secrets_file.read(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("held", "given", "expected"),
    [
        ({}, {"A": "1"}, {"A": "1", "H": "T 1"}),
        ({"A": "1"}, {}, {"A": "1", "H": "T 1"}),
        ({"A": "1"}, {"A": "2"}, {"A": "2", "H": "T 2"}),
        ({"A": "1"}, {"A": ""}, {"A": "1", "H": "T 1"}),
        ({"A": "1", "OLD": "x", "KEPT": "y"}, {}, {"A": "1", "H": "T 1", "KEPT": "y"}),
        ({"A": "1"}, {"UNASKED": "x"}, {"A": "1", "H": "T 1"}),
    ],
)
def test_which_value_goes_into_the_file(held: dict, given: dict, expected: dict) -> None:
    held = {**held, "LITELLM_MASTER_KEY": "sk-1"}
    merged = secrets_file.merged(held, given, ["A"], {"H": "T ${A}"}, keep=["KEPT"])
    assert merged == {**expected, "LITELLM_MASTER_KEY": "sk-1"}


def test_the_master_key_is_made_once_and_long() -> None:
    first = secrets_file.merged({}, {}, [], {})
    key = first["LITELLM_MASTER_KEY"]
    assert key.startswith("sk-")
    assert len(key) == 51
    assert secrets_file.merged(first, {}, [], {}) == first
    given = {"LITELLM_MASTER_KEY": "sk-mine"}
    assert secrets_file.merged(first, given, [], {}) == given


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(secrets_file.MissingVariablesError, match="no value for A, B, C") as error:
        secrets_file.merged({"D": "x"}, {"B": ""}, ["A", "B", "D"], {"H": "${C}"})
    assert error.value.names == ["A", "B", "C"]


def test_the_mark_of_secrets_tells_a_change_and_nothing_else(tmp_path: Path) -> None:
    key = secrets_file.fingerprint_key(tmp_path / "key", create=True)
    assert secrets_file.fingerprint_key(tmp_path / "key", create=True) == key
    mark = secrets_file.fingerprint({"A": "1", "B": "2"}, ["A"], key)
    assert mark == secrets_file.fingerprint({"A": "1", "B": "3"}, ["A"], key)
    assert mark != secrets_file.fingerprint({"A": "2", "B": "2"}, ["A"], key)
    assert mark != secrets_file.fingerprint({"A": "1", "B": "2"}, ["A"], b"other host")


def test_results_hold_no_secret() -> None:
    said = {"seen": "Bearer sk-longer-1 and sk-longer", "ok": False}
    values = {"A": "sk-longer", "B": "sk-longer-1", "SHORT": "is"}
    assert secrets_file.scrub(said, values) == {"seen": "Bearer *** and ***", "ok": False}


@pytest.mark.parametrize(
    ("version", "word"),
    [
        ("1.106.2", None),
        ("1.84.0", None),
        ("1.82.7", "compromised"),
        ("1.82.8", "compromised"),
        ("1.107.0", "compromised"),
        ("1.107.3.post1", "compromised"),
        ("1.83.14", "known holes"),
        ("0.9", "known holes"),
        ("1.1070.0", None),
    ],
)
def test_which_releases_are_refused(version: str, word: str | None) -> None:
    text = f"aiohttp==3.0 \\\n  --hash=sha256:0\nlitellm=={version} \\\n  --hash=sha256:1\n"
    if word is None:
        assert Lock(text).litellm == version
    else:
        with pytest.raises(VenvError, match=word):
            Lock(text)


def test_a_lock_file_without_litellm_is_refused() -> None:
    with pytest.raises(VenvError, match="pins no litellm"):
        Lock("# litellm==1.106.2\nlitellm>=1.106\n")


def test_the_outcome_stands_beside_the_generation(store: Store) -> None:
    number = serve(store)
    store.record(number, "failed", "it said no")
    assert store.outcome(number)["reason"] == "it said no"
    assert store.outcome(99) == {}
    assert json.loads((store.folder / "1" / "manifest.json").read_text())["number"] == 1


def test_an_installation_that_fails_leaves_no_half_venv(tmp_path: Path) -> None:
    lock = Lock("litellm==1.106.2\n")  # no hash: pip refuses before it asks anybody
    with pytest.raises(VenvError, match="pip install"):
        install(tmp_path, lock, sys.executable)
    assert not (tmp_path / "venvs" / lock.name).exists()


def test_an_installation_is_bounded() -> None:
    with pytest.raises(VenvError, match=r"did not end within 0\.2 s"):
        run(sys.executable, "-c", "import time; time.sleep(60)", seconds=0.2)
    with pytest.raises(VenvError, match="no such thing"):
        run(sys.executable, "-c", "raise SystemExit('no such thing')")


def test_systemctl_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    module = "ansible_collections.lab.llm.plugins.module_utils.gateway.manager"
    monkeypatch.setattr(f"{module}.QUESTION_SECONDS", 0.2)
    manager = GatewayManager(tmp_path, patience=0.2)
    with pytest.raises(ManagerError, match=r"show .* did not end within 0 s"):
        manager.instance(1)
    with pytest.raises(ManagerError, match="did not end within 0 s"):
        manager.do("start", "x.service")


def made(store: Store, name: str, age: float) -> Path:
    """A venv that somebody had so many seconds ago."""
    mark = store.base / "venvs" / name / venvs.MARK
    mark.parent.mkdir(parents=True)
    mark.write_text("{}")
    os.utime(mark, (mark.stat().st_mtime - age,) * 2)
    return mark


def test_venvs_that_nobody_needs_go(store: Store) -> None:
    serve(store)
    hour = venvs.WANTED_SECONDS + 1
    needed, unneeded = made(store, CONTENT.venv, hour), made(store, "f" * 16, hour)
    half_made = store.base / "venvs" / ("e" * 16)
    half_made.mkdir()
    store.prune(10)
    assert (needed.exists(), unneeded.parent.exists(), half_made.exists()) == (True, False, True)


def test_a_venv_that_a_run_has_just_had_outlives_the_change_of_another(store: Store) -> None:
    lock = Lock("litellm==1.106.2\n")
    made(store, lock.name, 2 * venvs.WANTED_SECONDS)
    assert not have(store.base, lock, sys.executable)
    serve(store)
    store.prune(10)  # another run's, before this one has staged anything
    assert not have(store.base, lock, sys.executable, check=True)


def test_looking_in_check_mode_keeps_no_venv(store: Store) -> None:
    lock = Lock("litellm==1.106.2\n")
    made(store, lock.name, 2 * venvs.WANTED_SECONDS)
    assert not have(store.base, lock, sys.executable, check=True)
    store.prune(10)
    assert have(store.base, lock, sys.executable, check=True)
