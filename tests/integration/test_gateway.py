# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role gateway on a real host: the first run, another key, another address, the way back."""

from __future__ import annotations

import re
import subprocess

import pytest
from tools.gateway_under_test import AT_REST, BASE, KEYS, MASTER, PORT, USER, Gateway
from tools.lab_hosts import ROOT

pytestmark = pytest.mark.lab

# Where the proof from outside looks for a gateway, and finds nobody.
NOBODY = "gateway_address=http://127.0.0.1:4109"


@pytest.fixture
def fresh(gateway: Gateway) -> Gateway:
    """A host that has never had one."""
    gateway.remove()
    gateway.prepare()
    return gateway


@pytest.mark.nightly
def test_a_fresh_host(fresh: Gateway) -> None:
    """Check mode, a missing key, one that does not answer, and at last one that serves."""
    text = fresh.config("first")
    status, changed, said = fresh.change(text, "--check")
    assert (status, changed > 0) == (0, True), said[-3000:]
    assert "+- {model_name: a" in said
    assert fresh.on(f"id {USER} 2>/dev/null || echo none") == "none"

    status, _, said = fresh.change(text, key="")
    assert status != 0
    assert "no value for GWTEST_KEY" in said
    assert fresh.on(f"ls {BASE}/generations 2>/dev/null || true") == ""

    status, _, said = fresh.change(text, "-e", NOBODY)
    assert status != 0
    assert "does not answer at http://127.0.0.1:4109" in said
    assert "nothing serves" in said
    assert fresh.current() == ""
    assert f":{PORT} " not in fresh.on("ss -ltnH")
    assert fresh.serving() == []

    status, changed, said = fresh.change(text, "-e", "gateway_again=true")
    assert (status, changed > 0) == (0, True), said[-3000:]
    assert fresh.answers() == "first"
    assert fresh.at_rest() == AT_REST


def test_a_second_run_changes_nothing(running: Gateway) -> None:
    text = running.config("twice")
    assert running.change(text)[0] == 0
    status, changed, said = running.change(text)
    assert (status, changed) == (0, 0), said[-3000:]
    assert len(re.findall(r"^ok: ", said, re.MULTILINE)) <= 6
    assert "All providers healthy" not in said  # nothing is new: nobody is asked
    assert running.change(text, "--check")[:2] == (0, 0)
    assert running.on(f"stat -c %a:%U {BASE}/secrets.env") == f"600:{USER}"
    assert f"{running.address}:{PORT}" in running.on("ss -ltnH")


def test_a_changed_key_is_a_new_generation_and_the_way_back_works(running: Gateway) -> None:
    before, text = running.current(), running.config("another-key")
    assert running.change(text, key=KEYS[1])[:2] == (0, 1)
    after = running.current()
    assert after != before
    assert running.change(text, key="")[:2] == (0, 0)  # the host keeps what it has
    assert running.change(text, "-e", "entry=rollback")[0] == 0
    assert running.current() == before
    assert running.change(text, "-e", "entry=rollback", "-e", "gateway_generation=99")[0] != 0
    assert running.change(text, "-e", "entry=rollback", "-e", f"gateway_generation={after}")[0] == 0
    assert running.current() == after
    assert running.at_rest() == AT_REST


def test_what_does_not_answer_from_outside_is_taken_back_whole(running: Gateway) -> None:
    before, held = running.mark(), running.on(f"md5sum <{BASE}/secrets.env")
    status, _, said = running.change(running.config("taken-back"), "-e", NOBODY, key=KEYS[2])
    assert status != 0
    assert "does not answer at http://127.0.0.1:4109" in said
    assert running.mark() == before
    assert running.on(f"md5sum <{BASE}/secrets.env") == held
    newest = running.on(f"ls {BASE}/outcomes | sort -n | tail -1").removesuffix(".json")
    assert running.outcome(newest)["outcome"] == "failed"
    assert running.answers() == before
    assert running.at_rest() == AT_REST


@pytest.mark.nightly
def test_another_address_and_back(running: Gateway) -> None:
    text, before = running.config("moved"), running.mark()
    bad = running.config("moved-badly", fallbacks="[{model: a, fallback_models: [b]}]")
    assert running.change(bad, "-e", "gateway_port=4101", key="")[0] != 0
    assert running.answers() == before
    assert running.change(text, "-e", "gateway_port=4101", key="")[0] == 0
    listening = running.on("ss -ltnH")
    assert ":4101 " in listening
    assert f":{PORT} " not in listening
    assert running.change(text, key="")[0] == 0
    assert running.answers() == "moved"


def test_no_key_is_anywhere_but_in_its_file(running: Gateway) -> None:
    running.serve("searched")
    journal = running.on("journalctl --no-pager -o cat", timeout=300)
    arguments = running.on("ps -eo args")
    for secret in (*KEYS, MASTER):
        for said in (running.said, journal, arguments):
            assert secret not in said
    # The patterns travel by standard input: sudo writes what it runs into the journal.
    words = [str(ROOT / "tests/lab/lab"), "ssh", "gateway1"]
    search = f"sudo grep -rlFf - /var/lib/{USER} /etc /opt /var/log /tmp"
    patterns = "\n".join((*KEYS, MASTER))
    found = subprocess.run([*words, search], input=patterns, capture_output=True, text=True)
    assert found.stdout.split() == [f"{BASE}/secrets.env"]
