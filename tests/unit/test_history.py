# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of generations: what became of each, and what changed from one to the next."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils import history_report
from ansible_collections.lab.llm.plugins.module_utils.gateway import history
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.sealed import GenerationError

LOCK = "aiohttp==3.1 \\\n  --hash=sha256:0\nlitellm==1.106.2 \\\n  --hash=sha256:1\n"
ABOUT = {"litellm": "1.106.2", "by": "ada", "commit": "0123456789abcdef"}


def config(*fallbacks: str, rpm: int = 3) -> str:
    entries = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "rpm": rpm},
            "model_info": {"id": f"~lab/{name}", "mode": "chat"},
        }
        for name in ("gpt-4", "llama3.1", "mistral")
    ]
    router = {"fallbacks": [{"gpt-4": list(fallbacks)}]}
    return yaml.safe_dump({"model_list": entries, "router_settings": router})


def content(text: str, **more: Any) -> Content:
    probes = json.dumps({"models": ["gpt-4"], "health": []})
    files = {"config.yaml": text, "probes.json": probes, "program/launcher.py": "pass\n"}
    units = {"litellm.socket": "[Socket]\nListenStream=127.0.0.1:4000\n"}
    known = {"venv": "0" * 16, "units": units, "variables": ("A_KEY",), "secrets": "mark"}
    return Content(files, **{**known, **more})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four generations: good, failed, good, current; the last two differ in a fallback."""
    store = Store(tmp_path / "gateway")
    store.prepare()
    (store.base / "venvs").mkdir()
    (store.base / "venvs" / f"{'0' * 16}.txt").write_text(LOCK)
    for number, text in enumerate(
        (config("llama3.1"), config("x"), config("llama3.1", rpm=10), config("mistral")), start=1
    ):
        assert store.stage(content(text), ABOUT) == number
        if number != 2:
            store.switch(number)
            store.record(number, "live")
    store.record(2, "failed", "LiteLLM says no\nand a trace")
    return store


def found(store: Store, first: int | None = None, last: int | None = None) -> dict[str, Any]:
    """What the module gives, as it arrives: through JSON."""
    told = {
        "current": store.current(),
        "generations": history.listing(store, {3: "standby: for 600 s"}),
        "between": history.chosen(store, first, last),
        "made_of": history.sides(store, store.numbers()),
    }
    return json.loads(json.dumps(told))


def report(store: Store, first: int | None = None, last: int | None = None) -> dict[str, Any]:
    return history_report.History(found(store, first, last), yaml.safe_load).report()


def test_each_generation_says_what_it_is(store: Store) -> None:
    listed = history.listing(store, {3: "standby: for 600 s"})
    assert [(one["number"], one["state"]) for one in listed] == [
        (4, "current"),
        (3, "warm"),
        (2, "failed"),
        (1, "good"),
    ]
    assert listed[2]["reason"].startswith("LiteLLM says no")
    assert (listed[0]["by"], listed[0]["litellm"]) == ("ada", "1.106.2")


@pytest.mark.parametrize(
    ("current", "outcome", "status", "state"),
    [
        (True, "live", "serving", "current"),
        (True, "serving", "serving", "unsettled"),
        (False, "live", "standby: for 600 s", "warm"),
        (False, "live", "retiring: 3 requests", "finishing"),
        (False, "", "private: up", "candidate"),
        (False, "live", "", "good"),
        (False, "failed", "", "failed"),
        (False, "undone", "", "undone"),
        (False, "", "", "unfinished"),
        (False, "serving", "", "unfinished"),
    ],
)
def test_the_word_for_a_state(
    store: Store, current: bool, outcome: str, status: str, state: str
) -> None:
    (store.outcomes / "3.json").unlink()
    if outcome:
        store.record(3, outcome)
    if current:
        store.switch(3)
    listed = history.listing(store, {3: status} if status else {})
    assert {one["number"]: one["state"] for one in listed}[3] == state


@pytest.mark.parametrize(
    ("noted", "expected"), [({}, 3), ({"before": 1}, 1), ({"before": 9}, 3), ({"before": 2}, 2)]
)
def test_what_a_generation_is_compared_with(store: Store, noted: dict, expected: int) -> None:
    store.record(4, "live", **noted)
    assert history.before(store, 4, store.numbers()) == expected


@pytest.mark.parametrize(
    ("asked", "pair"),
    [
        ((None, None), (3, 4)),
        ((1, None), (1, 4)),
        ((None, 3), (1, 3)),
        ((4, 1), (4, 1)),
        ((None, 1), (None, 1)),
    ],
)
def test_which_two_are_compared(store: Store, asked: tuple, pair: tuple) -> None:
    assert history.chosen(store, *asked) == pair


def test_an_unknown_one_is_an_error_that_says_which_there_are(store: Store) -> None:
    with pytest.raises(GenerationError, match="no generation 9; there are: 1, 2, 3, 4"):
        history.chosen(store, 9, None)


def test_the_same_text_travels_once(store: Store) -> None:
    store.stage(content(config("mistral"), secrets="rotated"), ABOUT)
    made_of = history.sides(store, store.numbers())
    assert len(made_of["texts"]) == 4
    assert made_of["locks"] == {"0" * 16: {"aiohttp": "3.1", "litellm": "1.106.2"}}


def test_the_report_says_what_changed(store: Store) -> None:
    told = report(store)
    assert (told["current"], told["from"], told["to"]) == (4, 3, 4)
    assert [change["text"] for change in told["changes"]] == [
        "gpt-4: the fallback changes from llama3.1 to mistral",
        "limit of lab: 10 -> 3 requests a minute",
    ]
    assert told["generations"][1]["summary"] == "limit of lab: 3 -> 10 requests a minute"
    assert told["generations"][3]["summary"] == "the first one"
    json.dumps(told)


def test_a_rotated_key_and_another_release_are_told(store: Store) -> None:
    store.stage(content(config("mistral"), secrets="rotated"), {**ABOUT, "litellm": "1.108.0"})
    assert [change["text"] for change in report(store, 4, 5)["changes"]] == [
        "LiteLLM 1.106.2 -> 1.108.0",
        "a value of these changed: A_KEY, LITELLM_MASTER_KEY",
    ]


def test_what_cannot_be_read_is_no_crash(store: Store) -> None:
    store.stage(content("a: [b"), ABOUT)

    def load(text: str) -> Any:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None

    told = history_report.History(found(store, 4, 5), load).report()
    assert any("config.yaml" in change["text"] for change in told["changes"])


def test_the_table_is_for_people(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    told = report(store)
    for one in told["generations"]:
        one["at"] = 0.5
    lines = history_report.as_lines(told, between=False)
    assert lines[0].split() == ["#", "state", "made", "by", "LiteLLM", "commit", "what", "changed"]
    assert lines[1].startswith(
        "4  current  1970-01-01 00:00  ada  1.106.2  01234567…  gpt-4: the fall"
    )
    assert lines[4] == "└ because: LiteLLM says no"
    assert lines[-3:] == [
        "From generation 3 to 4:",
        "- gpt-4: the fallback changes from llama3.1 to mistral",
        "- limit of lab: 10 -> 3 requests a minute",
    ]
    assert all(len(line) < 140 for line in lines)
    assert history_report.as_lines(told, between=True) == lines[-3:]
    for one in told["generations"]:
        one["commit"] = ""
    assert "commit" not in history_report.as_lines(told, between=False)[0]


def test_nothing_to_list_and_nothing_to_compare(tmp_path: Path, store: Store) -> None:
    empty = Store(tmp_path / "none")
    assert history_report.as_lines(report(empty), between=False) == ["There is no generation yet."]
    said = history_report.as_lines(report(store, last=1), between=True)
    assert said == ["There is nothing before generation 1 to compare it with."]
    same = dataclasses.replace(content(config("mistral")))
    store.stage(same, ABOUT)
    assert history_report.as_lines(report(store, 4, 5), between=True) == [
        "From generation 4 to 5:",
        "- nothing: they serve the same",
    ]
