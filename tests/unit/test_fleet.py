# ruff: noqa: E501 - one line a case
"""Many hosts: what has become of each, and what the gateway serves without some of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils import fleet
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.rotation import rotation
from ansible_collections.lab.llm.plugins.module_utils.routing.shared_state import Redis
from ansible_collections.lab.llm.plugins.module_utils.verdicts import verdict
from tools.real_litellm import RealLiteLLM, real_litellm

GOLDEN = Path(__file__).parents[1] / "golden"
REACHED: dict[str, Any] = {"llm_reached": {"ping": "pong"}}


def broken(why: str, unreachable: bool = False) -> dict[str, Any]:
    return {**REACHED, "llm_host_failure": {"unreachable": unreachable, "why": why}}


# how many failed, of how many, the limit, whether that is beyond it
LIMITS = [
    (0, 10, "0", False),
    (1, 10, 0, True),
    (2, 10, "2", False),
    (3, 10, 2, True),
    (1, 1, "50%", True),
    (1, 2, "50%", False),
    (5, 10, "50%", False),
    (6, 10, "50%", True),
    (1, 50, "1%", True),
    (10, 10, "100%", False),
    (0, 0, "50%", False),
]


@pytest.mark.parametrize(("failed", "hosts", "limit", "beyond"), LIMITS)
def test_a_limit_is_a_number_or_a_part(failed: int, hosts: int, limit: Any, beyond: bool) -> None:
    assert fleet.too_many(failed, hosts, limit) is beyond


@pytest.mark.parametrize("limit", ["many", "-1", "50 %", "", None, 1.5])
def test_another_limit_is_told(limit: object) -> None:
    with pytest.raises(fleet.FleetError, match="expected a number of hosts, or a part such as 20%"):
        fleet.too_many(0, 1, limit)


def test_another_choice_is_told() -> None:
    with pytest.raises(fleet.FleetError, match="expected one of keep, leave_out, stop"):
        fleet.fleet({}, [], "drop", 1)


# the choice, the limit: whether the gateway stays as it is, what it does without
CHOICES = [
    ("keep", "50%", False, []),
    ("leave_out", "50%", False, ["dead", "sick"]),
    ("stop", "50%", True, []),
    ("keep", 1, True, []),
    ("leave_out", 1, True, []),
]
HOSTS = {"a": REACHED, "b": REACHED, "dead": broken("refused", True), "sick": broken("no room\nx")}


@pytest.mark.parametrize(("choice", "limit", "stops", "left_out"), CHOICES)
def test_what_failures_mean_is_a_choice(
    choice: str, limit: Any, stops: bool, left_out: list[str]
) -> None:
    told = fleet.fleet(HOSTS, HOSTS, choice, limit)
    assert (told["stop"], told["left_out"]) == (stops, left_out)
    assert told["failures"] == (["dead: refused", "sick: no room\nx"] if stops else [])
    states = {name: one["state"] for name, one in told["hosts"].items()}
    assert states == {"a": "runs", "b": "runs", "dead": "unreachable", "sick": "failed"}


def test_a_batch_is_begun_only_while_few_have_failed() -> None:
    assert fleet.goes_on(HOSTS, HOSTS, "keep", 2)
    assert not fleet.goes_on(HOSTS, HOSTS, "keep", 1)
    assert not fleet.goes_on(HOSTS, HOSTS, "stop", "100%")
    assert fleet.goes_on({"a": REACHED}, ["a"], "stop", 0)


def test_the_report_has_each_host_once() -> None:
    told = fleet.fleet({**HOSTS, "late": {}}, [*HOSTS, "late"], "keep", 4)
    ended = verdict("site", {}, {"file": False, "fleet": told})
    assert not ended.ok
    assert ended.why.splitlines() == [
        "dead unreachable: refused",
        "sick failed: no room",
        "late not begun: others had failed before",
        "2 of 5 hosts run what is declared. The gateway keeps the deployments on the others.",
    ]
    assert ended.document["hosts"]["sick"] == {"state": "failed", "why": "no room\nx"}
    well = fleet.fleet({"a": REACHED}, ["a"], "keep", 0)
    assert verdict("site", {}, {"file": False, "fleet": well}).ok


def test_where_the_gateway_stays_as_it_is_nothing_else_is_said_of_it() -> None:
    told = fleet.fleet(HOSTS, HOSTS, "stop", "50%")
    noted = {"localhost": {"llm_failure": told["failures"]}}
    ended = verdict("site", noted, {"file": False, "fleet": told})
    assert ended.document["failures"] == ["dead: refused", "sick: no room\nx"]
    assert ended.why.splitlines()[-2:] == [
        "2 of 4 hosts run what is declared.",
        "The gateway is as before.",
    ]


BASE = """\
providers:
  fleet: {type: llama_cpp, deploy: {hosts: [g1, g2, g3]}, models: [{name: f, source: {path: /f}}]}
  one: {type: llama_cpp, deploy: {hosts: g1, port: 9000}, models: [{name: s, source: {path: /s}}]}
  two: {type: llama_cpp, deploy: {hosts: g2, port: 9001}, models: [{name: t, source: {path: /t}}]}
  b: {type: vllm, base_url: "http://b:8000", models: [b1]}
