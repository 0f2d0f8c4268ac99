# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what of it people and programs read, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.planning import plan as core
from ansible_collections.lab.llm.plugins.module_utils.planning.services import plan_host
from ansible_collections.lab.llm.plugins.module_utils.planning.unit_words import differences

UNIT = """# Kept by lab.llm.

[Unit]
Description=llama-server for {provider}: {model}

[Service]
ExecStart=:/var/lib/llm/llama.cpp/{release}/llama-server --host 10.0.0.1 --port {port} \
--model /var/lib/llm/models/{model}-0123456789ab.gguf --alias {model} {more}
Restart=on-failure
"""
PLAIN = {"provider": "p", "model": "m", "release": "b1-aaaa", "port": 8080, "more": ""}
NOTHING: dict[str, Any] = {
    "account": [], "programs": [], "artifacts": [], "units": {}, "texts": {}, "leftover": [],
    "problems": [],
}  # fmt: skip
SPEC = {
    "provider": "p", "engine": "llama_cpp", "version": None, "port": 8080, "key_variable": "P_KEY",
    "models": [{"name": "m"}], "unit": "llama-server-p.service",
}  # fmt: skip
NAME = "llama-server-p.service"


def unit(**more: Any) -> str:
    return UNIT.format(**{**PLAIN, **more})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"port": 8081}, ["port 8080 -> 8081"]),
        ({"more": "--ctx-size 2048"}, {"more": "--ctx-size 4096"}, ["ctx-size 2048 -> 4096"]),
        ({}, {"more": "--flash-attn"}, ["flash-attn off -> on"]),
        ({"more": "--threads 4"}, {}, ["threads 4 -> off"]),
        ({}, {"release": "b2-bbbb"}, ["program llama.cpp b1-aaaa -> llama.cpp b2-bbbb"]),
        (
            {},
            {"model": "n"},
            ["model file m-0123456789ab.gguf -> n-0123456789ab.gguf", "alias m -> n"],
        ),
        ({"more": "--lora a"}, {"more": "--lora a --lora b"}, ["lora a -> a, b"]),
        ({"more": '"--a b" "50%%"'}, {"more": '"--a b" "60%%"'}, ["a b 50% -> 60%"]),
    ],
)
def test_two_units_differ_in_the_options_of_their_program(
    before: dict[str, Any], after: dict[str, Any], said: list[str]
) -> None:
    assert differences(unit(**before), unit(**after)) == said


def test_what_is_no_option_is_told_by_its_lines() -> None:
    before, after = unit(), unit().replace("on-failure", "always")
    assert differences(before, after) == ["Restart=on-failure -> Restart=always"]
    assert differences(before, f"# more\n{before}") == ["its comments, or the order of its lines"]


@pytest.mark.parametrize(
    ("found", "verb", "said"),
    [
        (
            {"units": {NAME: ["written", "started"]}, "texts": {NAME: ["", unit()]}},
            "add",
            f"{NAME} is new: m on port 8080",
        ),
        (
            {
                "units": {NAME: ["written", "restarted"]},
                "texts": {NAME: [unit(), unit(port=8081)]},
            },
            "change",
            f"{NAME}: port 8080 -> 8081; it restarts",
        ),
        ({"units": {NAME: ["started"]}}, "change", f"{NAME} does not run: it is started"),
        ({"units": {NAME: ["removed", "stopped"]}}, "remove", f"{NAME} is stopped and removed"),
        (
            {
                "artifacts": [
                    {
                        "name": "model m", "target": "/m.gguf", "changed": True,
                        "before": "absent", "after": "sha256 00 from http://mirror/m.gguf",
                    }
                ]
            },
            "add",
            "model m is brought from http://mirror/m.gguf",
        ),
        (
            {
                "artifacts": [
                    {
                        "name": "model m", "target": "/m.gguf", "changed": True,
                        "before": f"sha256 {'ab' * 32}", "after": "sha256 00 from x",
                    }
                ]
            },
            "change",
            "model m is brought anew: /m.gguf is another file (sha256 abababababab…)",
        ),
        ({"account": ["its systemd starts at boot (linger)"]}, "add", "the services' user: its "
         "systemd starts at boot (linger)"),
        ({"programs": ["/usr/bin/llama-server"]}, "add", "/usr/bin/llama-server is not there: its "
         "package is installed"),
    ],
)  # fmt: skip
def test_what_is_done_on_a_host_is_a_sentence(found: dict[str, Any], verb: str, said: str) -> None:
    changes = plan_host({**NOTHING, **found}, [SPEC])
    assert [(change.verb, change.text) for change in changes] == [(verb, said)]


def test_of_a_key_that_nobody_gives_nothing_is_said() -> None:
    found = {**NOTHING, "units": {NAME: ["secrets written", "restarted"]}}
    assert plan_host(found, [SPEC], missing=["P_KEY"]) == []
    assert [c.text for c in plan_host(found, [SPEC])] == [f"{NAME}: its key changes; it restarts"]


CHECK: dict[str, Any] = {
    "services": {"backend1": [SPEC]},
    "variables": [{"name": "P_KEY", "needed_by": ["p", "q"]}],
    "missing_variables": [],
    "file": "",
}
GATEWAY: dict[str, Any] = {
    "items": [], "current": 7, "next": 7, "missing": [], "refused": [], "notes": [], "hosts": [],
}  # fmt: skip


