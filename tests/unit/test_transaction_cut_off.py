# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that is cut off, at each write and each word to systemd, and what becomes of it."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    cli,
    submit,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.held import Held
from ansible_collections.lab.llm.plugins.module_utils.gateway.lock import LockedError
from ansible_collections.lab.llm.plugins.module_utils.gateway.proof import Proven
from ansible_collections.lab.llm.plugins.module_utils.gateway.transaction import Transaction
from tools.gateway_model import CutOffError
from tools.transaction_model import OPTIONS, Model, cut_at_writes, modelled


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    return modelled(tmp_path, monkeypatch)


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
