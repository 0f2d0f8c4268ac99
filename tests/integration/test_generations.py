# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""generations.yml and rollback.yml: what they say of a gateway that has been changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest
from tools.gateway_under_test import AT_REST, PORT, USER, Gateway

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

Play = Callable[..., subprocess.CompletedProcess[str]]
HERE = ("-e", f"user_service_user={USER}", "-e", f"gateway_port={PORT}")


@pytest.fixture(scope="module")
def changed(gateway: Gateway) -> dict[str, int]:
    """Two that serve one after the other and differ in who answers `a` next, and one between them
    that LiteLLM refuses. Their numbers."""
    gateway.serve("listed")
    first = int(gateway.current())
    refused = gateway.config("refused", fallbacks="[{model: a, fallback_models: [b]}]")
    assert gateway.change(refused)[0] != 0
    gateway.serve("changed", fallbacks="[{a: [b]}]")
    return {"first": first, "refused": first + 1, "last": int(gateway.current())}


def test_the_table_says_what_became_of_each(changed: dict[str, int], play: Play) -> None:
    done = play("generations.yml", *HERE)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line[:1].isdigit()}
    assert " current " in rows[str(changed["last"])]
    assert " warm " in rows[str(changed["first"])]
    assert " failed " in rows[str(changed["refused"])]
    because = lines[lines.index(rows[str(changed["refused"])]) + 1]
    assert because.startswith("└ because: ")
    assert "1.106.2" in rows[str(changed["last"])]


def test_two_are_compared_by_what_they_mean(changed: dict[str, int], play: Play) -> None:
    pair = ("-e", f"from={changed['first']}", "-e", f"to={changed['last']}")
    done = play("generations.yml", *HERE, *pair, "-e", "format=json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["from"], told["to"]) == (changed["first"], changed["last"])
    texts = [change["text"] for change in told["changes"]]
    assert "a: the fallback changes from m at two on listed to b" in texts
    assert told["generations"][0]["number"] == changed["last"]
    assert told["current"] == changed["last"]


def test_an_unknown_one_is_told_with_those_that_there_are(
    changed: dict[str, int], play: Play
) -> None:
    done = play("generations.yml", *HERE, "-e", "from=999")
    assert done.returncode != 0
    assert "there is no generation 999; there are: " in done.stdout


def test_going_back_and_forth_says_what_serves(
    changed: dict[str, int], gateway: Gateway, play: Play
) -> None:
    first, last = changed["first"], changed["last"]
    done = play("rollback.yml", *HERE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Generation {first} serves in the place of {last}." in done.stdout
    assert "it answered clients after " in done.stdout
    assert gateway.answers() == "listed"

    done = play("rollback.yml", *HERE, "-e", f"generation={last}", "-e", "format=json")
    told = json.loads(done.stdout)
    assert (told["ok"], told["serves"], told["previous"]) == (True, last, first)
    assert 0 < told["switched_after"] <= told["seconds"]
    assert gateway.answers() == "changed"

    done = play("rollback.yml", *HERE, "-e", f"generation={last}")
    assert f"Generation {last} serves already; nothing was changed." in done.stdout
    done = play("rollback.yml", *HERE, "-e", "only_if_unhealthy=true")
    assert f"Generation {last} stays." in done.stdout, done.stdout
    assert gateway.at_rest() == AT_REST


@pytest.mark.parametrize(
    ("which", "said"),
    [("999", "there is no generation 999"), ("seven", "'seven' is no generation")],
)
def test_where_nobody_can_go_back_to(
    changed: dict[str, int], gateway: Gateway, play: Play, which: str, said: str
) -> None:
    before = gateway.current()
    done = play("rollback.yml", *HERE, "-e", f"generation={which}")
    assert done.returncode != 0
    assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert gateway.current() == before


def test_check_mode_says_where_it_would_go(changed: dict[str, int], play: Play) -> None:
    done = play("rollback.yml", *HERE, "-e", f"generation={changed['first']}", "--check")
    assert done.returncode == 0, done.stdout
    assert f"Generation {changed['first']} would serve in the place of" in done.stdout
