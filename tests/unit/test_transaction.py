# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole change, on a model of systemd and of what a generation answers; the lab has both."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    submit,
    venvs,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.proof import Proven
from ansible_collections.lab.llm.plugins.module_utils.gateway.sealed import GenerationError
from ansible_collections.lab.llm.plugins.module_utils.gateway.staging import Wanted
from ansible_collections.lab.llm.plugins.module_utils.host.units import HEADER, UnitError
from tools.transaction_model import OPTIONS, Model, modelled


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    return modelled(tmp_path, monkeypatch)


def test_a_change_goes_through_all_phases(gateway: Model) -> None:
    assert gateway.deploy("one")["outcome"] == "live"
    done = gateway.deploy("two", key="new")
    assert [row["phase"] for row in done["phases"]] == [*change_journal.PHASES[1:]]
    assert (done["generation"], done["previous"], done["changed"]) == (2, 1, True)
    assert gateway.host.states == {1: "retiring", 2: "serving"}
    assert (gateway.key(), gateway.outcome(2), gateway.store.standby()) == ("new", "live", None)
    assert gateway.is_tidy()
    again = gateway.deploy("two", key="new")
    assert (again["changed"], again["outcome"]) == (False, "unchanged")


def test_the_one_before_stays_warm_unless_a_key_was_rotated(gateway: Model) -> None:
    gateway.deploy("one")
    gateway.deploy("two")
    assert gateway.store.standby() == 1
    gateway.deploy("two", key="new")
    assert gateway.store.standby() is None


BAD = [
    # who does not prove itself, whether the port changes too, and what is said
    ("private", 4000, "generation 2 did not prove itself:"),
    ("private", 4001, "generation 2 did not prove itself:"),
    ("public", 4000, "generation 2 does not answer at http://127.0.0.1:4000:"),
    ("public", 4001, "generation 2 does not answer at http://127.0.0.1:4001:"),
]


@pytest.mark.parametrize(("where", "port", "said"), BAD)
def test_what_is_not_proven_is_undone_whole(
    gateway: Model, where: str, port: int, said: str
) -> None:
    gateway.deploy("one")
    gateway.bad[where].add(2)
    done = gateway.deploy("two", key="new", port=port)
    assert done["failed"]
    assert done["msg"].startswith(said)
    assert done["msg"].endswith("❌ m\n(generation 1 serves)")
    assert (gateway.store.current(), gateway.host.states) == (1, {1: "serving"})
    assert (gateway.key(), gateway.host.began_with[1]) == ("old", "old")
    assert "ListenStream=127.0.0.1:4000" in (gateway.host.units / "litellm.socket").read_text()
    assert gateway.outcome(2) == "failed"
    assert gateway.is_tidy()
    gateway.bad[where].clear()
    assert gateway.deploy("two", key="new")["generation"] == 3


def test_the_launcher_s_own_files_are_named_in_a_diff_and_not_shown(gateway: Model) -> None:
    gateway.deploy("one", files={"program/launcher.py": "old", "program/words.py": "same"})
    files = {"program/launcher.py": "new", "program/words.py": "same", "program/more.py": "new"}
    config, program = gateway.deploy("two", files=files)["diff"]
    assert (config["before"], config["after"]) == ("one", "two")
    assert program == {"prepared": "program/ (the launcher): launcher.py, more.py\n"}


def test_a_start_that_fails_is_undone(gateway: Model) -> None:
    gateway.deploy("one")
    gateway.host.broken.add(2)
    assert gateway.deploy("two")["msg"] == "no such model\n(generation 1 serves)"
    assert (gateway.outcome(2), gateway.host.states) == ("failed", {1: "serving"})


def test_an_address_that_somebody_holds_is_not_gone_to(gateway: Model) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        gateway.deploy("one")
        said = gateway.deploy("two", port=port)["msg"]
        assert f"127.0.0.1:{port} is taken by " in said
        assert said.endswith(": free it, or set gateway_port\n(generation 1 serves)")
    assert (gateway.host.states, gateway.host.listens) == ({1: "serving"}, True)
    assert gateway.deploy("two", port=port)["outcome"] == "live"


def test_the_first_one_that_fails_leaves_nobody_waiting(gateway: Model) -> None:
    gateway.bad["public"].add(1)
    assert gateway.deploy("one")["msg"].endswith("(nothing serves)")
    assert (gateway.store.current(), gateway.host.listens) == (None, False)
    assert gateway.host.states == {}


def test_an_old_one_that_does_not_come_back_is_said(gateway: Model) -> None:
    gateway.deploy("one")
    gateway.bad["public"].add(2)
    gateway.host.broken.add(1)
    gateway.host.deaf.add(1)  # it does not stop to accept, so it is stopped for good
    said = gateway.deploy("two")["msg"]
    assert "generation 1 does not come back: no such model" in said
    assert said.endswith("(generation 1 does not serve yet)")
    assert gateway.host.listens


