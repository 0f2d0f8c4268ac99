# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: each thing that is not as it was deployed has a sentence and what mends it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.planning import drift as core
from ansible_collections.lab.llm.plugins.module_utils.planning import observed
from ansible_collections.lab.llm.plugins.module_utils.planning.findings import SITE
from ansible_collections.lab.llm.plugins.module_utils.planning.process import listings, of_backends

ARGS = {"path": "/var/lib/llm/gateway", "user": "llm", "host": "gateway1"}
CONFIG: dict[str, Any] = {
    "model_list": [
        {
            "model_name": name,
            "litellm_params": {
                "model": f"openai/{name}", "api_base": "http://b1:8080/v1", "rpm": 3,
                "api_key": "os.environ/LAB_KEY",
            },
            "model_info": {"id": f"~lab@b1/{name}", "mode": "chat"},
        }
        for name in ("m", "n")
    ],
    "router_settings": {"fallbacks": [{"m": ["n"]}], "num_retries": 0},
}  # fmt: skip
UP = ["active", True, False, []]
PARAMS = {"api_base": "http://b1:8080/v1", "rpm": 3}
FOUND: dict[str, Any] = {
    "current": 7, "at": 0, "by": "ada", "files": [], "units": [], "foreign": [],
    "states": {"litellm.socket": UP, "litellm@7.service": ["active", False, False, []]},
    "serving": [7], "systemd": "", "modes": [], "secrets": False, "program": "", "venv": "",
    "process": {
        "models": ["m", "n"],
        "deployments": [
            {"id": f"~lab@b1/{x}", "name": x, "params": {**PARAMS, "model": f"openai/{x}"}}
            for x in ("m", "n")
        ],
        "settings": {"fallbacks": [{"m": ["n"]}], "num_retries": 0},
    },
    "config": "", "probes": {"models": ["m", "n"]}, "unconfirmed": "",
}  # fmt: skip


def texts(found: dict[str, Any], config: dict[str, Any] = CONFIG) -> list[str]:
    return [one.text for one in observed.findings({**FOUND, **found}, ARGS, config)]


def process(**more: Any) -> dict[str, Any]:
    return {"process": {**FOUND["process"], **more}}


def row(name: str, **params: Any) -> dict[str, Any]:
    known = {**PARAMS, "model": f"openai/{name}", **params}
    return {"id": f"~lab@b1/{name}", "name": name, "params": known}


