# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was seen to the cause: the earliest layer that fails wins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.filter.diagnosing import diagnosis_report
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.diagnosis import diagnosis
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.rows import masked, row
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.rules import RULES
from ansible_collections.lab.llm.plugins.module_utils.host.diagnosis import cause
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import State

Row = dict[str, Any]
UNIT, HOST, GATEWAY = "llama-server-small.service", "gpu01", "gw"
# What each host says where all is well, by check.
WELL = {
    GATEWAY: ("gateway", "key", "dns", "port", "proxy", "tls", "health", "models", "firewall_out"),
    HOST: (
        *("unit", "restarts", "journal", "port_here", "key_here", "health_here", "models_here"),
        *("firewall", "gpu"),
    ),
}
OF_IT = ("dns", "port", "proxy", "tls", "health", "models", "firewall_out")


def asked(deployed: bool = True, **about: Any) -> dict[str, Any]:
    known = {
        "provider": "small",
        "type": "llama_cpp",
        "status": "active",
        "place": "registry/a.yaml:3:3",
        "deployed": deployed,
        "cloud": False,
        "variable": "KEY",
        "gateways": [GATEWAY],
        "hosts": [HOST] if deployed else [],
    }
    instance = {"unit": UNIT, "port": 8080, "address": "10.0.0.2", "gateways": ["10.0.0.1"]}
    hosts = {GATEWAY: {"gateway": {"provider": "small"}, "instance": {}}}
    if deployed:
        hosts[HOST] = {"gateway": {}, "instance": instance}
    checks = [row(name, name, "", "well") for name in ("entry", "status", "routes")]
    return {"provider": "small", "about": known | about, "hosts": hosts, "rows": checks}


def results(*faults: Row, deployed: bool = True) -> dict[str, Any]:
    """All is well but for these."""
    said = {}
    for host, checks in WELL.items():
        if host == HOST and not deployed:
            continue
        rows = []
        for name in checks:
            wrong = [one for one in faults if one["check"] == name]
            found = wrong or [row(name, name, "good", "well")]
            target = HOST if deployed and name in OF_IT else ""
            rows += [{"target": target, **one} if host == GATEWAY else one for one in found]
        said[host] = {"rows": rows, "skew": [-0.4, 0.6]}
    return said


def fault(check: str, word: str, seen: str = "ill", **about: Any) -> Row:
    return row(check, check, "good", seen, word, **about)


PORT = fault("port", "refused", name="10.0.0.2", port=8080)
LATE = fault("port", "timeout", name="10.0.0.2", port=8080)
MUTE = fault("models", "refused", url="http://10.0.0.2:8080/v1/models")
NO_KEY = {**row("key", "the key", "", "none is declared"), "ok": None}
CAUSES = [
    ([fault("unit", "stopped"), PORT, MUTE], "does not run: somebody stopped it"),
    ([fault("unit", "missing"), PORT, MUTE], "was never deployed there"),
    ([fault("unit", "down", why="the GPU's memory is full"), PORT], "the GPU's memory is full"),
    (
        [fault("unit", "down", why="x"), fault("port_here", "taken", port=8080, holder="nginx")],
        "Port 8080 of gpu01 is taken by nginx",
    ),
    ([fault("port_here", "nobody", unit=UNIT, port=8080), PORT], "does not listen on port 8080"),
    ([fault("port_here", "elsewhere", unit=UNIT, at="127.0.0.1"), PORT], "listens at 127.0.0.1"),
    (
        [fault("firewall", "dropped", rule="a rule", port=8080), LATE, MUTE],
        "The firewall of gpu01 keeps the gateway from port 8080",
    ),
    ([LATE, MUTE], "connections from gw do not arrive there"),
    ([fault("dns", "no_such_name", name="gpu.lab"), MUTE], "The name gpu.lab does not exist"),
    (
        [fault("dns", "no_such_region", name="bedrock-runtime.x.amazonaws.com", variable="REGION")],
        "of the value of REGION LiteLLM makes bedrock-runtime.x.amazonaws.com",
    ),
    ([fault("dns", "no_server", name="gpu.lab"), MUTE], "no DNS server gives it an answer"),
    (
        [fault("proxy", "between", name="a.lab", proxy="http://px:1", said="403"), MUTE],
        "asks a.lab through the proxy http://px:1, which says 403; without it",
    ),
    ([fault("proxy", "gone", name="a.lab", proxy="http://px:1"), MUTE], "is not to be reached"),
    ([fault("proxy", "refuses", proxy="http://px:1", said="407"), MUTE], "not let it through: 407"),
    ([fault("tls", "expired", name="a.lab"), MUTE], "The certificate of a.lab has expired"),
    ([fault("tls", "self_signed", name="a.lab"), MUTE], "does not trust the certificate of a.lab"),
    ([fault("tls", "wrong_name", name="a.lab", names="b.lab")], "for another name: b.lab"),
    ([fault("tls", "not_tls", name="a.lab", port=80), MUTE], "does not speak TLS on port 80"),
    ([fault("health", "loading", url="u"), fault("models", "loading")], "u says 503"),
    ([fault("health_here", "loading"), fault("health", "loading")], "still loads its model"),
    (
        [fault("models", "key_refused"), fault("key", "missing", variable="KEY")],
        "The gateway has no value for KEY",
    ),
    ([fault("models", "key_refused")], "KEY is not the key that llama-server-small.service on"),
    (
        [fault("models", "key_refused"), fault("models_here", "key_refused")],
        "small refuses the value of KEY",
    ),
    ([fault("models", "key_refused"), NO_KEY], "wants a key, and the registry names none"),
    ([fault("models", "forbidden", "403: no")], "(403): 403: no"),
    ([fault("models", "limited", "429")], "The limit of small is reached"),
    (
        [fault("models", "not_found", url="u/models"), fault("health", "not_found", url="u")],
        "There is no API at u/models (404)",
    ),
    ([fault("health", "not_found", url="u/h", status=404)], "no health endpoint at u/h (404)"),
    ([fault("models", "model_missing", missing="m", listed="n")], "does not have m: it lists n"),
    ([fault("models", "model_failed", failed="m")], "m failed to load"),
    ([fault("gateway", "absent", generation=7)], "not in what the gateway serves (generation 7)"),
    ([fault("gateway", "older", generation=7)], "as it was declared before (generation 7)"),
]


