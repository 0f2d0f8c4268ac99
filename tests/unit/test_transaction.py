# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole change, cut off at each write and each word to systemd. systemd is a model here, so is
what a generation answers; the lab has the real ones."""

from __future__ import annotations

import errno
import itertools
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    cli,
    secrets_file,
    submit,
    venvs,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
    NotServingError,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.held import Held
from ansible_collections.lab.llm.plugins.module_utils.gateway.installed import Installed
from ansible_collections.lab.llm.plugins.module_utils.gateway.lock import LockedError
from ansible_collections.lab.llm.plugins.module_utils.gateway.proof import Proven
from ansible_collections.lab.llm.plugins.module_utils.gateway.sealed import GenerationError
from ansible_collections.lab.llm.plugins.module_utils.gateway.staging import Wanted
from ansible_collections.lab.llm.plugins.module_utils.gateway.transaction import Transaction
from ansible_collections.lab.llm.plugins.module_utils.gateway.unit_set import UnitSet
from ansible_collections.lab.llm.plugins.module_utils.host import atomic
from ansible_collections.lab.llm.plugins.module_utils.host.units import HEADER, UnitError
from ansible_collections.lab.llm.plugins.module_utils.registry.credentials import header_variable
from tools.gateway_model import CutOffError, Host, Manager

GATEWAY = "ansible_collections.lab.llm.plugins.module_utils.gateway"
OPTIONS = {"keep": 10, "start_seconds": 1, "answer_seconds": 1}


class Model(Installed):
    """The gateway on the model of a host."""

    def __init__(self, base: Path) -> None:
        self.store = Store(base)
        self.host = Host(self.store, wants_candidate=True, program=self.program)
        self.manager: Any = Manager(self.host)
        self.handover = Handover(self.store, self.manager, 0.1)
        self.held, self.units = Held(self.store), UnitSet(self.manager)
        self.boots = 1
        self.bad: dict[str, set[int]] = {"private": set(), "public": set(), "live": set()}

    def boot(self) -> str:
        return str(self.boots)

    def program(self) -> None:
        """What systemd runs."""
        journal = change_journal.read(self.store.base)
        if journal is not None and not journal.over:
            Transaction(self, journal).run()

    def reboot(self) -> None:
        """All processes are gone; systemd starts what is current, then the program."""
        self.boots += 1
        self.host.states.clear()
        if (current := self.store.current()) is not None:
            self.host.start(current)
        self.program()

    def deploy(
        self, text: str, key: str = "old", port: int = 4000, address: str = "", **more: Any
    ) -> dict[str, Any]:
        units = {"litellm.socket": f"{HEADER}\n[Socket]\nListenStream=127.0.0.1:{port}\n"}
        wanted = {"variables": ("A",), "given": {"A": key}, "by": "me", **more}
        files = {"config.yaml": text, **wanted.pop("files", {})}
        options, venv = {**OPTIONS, "address": address}, wanted.pop("venv", "venv")
        return submit.deploy(self, Wanted(files, venv, units, **wanted), options)

    def key(self) -> str:
        return self.held.values()["A"]

    def outcome(self, number: int) -> str:
        return str(self.store.outcome(number).get("outcome", ""))

    def is_tidy(self) -> bool:
        """Nothing of a change is left."""
        own = list(self.store.base.glob("secrets-*.env"))
        journal = change_journal.read(self.store.base)
        return (own, self.store.candidate(), journal is None or journal.over) == ([], None, True)


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(f"{GATEWAY}.handover.LOOK_SECONDS", 0.1)
    model = Model(tmp_path / "gateway")
    venv = model.store.base / "venvs" / "venv"
    venv.mkdir(parents=True)
    (venv / "lab-llm.json").write_text("{}")

    def ask(_evidence: Evidence, number: int, *, private: bool, **_more: bool) -> Proven:
        bad = number in model.bad["private" if private else "public"]
        rows = [{"check": "m", "ok": not bad}]
        return Proven(not bad, rows, rows if bad else [], ["❌ m" if bad else "✅ m"])

    monkeypatch.setattr(Evidence, "ask", ask)
    return model


def cut_at_writes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes count as steps too: the cable may be pulled before each."""
    for name in "write", "link":
        real = getattr(atomic, name)

        def stepping(*words: Any, real: Any = real) -> None:
            model.host.step()
            real(*words)

        monkeypatch.setattr(atomic, name, stepping)
        if name == "write":
            monkeypatch.setattr(secrets_file, "write", stepping)


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