def test_where_all_is_as_it_was_deployed_nothing_is_found() -> None:
    assert texts({}) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"files": [{"file": "config.yaml", "was": "a" * 64, "is": "b" * 64}]},
            "generation 7: config.yaml was changed after it was deployed (sha256 aaaaaaaaaaaa "
            "then, bbbbbbbbbbbb now)",
        ),
        (
            {"files": [{"file": "probes.json", "was": "a" * 64, "is": "gone"}]},
            "generation 7: probes.json is gone",
        ),
        (
            {"files": [{"file": "x.py", "was": "gone", "is": "not of it"}]},
            "generation 7: x.py is not of it: somebody has put it there",
        ),
        (
            {"units": [{"unit": "litellm.socket", "was": "[Socket]\nA=1\n", "is": None}]},
            "unit litellm.socket is gone",
        ),
        (
            {
                "units": [
                    {"unit": "litellm.socket", "was": "[Socket]\nA=1\n", "is": "[Socket]\nA=2\n"}
                ]
            },
            "unit litellm.socket was changed: A=1 -> A=2",
        ),
        (
            {"foreign": ["/x/litellm.socket"]},
            "/x/litellm.socket was written by somebody else in the place of ours",
        ),
        (
            {"states": {"litellm.socket": ["inactive", True, False, []]}},
            "litellm.socket does not run: it is inactive",
        ),
        (
            {"states": {"litellm.socket": ["active", False, False, []]}},
            "litellm.socket does not start at boot any more",
        ),
        (
            {"states": {"litellm.socket": ["active", True, True, []]}},
            "litellm.socket: systemd runs an older text of it than the one on the disk",
        ),
        ({"serving": [6]}, "generation 6 serves, and `current` names generation 7"),
        ({"serving": []}, "nobody serves, and `current` names generation 7"),
        (
            {"modes": [{"path": "/x/secrets.env", "was": "0600", "is": "0644"}]},
            "/x/secrets.env has the mode 0644: others than its user may read it",
        ),
        (
            {"secrets": True},
            "secrets.env: a value is not the one that was deployed; which one is not known, for "
            "only a keyed hash of all is kept",
        ),
        (
            {"program": "its files are not those of its version"},
            "the program that changes the gateway: its files are not those of its version",
        ),
        (
            {"venv": "litellm 1.0 in the place of 1.106.2"},
            "LiteLLM's venv is not the one that was installed: litellm 1.0 in the place of 1.106.2",
        ),
        (
            {"process": {"error": "connection refused"}},
            "generation 7 does not answer behind its private door: connection refused",
        ),
        (process(models=["m"]), "n was deployed, and the process that serves does not list it"),
        (
            process(models=["m", "n", "x"]),
            "the process that serves lists x, which was not deployed",
        ),
        (
            process(deployments=[row("m")]),
            "n at lab on b1 is in config.yaml, and the process that serves has not loaded it",
        ),
        (
            process(deployments=[row("m"), row("n"), row("x")]),
            "the process that serves has x at lab on b1, which config.yaml does not hold",
        ),
        (
            process(deployments=[row("m"), row("n", rpm=9)]),
            "limit of n at lab on b1: 3 in config.yaml, 9 in the process that serves",
        ),
        (
            process(settings={"fallbacks": [], "num_retries": 0}),
            "fallback of m: n in config.yaml, nobody in the process",
        ),
        (
            process(settings={"num_retries": 2}),
            "retries: 0 in config.yaml, 2 in the process that serves",
        ),
    ],
)
def test_each_thing_on_the_gateway_has_its_sentence(found: dict[str, Any], said: str) -> None:
    assert texts(found) == [said]


def test_a_process_that_is_another_is_restarted_unless_its_files_are_others_too() -> None:
    extra = process(models=["m", "n", "x"])
    found = {**FOUND, **extra}
    assert "restart litellm.service" in observed.findings(found, ARGS, CONFIG)[0].fix
    damaged = {**found, "files": [{"file": "config.yaml", "was": "a", "is": "b"}]}
    assert {one.fix for one in observed.findings(damaged, ARGS, CONFIG)} == {SITE}


def test_what_the_process_is_not_asked_for_is_no_drift() -> None:
    first = CONFIG["model_list"][0]
    more = {"input_cost_per_token": 1.0, "extra_headers": {"X-A": "os.environ/A"}, "drop_params": 1}
    entry = {**first, "litellm_params": {**first["litellm_params"], **more}}
    assert texts({}, {**CONFIG, "model_list": [entry, CONFIG["model_list"][1]]}) == []


def test_what_stands_under_a_wildcard_is_litellms_own_matter() -> None:
    entry = {
        "model_name": "gpt-*",
        "litellm_params": {"model": "openai/*", "api_base": "http://b1:8080/v1"},
        "model_info": {"id": "~lab@b1/*", "mode": "chat"},
    }
    config = {**CONFIG, "model_list": [*CONFIG["model_list"], entry]}
    names = ["m", "n", "gpt-4o", "gpt-5"]
    rows = [row("m"), row("n"), {"id": "~lab@b1/*", "name": "gpt-4o", "params": {}}]
    probes = {"models": ["m", "n"], "wildcards": ["gpt-*"]}
    assert texts({**process(models=names, deployments=rows), "probes": probes}, config) == []


