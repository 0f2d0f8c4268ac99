# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a firewall does with one connection, by what nft and iptables print of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.firewall import firewall
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.packet import Packet

PACKET = Packet("10.0.0.1", "10.0.0.2", 8080)


def port(right: Any, op: str = "==") -> dict[str, Any]:
    left = {"payload": {"protocol": "tcp", "field": "dport"}}
    return {"match": {"op": op, "left": left, "right": right}}


def source(right: Any) -> dict[str, Any]:
    left = {"payload": {"protocol": "ip", "field": "saddr"}}
    return {"match": {"op": "==", "left": left, "right": right}}


def meta(key: str, right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"meta": {"key": key}}, "right": right}}


OLD = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established"]}}
DROP, ACCEPT, REJECT = {"drop": None}, {"accept": None}, {"reject": {"type": "tcp reset"}}


def nft(*rules: list[Any], policy: str = "accept", more: Sequence[Any] = ()) -> str:
    base = {"family": "inet", "table": "t"}
    chain = {"name": "in", "hook": "input", "prio": 0, "type": "filter", "policy": policy}
    items: list[Any] = [{"metainfo": {}}, {"table": {"family": "inet", "name": "t"}}]
    items += [{"chain": base | chain}, {"chain": base | {"name": "other"}}, *more]
    items += [{"rule": base | {"chain": "in", "expr": expr}} for expr in rules]
    return json.dumps({"nftables": items})


BY_SET = {
    "set": {"family": "inet", "table": "t", "name": "good", "elem": [{"range": [8000, 8100]}]}
}
DEEPER = {"rule": {"family": "inet", "table": "t", "chain": "other", "expr": [port(8080), DROP]}}
NFT = [
    (nft(), ""),
    (nft([port(8080), DROP]), "dropped"),
    (nft([port(8081), DROP]), ""),
    (nft([port({"set": [22, {"range": [8000, 8100]}]}), REJECT]), "rejected"),
    (nft([port(8080), ACCEPT], [DROP]), ""),
    (nft([OLD, ACCEPT], [meta("iifname", "lo"), ACCEPT], policy="drop"), "dropped"),
    (nft([source({"prefix": {"addr": "10.0.0.0", "len": 24}}), ACCEPT], policy="drop"), ""),
    (nft([source("10.0.0.9"), ACCEPT], policy="drop"), "dropped"),
    (nft([port("@good"), ACCEPT], policy="drop", more=[BY_SET]), ""),
    (nft([port(22, "!="), DROP]), "dropped"),
    (nft([{"jump": {"target": "other"}}], more=[DEEPER]), "dropped"),
    (nft([{"counter": {"packets": 0}}, {"log": None}], [port(8080), DROP]), "dropped"),
    (nft([meta("iifname", "eth9"), port(8080), ACCEPT], policy="drop"), None),
    (nft([meta("iifname", "eth9"), port(22), ACCEPT], policy="drop"), "dropped"),
]
HEAD = "*filter\n:INPUT {} [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-user - [0:0]\n"
UFW = "-A INPUT -j ufw-user\n-A ufw-user -p tcp -m tcp --dport {} -j ACCEPT\n"
IPTABLES = [
    (HEAD.format("ACCEPT"), ""),
    (HEAD.format("DROP"), "dropped"),
    (HEAD.format("ACCEPT") + "-A INPUT -p tcp -m tcp --dport 8080 -j DROP\n", "dropped"),
    (HEAD.format("ACCEPT") + "-A INPUT -p udp -m udp --dport 8080 -j DROP\n", ""),
    (
        HEAD.format("ACCEPT") + "-A INPUT -p tcp -m multiport --dports 22,8000:8100 -j REJECT\n",
        "rejected",
    ),
    (
        HEAD.format("DROP") + "-A INPUT -s 10.0.0.0/24 -p tcp -m tcp --dport 8080 -j ACCEPT\n",
        "",
    ),
    (HEAD.format("DROP") + UFW.format(8080), ""),
    (HEAD.format("DROP") + UFW.format(22), "dropped"),
    (HEAD.format("ACCEPT") + "-A INPUT ! -s 10.0.0.0/24 -j DROP\n", ""),
    (HEAD.format("DROP") + "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n", "dropped"),
    (HEAD.format("DROP") + "-A INPUT -i eth9 -p tcp -j ACCEPT\n", None),
    (HEAD.format("DROP") + '-A INPUT -m comment --comment "a b" -i lo -j ACCEPT\n', "dropped"),
]


def looked(program: str, text: str, **more: str) -> dict[str, Any]:
    """By a stand-in for the programs that prints this."""

    def run(argv: Sequence[str]) -> tuple[str, str] | None:
        return (
            (text, "") if argv[0] == program else (more[argv[0]], "") if argv[0] in more else None
        )

    return firewall(PACKET, run)


@pytest.mark.parametrize(
    ("program", "text", "fault"),
    [("nft", *case) for case in NFT] + [("iptables-save", *case) for case in IPTABLES],
)
def test_what_becomes_of_a_connection(program: str, text: str, fault: str | None) -> None:
    found = looked(program, text)
    if fault is None:
        assert (found["ok"], found["seen"][:14]) == (None, "not to be told")
    else:
        assert (found["ok"], found["fault"]) == (not fault, fault)


def test_the_rule_is_named_and_so_is_who_wrote_it() -> None:
    found = looked("nft", nft([port(8080), DROP]), ufw="Status: active\n")
    assert "for port 8080 in chain in of table inet t (ufw is active)" in found["seen"]
    assert found["about"]["front"] == "ufw"


def test_a_firewall_that_cannot_be_read_is_no_fault() -> None:
    def denied(argv: Sequence[str]) -> tuple[str, str] | None:
        return ("", "Operation not permitted") if argv[0] == "nft" else None

    found = firewall(PACKET, denied)
    assert (found["ok"], "Operation not permitted" in found["seen"]) == (None, True)
    assert firewall(PACKET, lambda argv: None)["ok"]
    assert looked("nft", "no json")["ok"] is None
