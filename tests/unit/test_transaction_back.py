# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways back, and where each generation is asked from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    secrets_file,
    submit,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.sealed import GenerationError
from ansible_collections.lab.llm.plugins.module_utils.registry.credentials import header_variable
from tools.transaction_model import OPTIONS, Model, modelled


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    return modelled(tmp_path, monkeypatch)


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


def test_who_goes_back_sends_a_header_with_the_text_of_before(gateway: Model) -> None:
    texts = "org-1 ${A}", "org-2 ${A}"
    names = [header_variable("p", "X-Org", text) for text in texts]
    for name, text in zip(names, texts, strict=True):
        gateway.deploy(text, composed={name: text})
    assert gateway.store.standby() == 1  # another text is no rotated key
    assert submit.go_to(gateway, "previous", "me", OPTIONS)["outcome"] == "live"
    sent = gateway.held.values_of(1)
    assert [sent[name] for name in names] == ["org-1 old", "org-2 old"]


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