def test_a_drop_in_of_the_users_is_a_note_and_no_drift() -> None:
    states = {"litellm@7.service": ["active", False, False, ["/h/.config/systemd/x.conf"]]}
    assert texts({"states": states}) == []
    assert "has a drop-in of its user's" in next(observed.notes({**FOUND, "states": states}))


def test_backends_are_asked_at_their_own_lists() -> None:
    providers = {"lab": {"probe": "full", "cloud": False}}
    [asked] = listings(CONFIG, {"providers": providers})
    assert asked == {
        "provider": "lab", "host": "b1", "url": "http://b1:8080/v1/models", "kind": "openai",
        "key_variable": "LAB_KEY", "models": ["m", "n"],
    }  # fmt: skip
    assert listings(CONFIG, {"providers": {"lab": {"probe": "full", "cloud": True}}}) == []


def test_one_that_runs_on_one_host_is_found_by_its_health() -> None:
    entry = {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "api_base": "http://b2:8081/v1"},
        "model_info": {"id": "~alone/m"},
    }
    health = [{"provider": "alone", "host": "b2", "url": "http://b2:8081/health"}]
    providers = {"alone": {"unit": "llama-server-alone.service"}}
    probes = {"deployments": [{"id": "~alone/m"}], "health": health, "providers": providers}
    assert observed.expected(probes, {"model_list": [entry]}) == {
        "b2": {"alone": {"unit": "llama-server-alone.service", "port": 8081}}
    }
    assert [one["host"] for one in listings({"model_list": [entry]}, probes)] == ["b2"]


OURS = {"provider": "lab", "host": "b1", "kind": "openai", "models": ["m"]}
THEIRS = {"provider": "pal", "host": "", "kind": "ollama", "models": ["m"]}


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ({**OURS, "has": ["m"]}, []),
        ({**OURS, "has": ["m", "x"]}, ["lab on b1 has x, which was not deployed"]),
        (
            {**OURS, "has": ["x"]},
            [
                "lab on b1 does not have m any more: it lists x",
                "lab on b1 has x, which was not deployed",
            ],
        ),
        (
            {**OURS, "error": "connection refused"},
            ["lab on b1 does not say which models it has: connection refused"],
        ),
        ({**THEIRS, "has": ["m:latest", "x"]}, []),
        ({**THEIRS, "has": []}, ["pal does not have m any more: it lists nothing"]),
    ],
)
def test_what_a_backend_has_is_compared_with_what_is_asked_of_it(
    said: dict[str, Any], texts: list[str]
) -> None:
    assert [one.text for one in of_backends([said], [])] == texts


NAME = "llama-server-lab.service"
GATEWAY: dict[str, Any] = {
    "current": 7, "findings": [], "notes": [], "backends": [],
    "expected": {"b1": {"lab": {"unit": NAME, "port": 8080}}},
}  # fmt: skip
UNIT: dict[str, Any] = {
    "unit": NAME, "file": "ours", "text": None, "was": None, "secrets": False, "mode": "",
    "watch": [], "expected": True, "active": "active", "result": "success", "enabled": True,
    "reload": False, "drop_ins": [], "holder": "",
}  # fmt: skip


