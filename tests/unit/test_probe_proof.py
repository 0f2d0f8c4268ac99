# ruff: noqa: E501 - one line a case
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call proves a generation: what it asks whom, what that costs, and what is excused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import probe, proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Answer
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.proof import Options, Proven, prove


def row(identity: str, name: str, configured: str = "1") -> dict[str, str]:
    return {"id": identity, "name": name, "mode": "chat", "configured": configured}


OWN = {"probe": "full", "watch": "full", "cloud": False, "interval_seconds": 0, "variables": []}
CLOUD = {**OWN, "watch": "health", "cloud": True, "variables": ["CLOUD_KEY"]}
PROBES: dict[str, Any] = {
    "models": ["a", "b", "c"],
    "health": [],
    "completions": [{"route": x, "model": x, "mode": "chat"} for x in "abc"],
    "fallbacks": [{"route": "a", "model": "a", "targets": ["~cloud/m"]}],
    "deployments": [
        row("~own/m", "a"),
        row("~own/m", "b"),
        row("~cloud/m", "b"),
        row("~cloud/m", "c"),
    ],
    "providers": {"own": OWN, "cloud": CLOUD},
}


class Gateway:
    """Answers as LiteLLM does: by the id, or by the first of a name's; `broken` say how not."""

    def __init__(self, probes: Mapping[str, Any], broken: Mapping[str, tuple[int, str]]) -> None:
        self.probes, self.broken = probes, broken
        self.asked: list[str] = []

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        if body is None:
            models = [{"id": name} for name in self.probes["models"]]
            return Answer(200, json.dumps({"data": models}).encode())
        word = str(body["model"])
        forced = bool(body.get("mock_testing_fallbacks"))
        self.asked.append(word + (" forced" if forced else ""))
        by = word if word.startswith("~") else self.first(word, forced)
        status, said = self.broken.get(word, self.broken.get(by, (200, "")))
        if status != 200:
            error = {"error": {"message": said}}
            return Answer(status, json.dumps(error).encode(), {}, 1)
        headers = {"x-litellm-model-id": by, "x-litellm-attempted-fallbacks": str(int(forced))}
        content = {"choices": [{}], "usage": {"total_tokens": 12}}
        return Answer(200, json.dumps(content).encode(), headers, 1)

    def first(self, name: str, forced: bool) -> str:
        if forced:
            return next(r["targets"][0] for r in self.probes["fallbacks"] if r["model"] == name)
        return next(r["id"] for r in self.probes["deployments"] if r["name"] == name)