def test_a_unit_that_somebody_else_wrote_meanwhile_does_not_hold_up_the_way_back(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.deploy("one")
    theirs = gateway.host.units / "litellm.socket"

    def meanwhile(_evidence: Evidence, _number: int, **_more: bool) -> Proven:
        theirs.write_text("[Socket]\nListenStream=127.0.0.1:9\n")
        return Proven(False, [], [{"check": "m", "ok": False}], ["❌ m"])

    with monkeypatch.context() as patch:
        patch.setattr(Evidence, "ask", meanwhile)
        said = gateway.deploy("two", key="new")["msg"]
    assert said.startswith("generation 2 did not prove itself:\n❌ m\nand a unit is not as ")
    assert f"{theirs}: was not written by lab.llm and is left alone; move it away" in said
    assert said.endswith("(generation 1 serves)")
    assert (gateway.outcome(2), gateway.key(), gateway.is_tidy()) == ("failed", "old", True)
    assert theirs.read_text().endswith(":9\n")
    with pytest.raises(UnitError, match=r"litellm\.socket: was not written by lab.llm"):
        gateway.deploy("two")  # as long as it is there nothing is begun
    assert gateway.is_tidy()
    theirs.unlink()
    assert gateway.deploy("two")["outcome"] == "live"


def test_a_generation_that_still_finishes_is_not_removed(gateway: Model) -> None:
    options = {**OPTIONS, "keep": 1}
    for text in "one", "two", "three", "four":
        units = {"litellm.socket": f"{HEADER}\n[Socket]\nListenStream=127.0.0.1:4000\n"}
        submit.deploy(gateway, Wanted({"config.yaml": text}, "venv", units), options)
    assert gateway.store.numbers() == [1, 2, 3, 4]
    gateway.host.states.pop(1)
    submit.go_to(gateway, "previous", "me", options)
    assert gateway.store.numbers() == [2, 3, 4]


def test_a_venv_had_before_another_run_settles_serves_the_next_change(gateway: Model) -> None:
    for name in "had", "unneeded":
        mark = gateway.store.base / "venvs" / name / venvs.MARK
        mark.parent.mkdir()
        mark.write_text("{}")
        os.utime(mark, (0, 0))
    assert venvs.claim(gateway.store.base / "venvs", "had")
    gateway.deploy("one")
    assert not (gateway.store.base / "venvs" / "unneeded").exists()
    assert gateway.deploy("two", venv="had")["outcome"] == "live"


def test_what_cannot_be_removed_fails_no_change(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_not_ours(*_words: object) -> list[int]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Store, "prune", is_not_ours)
    assert gateway.deploy("one")["outcome"] == "live"


def test_a_header_that_only_an_older_one_sends_has_the_new_key(gateway: Model) -> None:
    gateway.deploy("one", composed={"LLM_HEADER_H": "Bearer ${A}"})
    gateway.deploy("two", key="new")
    assert gateway.held.values()["LLM_HEADER_H"] == "Bearer new"
    assert gateway.deploy("two", key="new")["outcome"] == "unchanged"


def test_a_reason_holds_no_key_whatever_it_is_called(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def repeats(_self: Handover, _number: int) -> bool:
        raise NotServingError("bad header: new-key-1, not old-key-1")

    gateway.deploy("one", key="old-key-1")
    with monkeypatch.context() as patch:
        patch.setattr(Handover, "start", repeats)
        done = gateway.deploy("two", key="new-key-1")
    assert done["msg"] == "bad header: ***, not ***\n(generation 1 serves)"
    assert "-key-1" not in (gateway.store.base / "change.json").read_text()
    assert "-key-1" not in gateway.store.outcome(2)["reason"]


def test_what_the_registry_does_not_hold_is_asked_about(gateway: Model) -> None:
    file = {"registry/new.yaml": "providers: {}"}
    gateway.deploy("one")
    gateway.deploy("two", files=file, unconfirmed="new.yaml")
    with pytest.raises(GenerationError, match=r"generation 2 serves new.yaml, which me added"):
        gateway.deploy("one")
    assert gateway.deploy("two", files=file)["outcome"] == "unchanged"
    assert gateway.deploy("one", adopt=False)["outcome"] == "live"
    gateway.deploy("three", files=file, unconfirmed="new.yaml")
    assert submit.confirm(gateway, gateway.store.current() or 0)["changed"]
    assert not submit.confirm(gateway, gateway.store.current() or 0)["changed"]
    assert gateway.deploy("one")["outcome"] == "live"