@pytest.mark.parametrize(("faults", "words"), CAUSES, ids=[words for _, words in CAUSES])
def test_the_earliest_layer_that_fails_is_the_cause(faults: list[Row], words: str) -> None:
    told = diagnosis(asked(), results(*faults))
    assert words in told["cause"]
    assert told["fix"]
    assert not told["healthy"]
    assert "{" not in told["cause"] + told["fix"]


def test_where_all_is_well_there_is_no_cause() -> None:
    told = diagnosis(asked(), results())
    assert (told["healthy"], told["cause"], told["warnings"], told["not_seen"]) == (
        True,
        "",
        [],
        {},
    )
    assert diagnosis_report(asked(), results())["report"][-1].startswith("small is well: ")


def test_a_host_that_is_gone_is_the_cause_where_the_gateway_does_not_reach_it_either() -> None:
    gone = {"unreachable": True, "msg": "ssh: no route to host"}
    told = diagnosis(asked(), results(LATE, MUTE) | {HOST: gone})
    assert "gpu01 does not answer at all, neither Ansible nor the gateway" in told["cause"]
    assert told["not_seen"] == {HOST: "ssh: no route to host"}
    told = diagnosis(asked(), results() | {HOST: gone})
    assert told["healthy"]
    assert "Ansible could not look at gpu01" in told["warnings"][0]["cause"]
    told = diagnosis(asked(), results() | {GATEWAY: gone})
    assert "The gateway's host gw cannot be reached" in told["cause"]


def test_a_provider_that_somebody_else_runs_has_no_unit_in_its_causes() -> None:
    said = results(fault("port", "refused", name="10.0.0.9", port=80), deployed=False)
    told = diagnosis(asked(deployed=False), said)
    assert told["cause"].startswith("Nothing listens on port 80 of 10.0.0.9")


def test_of_several_instances_each_has_a_cause_of_its_own() -> None:
    question = asked(hosts=[HOST, "gpu02"])
    question["hosts"]["gpu02"] = {"gateway": {}, "instance": {"unit": UNIT, "port": 8080}}
    said = results(fault("unit", "stopped"))
    rows = [{**PORT, "target": "gpu02"}]
    said[GATEWAY]["rows"] += rows
    said["gpu02"] = {"rows": [fault("unit", "missing")], "skew": [0.0, 1.0]}
    told = diagnosis(question, said)
    assert "is not on gpu02" in told["cause"]
    assert ["gpu01" in one["cause"] for one in told["also"]] == [True]


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        ([-0.5, 1.0], ""),
        ([20.0, 21.0], ""),
        ([120.0, 121.0], "The clock of gw is 120 s ahead of the controller's"),
        ([-301.0, -300.0], "The clock of gw is 300 s behind the controller's"),
    ],
)
def test_a_clock_that_is_surely_wrong_is_told(skew: list[float], words: str) -> None:
    said = results()
    said[GATEWAY]["skew"] = skew
    told = diagnosis(asked(), said)
    assert told["healthy"]
    assert " ".join(one["cause"] for one in told["warnings"]).startswith(words)
    assert bool(words) == bool(told["warnings"])


def test_the_run_fails_only_where_that_is_asked_for() -> None:
    ill = results(fault("unit", "stopped"))
    assert diagnosis_report(asked(), ill)["ok"]
    ended = diagnosis_report(asked(), ill, exit_code=True)
    assert not ended["ok"]
    assert "somebody stopped it" in ended["why"]
    assert "somebody stopped it" in ended["report"][-2]
    assert ended["report"][-1].startswith("What to do: Start it: ")
    assert diagnosis_report(asked(), results(), exit_code=True)["ok"]
    document = json.loads(diagnosis_report(asked(), ill, format="json")["report"])
    assert (document["ok"], document["healthy"]) == (True, False)


def test_every_rule_says_what_to_do_in_whole_sentences() -> None:
    for rule in RULES:
        assert rule.fix
        assert rule.cause[0].isupper() or rule.cause[0] == "{"
    assert len({(rule.check, rule.faults, rule.given) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "Error: model requires more system memory (44.0 GiB) than is available (7.6 GiB)",
            "the model needs more memory (44.0 GiB) than is free (7.6 GiB)",
        ),
        ("write /m/blobs/sha256-1: no space left on device", "a disk of the host is full"),
        ("server busy, maximum pending requests exceeded", "OLLAMA_MAX_QUEUE"),
    ],
)
def test_what_ollama_says_is_understood(line: str, words: str) -> None:
    failed = State("ollama-x.service", {"ActiveState": "failed", "Result": "exit-code"})
    assert words in cause(failed, [line])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the key is s3cret", "the key is ***"),
        ("Incorrect API key provided: sk-proj-ab12cd34ef", "Incorrect API key provided: ***"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("loaded task-model at disk-0", "loaded task-model at disk-0"),
        ({"a": ["token hf_abcdefgh1234"]}, {"a": ["token ***"]}),
    ],
)
def test_what_is_or_looks_like_a_key_is_in_no_text(text: Any, shown: Any) -> None:
    assert masked(text, ["s3cret", "x", ""]) == shown