@pytest.mark.parametrize("restart", ["program", "reboot"])
@pytest.mark.parametrize("fault", ["", "private", "public"])
def test_cut_off_anywhere_it_is_finished_or_undone(
    gateway: Model, monkeypatch: pytest.MonkeyPatch, restart: str, fault: str
) -> None:
    cut_at_writes(gateway, monkeypatch)
    gateway.deploy("0")
    ends = set()
    for left in itertools.count():
        before, key = gateway.store.current(), gateway.key()
        gateway.host.left = left
        if fault:
            gateway.bad[fault] = {max(gateway.store.numbers()) + 1}
        try:
            gateway.deploy(f"{left} {restart}", key=f"new {left}")
        except CutOffError:
            gateway.host.left = 100000
            getattr(gateway, restart)()
        else:
            break
        gateway.bad = {"private": set(), "public": set()}
        after = gateway.store.current()
        ends.add(after == before)
        assert gateway.host.states[after] == "serving"
        assert gateway.key() == (key if after == before else f"new {left}")
        gateway.deploy(f"{left} {restart}", key=f"new {left}")
        assert gateway.is_tidy()
        assert gateway.key() == f"new {left}"
        assert [s for s in gateway.host.states.values() if s == "serving"] == ["serving"]
    assert left > (20 if not fault else 15)
    assert ends == ({True} if fault else {True, False})


def test_cut_off_again_and_again_it_is_undone(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_cut_off(*_words: object, **_more: object) -> Proven:
        raise CutOffError

    gateway.deploy("one")
    monkeypatch.setattr(Evidence, "ask", is_cut_off)
    for go in (lambda: gateway.deploy("two"), gateway.program):
        with pytest.raises(CutOffError):
            go()
    gateway.program()
    assert (gateway.store.current(), gateway.outcome(2)) == (1, "failed")
    assert "it was cut off 2 times (started was reached)" in gateway.store.outcome(2)["reason"]


def test_who_comes_while_a_change_is_under_way_is_told(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.deploy("one")
    cut_at_writes(gateway, monkeypatch)
    gateway.host.left = 20
    with pytest.raises(CutOffError):
        gateway.deploy("two")
    gateway.host.left, gateway.host.listens = 100000, True  # the model's word for: it runs
    with pytest.raises(LockedError, match=r"by me \(deploy to generation 2, since"):
        gateway.deploy("three")


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 75), (errno.EROFS, 75), (errno.EIO, 1)]
)
def test_where_nothing_can_be_written_systemd_does_not_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    change_journal.begin(tmp_path, "deploy", "me", "boot", None, 1, {})

    def is_full(_transaction: Transaction) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Transaction, "run", is_full)
    assert cli.main(["run"], tmp_path) == status


# --- where it is asked from outside --------------------------------------------------------------


def asked(gateway: Model) -> str:
    """Where the last change asked from outside, and where the timer does."""
    journal = change_journal.read(gateway.store.base)
    assert journal is not None
    used, kept = Evidence(gateway, journal).address(), gateway.address(gateway.store.current() or 0)
    assert used == kept
    return used


def test_each_generation_is_asked_where_it_was_deployed_to_be(gateway: Model) -> None:
    gateway.deploy("one")
    assert asked(gateway) == "http://127.0.0.1:4000"
    gateway.deploy("two", address="http://front:80")
    assert asked(gateway) == "http://front:80"
    submit.go_to(gateway, "previous", "me", submit.last_options(gateway))
    assert asked(gateway) == "http://127.0.0.1:4000"
    submit.go_to(gateway, "2", "me", submit.last_options(gateway))
    assert asked(gateway) == "http://front:80"
    submit.judge(gateway, "timer", submit.last_options(gateway))
    assert asked(gateway) == "http://front:80"