def item(verb: str, kind: str, text: str) -> dict[str, str]:
    return {"verb": verb, "kind": kind, "subject": "x", "text": text}


def test_a_plan_without_a_change_says_so_in_one_line() -> None:
    told = core.plan(CHECK, {"gateway": GATEWAY}, {"backend1": NOTHING})
    said = ["plan: no change: what serves is what the registry declares."]
    assert (core.lines(told), told["ok"], told["changes"]) == (said, True, 0)


def test_changes_are_grouped_and_counted() -> None:
    items = [
        item("change", "fallback", "gpt-4: the fallback changes from llama3.1 to mistral-7b"),
        item("add", "provider", "provider mistral is new: 1 deployment, called mistral-7b"),
        item("remove", "limit", "limit of a: 3 -> none"),
    ]
    host = {**NOTHING, "units": {NAME: ["started"]}}
    told = core.plan(
        {**CHECK, "missing_variables": ["P_KEY"]},
        {"gateway": {**GATEWAY, "items": items, "missing": ["P_KEY"]}},
        {"backend1": host},
    )
    assert core.lines(told) == [
        "Providers",
        "  + provider mistral is new: 1 deployment, called mistral-7b",
        "Names and routes",
        "  ~ gpt-4: the fallback changes from llama3.1 to mistral-7b",
        "Limits",
        "  - limit of a: 3 -> none",
        "backend1",
        f"  ~ {NAME} does not run: it is started",
        "! P_KEY has no value here, needed by p, q: export it where ansible-playbook runs, or put "
        "it into llm_secrets in a vault",
        "plan: 1 to add, 2 to change, 1 to remove; 1 secret is missing. To make it so: "
        "ansible-playbook playbooks/site.yml",
    ]
    assert (told["changes"], told["add"], told["change"], told["remove"]) == (4, 1, 2, 1)
    assert told["secrets"] == {"needed": ["P_KEY"], "missing": ["P_KEY"]}


def test_a_key_that_only_the_host_holds_is_told_so() -> None:
    told = core.plan(
        {**CHECK, "missing_variables": ["P_KEY"]}, {"gateway": GATEWAY}, {"backend1": NOTHING}
    )
    assert "(the gateway's host holds one)" in told["refused"][0]


@pytest.mark.parametrize("found", [{}, {"unreachable": True, "msg": "no route\nto it"}])
def test_a_host_that_was_not_looked_at_is_told_and_the_rest_is_planned(
    found: dict[str, Any],
) -> None:
    items = [item("add", "name", "x is new")]
    told = core.plan(CHECK, {"gateway": {**GATEWAY, "items": items}}, {"backend1": found})
    assert not told["ok"]
    assert list(told["not_seen"]) == ["backend1"]
    assert core.lines(told)[-1].startswith("plan: 1 to add, 0 to change, 0 to remove; not looked")
    told = core.plan(CHECK, {"gateway1": found}, {"backend1": NOTHING})
    assert core.summary(told) == "plan: no change where it was looked at; not looked at: gateway1."


def test_what_stands_in_the_way_is_told_with_the_file_that_was_to_be_added() -> None:
    gateway = {**GATEWAY, "refused": ["somebody is at it"], "items": [item("add", "name", "x")]}
    told = core.plan({**CHECK, "file": "/tmp/x.yaml"}, {"gateway": gateway}, {})
    assert "! the gateway would not be changed: somebody is at it" in core.lines(told)
    assert core.summary(told) == (
        "plan: 1 to add, 0 to change, 0 to remove; it would not begin, see above. To make it so: "
        "ansible-playbook playbooks/add_provider.yml -e file=/tmp/x.yaml"
    )


def test_what_several_gateways_share_is_told_once() -> None:
    added = item("add", "name", "x is new")
    one = {**GATEWAY, "current": 7, "next": 8, "items": [added], "notes": ["A note."]}
    late = item("change", "limit", "limit of a: 3 -> 4")
    two = {**one, "current": 5, "next": 6, "items": [added, late], "refused": ["busy"]}
    told = core.plan(CHECK, {"gw1": one, "gw2": two}, {})
    assert core.lines(told) == [
        "Names and routes",
        "  + x is new",
        "gw2",
        "  ~ limit of a: 3 -> 4",
        "! the gateway would not be changed: gw2: busy",
        "A note.",
        "plan: 1 to add, 1 to change, 0 to remove; it would not begin, see above. To make it so: "
        "ansible-playbook playbooks/site.yml",
    ]
    assert (told["generation"], told["next"]) == (7, 8)
    assert told["gateways"]["gw2"] == {"generation": 5, "next": 6}
    away = core.plan(CHECK, {"gw1": one, "gw2": {"unreachable": True, "msg": "no route"}}, {})
    assert (away["changes"], away["not_seen"], away["ok"]) == (1, {"gw2": "no route"}, False)


def test_what_is_ours_and_declared_no_more_is_a_note_and_no_change() -> None:
    host = {**NOTHING, "leftover": ["llama-server-x.service"]}
    told = core.plan(CHECK, {"gateway": GATEWAY}, {"backend1": host})
    assert told["changes"] == 0
    assert "llama-server-x.service on backend1 is ours and declared no more" in told["notes"][0]