"""
INVENTORY = {"g1": "10.0.0.1", "g2": "10.0.0.2", "g3": "10.0.0.3"}

# rules, hosts left out, name, the ids that answer it, what comes then; None: it is not served
LEFT_OUT = [
    ("", "g1", "f", "~fleet@g2/f ~fleet@g3/f", ""),
    ("", "g1 g2", "f", "~fleet@g3/f", ""),
    ("", "g1 g2 g3", "f", None, ""),
    ("", "g1", "s", None, ""),
    ("", "g2", "s", "~one/s", ""),
    ("fallback_chains: {s: [t, b1]}", "g1", "s", "~two/t#s", "b1"),
    ("fallback_chains: {s: [t, b1]}", "g1 g2", "s", "~b/b1#s", ""),
    ("fallback_chains: {s: [t, b1]}", "g2", "s", "~one/s", "b1"),
    ("exact_matches: {x: {provider: one, backend_model: s, fallback: two}}", "g1", "x", "~two/t#x", ""),
    ("exact_matches: {x: {provider: one, backend_model: s, fallback: two}}", "g1 g2", "x", None, ""),
    ("aliases: {y: s}\nfallback_chains: {s: [b1]}", "g1", "y", "~b/b1#y", ""),
    ("redundant_models: {r: {providers: [{provider: one, model: s, weight: 1}, {provider: b, model: b1, weight: 0}]}}", "g1", "r", "~b/b1#r", ""),
    ("rate_limit_settings: {limits: {fleet: {rpm: 30}}}", "g1", "f", "~fleet@g2/f ~fleet@g3/f", ""),
]  # fmt: skip


def without(tmp_path: Path, rules: str, hosts: str) -> Compiled:
    (tmp_path / "lab.yaml").write_text(BASE + rules)
    inventory = Inventory({}, INVENTORY, left_out=tuple(hosts.split()))
    return compile_registry(str(tmp_path), inventory)


@pytest.mark.parametrize(("rules", "hosts", "name", "ids", "then"), LEFT_OUT)
def test_a_name_is_answered_by_what_is_left(
    tmp_path: Path, rules: str, hosts: str, name: str, ids: str | None, then: str
) -> None:
    found = without(tmp_path, rules, hosts)
    assert found.gateway_config is not None, found.problems
    entries = [one for one in found.gateway_config["model_list"] if one["model_name"] == name]
    assert [one["model_info"]["id"] for one in entries] == (ids.split() if ids else [])
    chains = found.gateway_config["router_settings"].get("fallbacks", [])
    called = [to for chain in chains for to in chain.get(name, [])]
    assert called == then.split()


def test_what_is_left_keeps_its_part_of_a_limit(tmp_path: Path) -> None:
    rules = "rate_limit_settings: {limits: {fleet: {rpm: 30}}}"
    found = without(tmp_path, rules, "g1").gateway_config
    assert found is not None
    assert {one["litellm_params"]["rpm"] for one in found["model_list"] if "rpm" in one["litellm_params"]} == {10}  # fmt: skip


def test_what_was_left_out_is_not_asked_and_still_has_its_services(tmp_path: Path) -> None:
    found = without(tmp_path, "", "g1")
    assert sorted({one["host"] for one in found.probes["health"]} - {""}) == ["g2", "g3"]
    assert sorted(found.services) == ["g1", "g2", "g3"]


def cases() -> list[tuple[str, str]]:
    """Each golden registry with hosts, and each of its hosts."""
    found = []
    for path in sorted(GOLDEN.glob("*/inventory.json")):
        hosts = json.loads(path.read_text()).get("addresses", {})
        found += [(path.parent.name, host) for host in hosts]
    return found


@pytest.fixture(scope="module")
def litellm() -> RealLiteLLM:
    return real_litellm()


@pytest.mark.litellm
@pytest.mark.parametrize(("case", "host"), cases())
def test_what_is_left_is_whole(case: str, host: str, litellm: RealLiteLLM) -> None:
    known = json.loads((GOLDEN / case / "inventory.json").read_text())
    inventory = Inventory(**{**known, "left_out": (host,)})
    found = compile_registry(str(GOLDEN / case / "registry"), inventory)
    config = found.gateway_config
    assert config is not None
    ids = [one["model_info"]["id"] for one in config["model_list"]]
    assert not [one for one in ids if f"@{host}/" in one]
    names = {one["model_name"] for one in config["model_list"]}
    for chain in config["router_settings"].get("fallbacks", []):
        for name, targets in chain.items():
            assert name in names
            assert set(targets) <= names | set(ids)
    if ids:
        assert litellm.load(config)["ids"] == ids


SHARED = """\
providers:
  b: {type: vllm, base_url: "http://b:8000", models: [b1]}