class Host:
    """Two generations, 1 and 2, each with its probes and what is broken in it."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.gateways = Store(base), dict[str, Gateway]()
        self.store.prepare()
        monkeypatch.setattr(proof, "Asker", lambda door, _key, _seconds: self.gateways[door])

    def has(self, number: int, probes: Mapping[str, Any], **broken: tuple[int, str]) -> Gateway:
        folder = self.store.folder / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "probes.json").write_text(json.dumps(probes))
        named = {name.replace("_", "/").replace("own", "~own"): how for name, how in broken.items()}
        self.gateways[f"/{number}"] = Gateway(probes, named)
        return self.gateways[f"/{number}"]

    def values(self, name: str, text: str) -> None:
        (self.store.base / name).write_text(text)

    def prove(self, number: int = 2, compare: int | None = None, **options: Any) -> Proven:
        return prove(
            *(self.store, number, f"/{number}", Options(**options)),
            compare_with=compare,
            private_socket=lambda n: Path(f"/{n}"),
        )


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_everything_is_asked_and_what_it_took_is_said(host: Host) -> None:
    gateway = host.has(2, PROBES)
    found = host.prove()
    assert found.ok, found.lines
    assert sorted(gateway.asked) == ["a", "a forced", "b", "c", "~cloud/m"]
    assert found.cost == [
        {"provider": "own", "cloud": False, "requests": 2, "tokens": 24, "answer_tokens_at_most": 10},
        {"provider": "cloud", "cloud": True, "requests": 3, "tokens": 36, "answer_tokens_at_most": 15},
    ]  # fmt: skip
    assert found.cost_line == (
        "Cost: 5 completions of at most 5 tokens each: own 2; "
        "cloud, a vendor's API, 3 with 36 tokens as it counts (answers: at most 15)."
    )


def without(provider: str, said: str) -> dict[str, Any]:
    told = {**PROBES["providers"], provider: {**PROBES["providers"][provider], "probe": said}}
    return {**PROBES, "providers": told}


# what keeps a provider from being asked, and what is asked then; never anything of the provider's
SPARED = [
    ("the run's own switch", PROBES, {"no_completions": ("cloud",)}, ["a", "~own/m"]),
    ("the registry's health", without("cloud", "health"), {}, ["a", "~own/m"]),
    ("the registry's none", without("cloud", "none"), {}, ["a", "~own/m"]),
    ("the schedule's thrift", PROBES, {"frugal": True}, ["a", "~own/m"]),
    ("another one", PROBES, {"no_completions": ("own",)}, ["a forced", "c", "~cloud/m", "~cloud/m"]),
    ("all", PROBES, {"no_completions": ("own", "cloud")}, []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "probes", "options", "asked"), SPARED, ids=[r[0] for r in SPARED])
def test_a_provider_that_is_spared_is_asked_nothing(
    host: Host, what: str, probes: Any, options: Any, asked: list[str]
) -> None:
    gateway = host.has(2, probes)
    found = host.prove(**options)
    assert found.ok, found.lines
    assert sorted(gateway.asked) == asked


def test_a_name_with_a_spared_provider_is_answered_by_one_that_is_not(host: Host) -> None:
    host.has(2, PROBES, own_m=(500, "boom"))
    found = host.prove(no_completions=("cloud",))
    assert [(r["check"], r["asked"]) for r in found.checks if r["line"] == "routing"] == [
        ("a", "chat of a"),
        ("b", "chat of ~own/m"),
    ]
    assert {r["check"] for r in found.blocking} == {"a", "b", "~own/m"}


def configured(word: str) -> dict[str, Any]:
    rows = [
        {**r, "configured": word if r["id"] == "~own/m" else "1"} for r in PROBES["deployments"]
    ]
    return {**PROBES, "deployments": rows}


REFUSED, BOOM = (500, "litellm.X: Connection error. id 7f3a-1"), (500, "boom")
# how it fails in the old and the new generation, the new one's configuration, what blocks
EXCUSED = [
    ("in the same way", REFUSED, (500, "litellm.X: Connection error. id 99-b2"), "1", []),
    ("in another way", BOOM, REFUSED, "1", ["a", "b", "~own/m"]),
    ("it did not fail before", None, BOOM, "1", ["a", "b", "~own/m"]),
    ("in the same way, configured otherwise", BOOM, BOOM, "2", ["a", "b", "~own/m"]),
    ("the old one keeps away from it", (429, "No deployments available"), BOOM, "1", []),
    ("with another number in it", (500, "try in 5 s"), (500, "try in 17 s"), "1", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "old", "new", "word", "blocks"), EXCUSED, ids=[r[0] for r in EXCUSED]
)
def test_what_failed_before_and_is_unchanged_does_not_block(
    host: Host, what: str, old: Any, new: Any, word: str, blocks: list[str]
) -> None:
    before = host.has(1, PROBES, **({"own_m": old} if old else {}))
    host.has(2, configured(word), own_m=new)
    found = host.prove(compare=1)
    assert not found.ok
    assert [r["check"] for r in found.blocking] == blocks
    # The old one is asked for what failed, and for nothing else.
    assert set(before.asked) <= {"a", "b", "~own/m"}


def test_with_another_value_of_its_key_it_is_not_the_same(host: Host) -> None:
    probes = {**PROBES, "providers": {"own": {**OWN, "variables": ["OWN_KEY"]}, "cloud": CLOUD}}
    host.has(1, probes, own_m=(401, "AuthenticationError: no"))
    host.has(2, probes, own_m=(401, "AuthenticationError: no"))
    host.values("secrets.env", 'OWN_KEY="one"\nOTHER="x"\n')
    assert host.prove(compare=1).blocking == []
    host.values("secrets-2.env", 'OWN_KEY="one"\nOTHER="y"\n')
    assert host.prove(compare=1).blocking == []
    host.values("secrets-2.env", 'OWN_KEY="two"\nOTHER="x"\n')
    assert [r["check"] for r in host.prove(compare=1).blocking] == ["a", "b", "~own/m"]


def test_no_secret_is_in_what_it_says(host: Host) -> None:
    host.has(2, PROBES, own_m=(500, "key sk-very-secret refused"))
    host.values("secrets.env", 'OWN_KEY="sk-very-secret"\n')
    assert "sk-very-secret" not in json.dumps(host.prove().as_dict())


def test_only_what_is_wished_is_asked(host: Host) -> None:
    gateway = host.has(2, PROBES)
    few = frozenset({("routing", "b", "b"), ("new", "~cloud/m", "~cloud/m")})
    found = host.prove(only=few)
    assert sorted(gateway.asked) == ["b", "~cloud/m"]
    assert [r["line"] for r in found.checks] == ["routing", "new"]
    assert probe.LISTING not in {r["line"] for r in found.checks}


def paced(bounds: dict[str, float] | None, configured: str = "1") -> dict[str, Any]:
    """One provider whose answers begin after a second."""
    more = {"performance": bounds} if bounds else {}
    return {
        "models": ["a"],
        "completions": [{"route": "a", "model": "a", "mode": "chat"}],
        "deployments": [row("~own/m", "a", configured)],
        "providers": {"own": {**OWN, "variables": ["OWN_KEY"], **more}},
    }


class Slow(Gateway):
    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        answer = super().ask(path, body)
        if body is None:
            return answer
        pieces = [(1.0 + n / 10, b'{"choices": [{"delta": {"content": "x"}}]}') for n in range(3)]
        return Answer(200, b"", answer.headers, 1200, events=pieces)


SECOND, HALF = {"time_to_first_token_ms": 1000.0}, {"time_to_first_token_ms": 500.0}
# what serves now, the candidate, the new provider, a changed key: whether it may serve
BOUNDS = [
    ("no bounds", None, paced(None), "", False, True),
    ("a bound that is kept", None, paced(SECOND), "", False, True),
    ("the first of all", None, paced(HALF), "", False, False),
    ("as it serves already", paced(HALF), paced(HALF), "", False, True),
    ("the new provider", paced(HALF), paced(HALF), "own", False, False),
    ("another configuration", paced(HALF, "0"), paced(HALF), "", False, False),
    ("another bound", paced(SECOND), paced(HALF), "", False, False),
    ("another key", paced(HALF), paced(HALF), "", True, False),
]


@pytest.mark.parametrize(
    ("serves", "candidate", "new", "key", "may"),
    [b[1:] for b in BOUNDS],
    ids=[b[0] for b in BOUNDS],
)
def test_whom_a_missed_bound_keeps_from_serving(
    host: Host, serves: Any, candidate: Any, new: str, key: bool, may: bool
) -> None:
    host.has(2, candidate)
    host.gateways["/2"] = Slow(candidate, {})
    host.values("secrets.env", 'OWN_KEY="old"\n')
    if key:
        host.values("secrets-2.env", 'OWN_KEY="new"\n')
    if serves:
        host.has(1, serves)
        host.gateways["/1"] = Slow(serves, {})
        host.store.switch(1)
    found = host.prove(compare=1 if serves else None, new_provider=new)
    assert (found.blocking == []) == may
    bounds = candidate["providers"]["own"].get("performance")
    assert found.ok == (bounds != HALF)  # validate.yml says it in any case
    assert found.performance[0]["first_token_ms"] == 1000
    assert found.performance_line.startswith("Measured: ~own/m first token 1.00 s")
    assert found.at.endswith("Z")