def host(**more: Any) -> dict[str, Any]:
    return {"b1": {"units": [{**UNIT, **more}], "leftover": [], "systemd": ""}}


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ({"file": "gone", "active": ""}, f"unit {NAME} is gone"),
        ({"file": "foreign"}, f"unit {NAME} was written by somebody else in the place of ours"),
        (
            {
                "was": "[Service]\nExecStart=:/x --port 1\n",
                "text": "[Service]\nExecStart=:/x --port 2\n",
            },
            f"unit {NAME} was changed: port 1 -> 2",
        ),
        (
            {"active": "failed", "result": "exit-code"},
            f"{NAME} does not run: it is failed (exit-code)",
        ),
        ({"enabled": False}, f"{NAME} does not start at boot any more"),
        ({"secrets": True}, f"the key of {NAME} is not the one that it was started with"),
        ({"mode": "0644"}, f"the file of {NAME}'s key has the mode 0644: others may read it"),
        (
            {"watch": ["/m.gguf is another file"]},
            f"/m.gguf is another file, which {NAME} was started with",
        ),
        (
            {"holder": "8080 is held by python (pid 7) of ada"},
            f"the port of {NAME}: 8080 is held by python (pid 7) of ada",
        ),
    ],
)
def test_each_thing_on_a_host_has_its_sentence(unit: dict[str, Any], said: str) -> None:
    told = core.drift({"gateway": GATEWAY}, host(**unit))
    assert [(one["host"], one["text"]) for one in told["findings"]] == [("b1", said)]
    assert all(one["fix"] for one in told["findings"])


def test_no_drift_says_so_in_one_line() -> None:
    told = core.drift({"gateway": GATEWAY}, host())
    assert core.lines(told) == ["drift: no drift: all is as it was deployed (generation 7)."]
    assert (told["ok"], told["drift"]) == (True, 0)


def test_an_instance_that_is_stopped_is_told_once() -> None:
    backends = [{**OURS, "error": "connection refused"}]
    told = core.drift({"gateway": {**GATEWAY, "backends": backends}}, host(active="inactive"))
    assert core.lines(told) == [
        "b1",
        f"  ! {NAME} does not run: it is inactive",
        f"    mend: {SITE}",
        "drift: 1 thing not as deployed (generation 7).",
    ]


def test_a_host_that_was_not_looked_at_is_told_and_the_rest_is_compared() -> None:
    finding = {
        "kind": "unit", "subject": "x", "was": "", "now": "", "text": "x is gone", "fix": SITE,
        "host": "",
    }  # fmt: skip
    backends = [{**OURS, "error": "no answer"}]
    gateway = {**GATEWAY, "findings": [finding], "backends": backends}
    told = core.drift({"gateway1": gateway}, {"b1": {"unreachable": True, "msg": "no route"}})
    assert not told["ok"]
    assert core.lines(told) == [
        "gateway1",
        "  ! x is gone",
        f"    mend: {SITE}",
        "! b1 could not be looked at, so nothing is said of it: no route",
        "drift: 1 thing not as deployed (generation 7); not looked at: b1.",
    ]


def test_several_gateways_are_told_each_by_its_name() -> None:
    finding = {
        "kind": "unit", "subject": "x", "was": "", "now": "", "text": "x is gone", "fix": SITE,
        "host": "",
    }  # fmt: skip
    late = {**GATEWAY, "current": 5, "findings": [finding]}
    told = core.drift({"gw1": GATEWAY, "gw2": late}, host())
    assert core.lines(told) == [
        "gw2",
        "  ! x is gone",
        f"    mend: {SITE}",
        "drift: 1 thing not as deployed (generations 7 on gw1, 5 on gw2).",
    ]
    assert told["generations"] == {"gw1": 7, "gw2": 5}
    b2 = {"b2": {"q": {"unit": "llama-server-q.service", "port": 8081}}}
    assert list(core.expected({"gw1": GATEWAY, "gw2": {"expected": b2}})) == ["b1", "b2"]


def test_where_nothing_serves_yet_it_says_so() -> None:
    told = core.drift({"gateway": {**GATEWAY, "current": None, "expected": {}}}, {})
    assert core.summary(told) == "drift: nothing serves yet, so there is nothing to compare."


def test_what_the_gateway_does_not_ask_is_a_note() -> None:
    told = core.drift(
        {"gateway": GATEWAY}, {"b1": {**host()["b1"], "leftover": ["llama-server-x.service"]}}
    )
    assert told["drift"] == 0
    assert told["notes"] == [
        "llama-server-x.service on b1 is ours, and the gateway does not ask it."
    ]