def test_another_address_alone_is_asked_and_makes_no_generation(gateway: Model) -> None:
    gateway.deploy("one")
    done = gateway.deploy("one", address="http://front:80")
    assert (done["outcome"], done["changed"], gateway.store.numbers()) == ("live", False, [1])
    assert asked(gateway) == "http://front:80"
    assert gateway.deploy("one", address="http://front:80")["outcome"] == "unchanged"
    gateway.bad["public"].add(1)
    said = gateway.deploy("one", address="http://nobody:80")["msg"]
    assert said.startswith("generation 1 does not answer at http://nobody:80:")
    assert (gateway.address(1), gateway.outcome(1)) == ("http://front:80", "live")
    gateway.bad["public"].clear()
    gateway.deploy("one")
    assert asked(gateway) == "http://127.0.0.1:4000"


# --- back -------------------------------------------------------------------------------------


def test_back_to_the_last_good_one_and_forth(gateway: Model) -> None:
    for text in "one", "two":
        gateway.deploy(text)
    back = submit.go_to(gateway, "previous", "me", OPTIONS)
    assert (back["generation"], gateway.host.states) == (1, {1: "serving", 2: "retiring"})
    assert gateway.outcome(2) == "live"  # whoever goes back by hand may go forth again
    assert submit.go_to(gateway, "2", "me", OPTIONS)["outcome"] == "live"
    assert submit.go_to(gateway, "2", "me", OPTIONS)["outcome"] == "unchanged"
    with pytest.raises(GenerationError, match="there is no generation 9; there are: 1, 2"):
        submit.go_to(gateway, "9", "me", OPTIONS)
    with pytest.raises(GenerationError, match="'seven' is no generation: give its number"):
        submit.go_to(gateway, "seven", "me", OPTIONS)


def test_back_to_one_that_ends_just_now_waits_for_its_end(gateway: Model) -> None:
    for text in "one", "two":
        gateway.deploy(text)
    del gateway.host.states[1]
    gateway.host.ending[1] = 3  # looks
    assert submit.go_to(gateway, "1", "me", OPTIONS)["outcome"] == "live"


def test_back_to_one_that_still_finishes_starts_it_anew_where_a_key_was_rotated(
    gateway: Model,
) -> None:
    gateway.deploy("one")
    gateway.deploy("one", key="new")
    assert (gateway.host.states[1], gateway.host.began_with[1]) == ("retiring", "old")
    assert submit.go_to(gateway, "1", "me", OPTIONS)["outcome"] == "live"
    assert (gateway.host.states[1], gateway.host.began_with[1]) == ("serving", "new")
    submit.go_to(gateway, "2", "me", OPTIONS)
    assert gateway.host.starts == {1: 2, 2: 1}  # a key that is held is no reason to start anew


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


