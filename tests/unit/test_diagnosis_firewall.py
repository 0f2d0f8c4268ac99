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


def verdicts(key: dict[str, Any], *said: Any) -> dict[str, Any]:
    """A map from values to verdicts, as `ct state vmap { established : accept }`."""
    return {"vmap": {"key": key, "data": {"set": [*said]}}}


STATE, TO = {"ct": {"key": "state"}}, {"payload": {"protocol": "tcp", "field": "dport"}}
KNOWN = verdicts(STATE, ["established", ACCEPT], ["invalid", DROP])
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
    (nft([KNOWN], [verdicts(TO, [22, ACCEPT], [8080, ACCEPT])], policy="drop"), ""),
    (nft([KNOWN], [verdicts(TO, [22, ACCEPT])], policy="drop"), "dropped"),
    (nft([KNOWN], [verdicts(TO, [{"range": [8000, 8100]}, DROP])]), "dropped"),
    (nft([verdicts(TO, [8080, {"jump": {"target": "other"}}])], more=[DEEPER]), "dropped"),
    (nft([verdicts({"meta": {"key": "iifname"}}, ["lo", ACCEPT])], policy="drop"), "dropped"),
    (nft([port(22, "!="), DROP]), "dropped"),
    (nft([{"jump": {"target": "other"}}], more=[DEEPER]), "dropped"),
    (nft([{"counter": {"packets": 0}}, {"log": None}], [port(8080), DROP]), "dropped"),
    (nft([meta("iifname", "eth9"), port(8080), ACCEPT], policy="drop"), None),
    (nft([meta("iifname", "eth9"), port(22), ACCEPT], policy="drop"), "dropped"),
    (nft([meta("iifname", {"set": ["lo", "eth9"]}), ACCEPT], policy="drop"), None),
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


# A condition of a rule that lets in, where the policy is to drop: fits, does not, is not known.
CONDITIONS = [
    ("-p tcp --syn", ""),
    ("-p tcp --tcp-flags FIN,SYN,RST,ACK SYN", ""),
    ("-p tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", "dropped"),
    ("-p tcp --tcp-flags ALL NONE", "dropped"),
    ("-p tcp --tcp-flags SYN,FIN SYN,FIN", "dropped"),
    ("-p tcp -m tcp --sport 1024:65535 --dport 8080", ""),
    ("-p tcp -m tcp --sport 53", "dropped"),
    ("-p tcp -m tcp --sport 40000:50000", None),
    ("-p tcp -m multiport --ports 22,8080", ""),
    ("-p tcp -m multiport --ports 22,80", "dropped"),
    ("-m iprange --src-range 10.0.0.1-10.0.0.9", ""),
    ("-m iprange ! --src-range 10.0.0.1-10.0.0.9", "dropped"),
    ("-m addrtype --dst-type LOCAL", ""),
    ("-m addrtype --dst-type BROADCAST,MULTICAST", "dropped"),
    ("-m addrtype --src-type LOCAL", "dropped"),
    ("-m pkttype --pkt-type multicast", "dropped"),
    ("-m conntrack --ctstate NEW --ctdir ORIGINAL", ""),
    ("-p icmp -m icmp --icmp-type 8", "dropped"),
    ("-m set --match-set friends src", None),
    ("-m set --match-set friends src -p udp", "dropped"),
    ("-m limit --limit 3/min --limit-burst 10", None),
    ("-m recent --rcheck --seconds 60 --name x --rsource", None),
]


@pytest.mark.parametrize(("condition", "fault"), CONDITIONS)
def test_a_condition_of_iptables(condition: str, fault: str | None) -> None:
    found = looked("iptables-save", HEAD.format("DROP") + f"-A INPUT {condition} -j ACCEPT\n")
    assert (found["ok"], found["fault"]) == (None if fault is None else not fault, fault or "")


# What `ip -json route get` says, and whether eth9, one of eth*, and lo are known to be the way.
TO_ME = '[{"dst":"10.0.0.1","dev":"%s","prefsrc":"10.0.0.2","flags":[],"uid":0,"cache":[]}]'
ROUTED = '[{"dst":"10.0.0.1","gateway":"10.0.0.254","dev":"eth9","prefsrc":"10.0.0.2"}]'
ROUTES = [
    (TO_ME % "eth9", "", "", "dropped"),
    (TO_ME % "eth1", "dropped", "", "dropped"),
    (TO_ME % "wg0", "dropped", "dropped", "dropped"),
    ('[{"type":"local","dst":"10.0.0.1","dev":"lo"}]', "dropped", "dropped", ""),
    (ROUTED, None, None, "dropped"),
    (TO_ME.replace("10.0.0.2", "10.0.7.2") % "eth9", None, None, "dropped"),
    ("[]", None, None, "dropped"),
    ("no json", None, None, "dropped"),
]


@pytest.mark.parametrize(("route", "exact", "one_of", "loopback"), ROUTES)
@pytest.mark.parametrize("program", ["nft", "iptables-save"])
def test_the_interface_is_known_by_the_routes(
    program: str, route: str, exact: str | None, one_of: str | None, loopback: str | None
) -> None:
    for name, fault in (("eth9", exact), ("eth", one_of), ("lo", loopback)):
        tail = {"nft": "*", "iptables-save": "+"}[program] if name == "eth" else ""
        text = {
            "nft": nft([meta("iifname", name + tail), ACCEPT], policy="drop"),
            "iptables-save": HEAD.format("DROP") + f"-A INPUT -i {name}{tail} -j ACCEPT\n",
        }[program]
        found = looked(program, text, ip=route)
        said = (found["ok"], found["fault"])
        assert said == (None if fault is None else not fault, fault or ""), (name, found)


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