rate_limit_settings: {limits: {b: {rpm: 30}}}
"""
STORES: list[tuple[Redis, dict[str, Any]]] = [
    (Redis("10.0.0.9"), {"redis_port": 6379}),
    (Redis("r", 7000, "llm"), {"redis_port": 7000, "cache_kwargs": {"username": "llm"}}),
    (Redis("r", tls=True), {"cache_kwargs": {"ssl": True}}),
    (Redis("r", tls=True, ca="/ca"), {"cache_kwargs": {"ssl": True, "ssl_ca_certs": "/ca"}}),
]


@pytest.mark.parametrize(("store", "settings"), STORES)
def test_gateways_count_together_in_redis(
    tmp_path: Path, store: Redis, settings: dict[str, Any]
) -> None:
    (tmp_path / "lab.yaml").write_text(SHARED)
    two = {"gateway": ["gw1", "gw2"]}
    found = compile_registry(str(tmp_path), Inventory(two, {}, 2, redis=store))
    assert found.gateway_config is not None
    wanted = {"redis_host": store.host, "redis_password": "os.environ/LLM_REDIS_PASSWORD"}
    made = found.gateway_config["router_settings"]
    assert {key: made[key] for key in {**settings, **wanted}} == {**settings, **wanted}
    assert "LLM_REDIS_PASSWORD" in [one["name"] for one in found.variables]
    assert [one.code for one in found.problems if one.code == "counted-by-each"] == []


def test_without_redis_each_gateway_counts_by_itself(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(SHARED)
    found = compile_registry(str(tmp_path), Inventory({"gateway": ["gw1", "gw2"]}, {}, 2))
    assert [one.code for one in found.problems if one.code == "counted-by-each"]
    assert found.gateway_config is not None
    assert "redis_host" not in found.gateway_config["router_settings"]


@pytest.mark.parametrize(("gateways", "needed"), [(["gw1"], []), (["gw1", "gw2"], ["gw1", "gw2"])])
def test_several_gateways_are_given_the_key_of_their_clients(
    tmp_path: Path, gateways: list[str], needed: list[str]
) -> None:
    """One alone makes it; several would make one each, and a client has one."""
    (tmp_path / "lab.yaml").write_text(SHARED)
    found = compile_registry(str(tmp_path), Inventory({"gateway": gateways}, {}))
    by = {one["name"]: one["needed_by"] for one in found.variables}
    assert by.get("LITELLM_MASTER_KEY", []) == needed
    assert rotation(found.as_dict(), "LITELLM_MASTER_KEY")["providers"] == []