def test_a_change_that_crashes_again_and_again_after_the_switch_is_undone(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(transaction: Transaction) -> None:
        raise KeyError(transaction.number)

    gateway.deploy("one")
    monkeypatch.setattr(Transaction, "prove_from_outside", crashes)
    with pytest.raises(KeyError):
        gateway.deploy("two")
    for _ in range(3):
        with pytest.raises(KeyError):
            gateway.program()
    gateway.program()
    assert (gateway.store.current(), gateway.host.states[1]) == (1, "serving")
    assert "it was cut off 4 times" in gateway.store.outcome(2)["reason"]
    assert gateway.is_tidy()


def test_no_way_back_is_taken_once_half_of_it_is_settled(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(_held: Held, _number: int) -> None:
        raise OSError(28, "No space left on device")

    gateway.deploy("one")
    with monkeypatch.context() as patch:
        patch.setattr(Held, "settle", is_full)
        with pytest.raises(OSError, match="No space left"):
            gateway.deploy("two", key="new")
    assert (gateway.store.current(), gateway.key()) == (2, "old")
    gateway.reboot()
    assert (gateway.store.current(), gateway.key()) == (2, "new")
    assert gateway.is_tidy()


def test_a_header_that_only_an_older_one_sends_has_the_new_key(gateway: Model) -> None:
    gateway.deploy("one", composed={"LLM_HEADER_H": "Bearer ${A}"})
    gateway.deploy("two", key="new")
    assert gateway.held.values()["LLM_HEADER_H"] == "Bearer new"
    assert gateway.deploy("two", key="new")["outcome"] == "unchanged"


def test_who_goes_back_sends_a_header_with_the_text_of_before(gateway: Model) -> None:
    texts = "org-1 ${A}", "org-2 ${A}"
    names = [header_variable("p", "X-Org", text) for text in texts]
    for name, text in zip(names, texts, strict=True):
        gateway.deploy(text, composed={name: text})
    assert gateway.store.standby() == 1  # another text is no rotated key
    assert submit.go_to(gateway, "previous", "me", OPTIONS)["outcome"] == "live"
    sent = gateway.held.values_of(1)
    assert [sent[name] for name in names] == ["org-1 old", "org-2 old"]


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


def test_back_is_refused_without_its_keys_or_its_venv(gateway: Model) -> None:
    gateway.deploy("one", variables=("A", "B"), given={"A": "a", "B": "b"})
    gateway.deploy("two")
    secrets_file.store(gateway.held.now, {"A": "a"})
    with pytest.raises(secrets_file.MissingVariablesError, match="no value for B"):
        submit.go_to(gateway, "1", "me", OPTIONS)
    secrets_file.store(gateway.held.now, {"A": "a", "B": "b"})
    (gateway.store.base / "venvs/venv/lab-llm.json").unlink()
    with pytest.raises(GenerationError, match="the venv venv is not there"):
        submit.go_to(gateway, "1", "me", OPTIONS)


def test_back_only_if_that_is_better(gateway: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.lab.llm.plugins.module_utils.gateway import transaction
    from ansible_collections.lab.llm.plugins.module_utils.gateway.judge import Decision

    for text in "one", "two":
        gateway.deploy(text)
    assert submit.judge(gateway, "timer", OPTIONS)["outcome"] == "stays"
    gateway.bad["private"].add(2)
    gateway.host.states.pop(1, None)
    gateway.host.broken.add(1)
    stays = submit.judge(gateway, "timer", OPTIONS)
    assert (stays["outcome"], "does not start: no such model" in stays["reason"]) == ("stays", True)
    gateway.host.broken.clear()
    gateway.host.states.pop(1, None)
    for go, current in ((False, 2), (True, 1)):
        why = Decision(go, "the evidence")
        monkeypatch.setattr(transaction, "judge", lambda _live, _older, why=why: why)
        done = submit.judge(gateway, "timer", OPTIONS)
        assert (gateway.store.current(), done["reason"]) == (current, "the evidence")
        assert gateway.is_tidy()
    assert gateway.outcome(2) == "undone"
    with pytest.raises(GenerationError, match="generation 2 was the same, and was undone at"):
        gateway.deploy("two")
    gateway.bad["private"].clear()
    assert gateway.deploy("two", again=True)["generation"] == 3


def test_who_was_started_to_compare_does_not_stay_where_that_was_cut_off(
    gateway: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.lab.llm.plugins.module_utils.gateway import transaction

    def is_cut_off(*_words: object) -> None:
        raise CutOffError

    for text in "one", "two":
        gateway.deploy(text)
    gateway.bad["private"].add(2)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "judge", is_cut_off)
        with pytest.raises(CutOffError):
            submit.judge(gateway, "timer", OPTIONS)
    assert gateway.store.candidate() == 1
    gateway.bad["private"].clear()
    gateway.program()
    assert gateway.is_tidy()


# --- a controller that was lost -----------------------------------------------------------------


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
