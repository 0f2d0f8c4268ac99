# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of nftables, as `nft --json list ruleset` prints them, beside one packet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .packet import ACCEPT, DROP, REJECT, RETURN, UNSURE, Packet, Verdict, settled, within

DEEPEST = 16  # jumps
_SPOKEN = frozenset({"", "tcp", "ipv4", "ipv6", "new"})
Rules = Mapping[str, Any]
Key = tuple[str, str, str]  # family, table, and the name of a chain or a set


def verdict(ruleset: Rules, packet: Packet) -> Verdict:
    """A packet goes through the chains at its hook, and through all of them by priority: one that
    drops it ends the matter, one that accepts it does not."""
    return _Ruleset(ruleset, packet).verdict()


class _Ruleset:
    def __init__(self, ruleset: Rules, packet: Packet) -> None:
        self.packet = packet
        self.chains: dict[Key, Rules] = {}
        self.rules: dict[Key, list[Rules]] = {}
        self.sets: dict[Key, Any] = {}
        self.maybes: list[Verdict] = []
        for item in ruleset["nftables"]:
            for kind, one in item.items():
                if kind == "chain":
                    self.chains[one["family"], one["table"], one["name"]] = one
                elif kind == "rule":
                    key = (one["family"], one["table"], one["chain"])
                    self.rules.setdefault(key, []).append(one)
                elif kind == "set":
                    self.sets[one["family"], one["table"], one["name"]] = one.get("elem", [])

    def verdict(self) -> Verdict:
        hook = "input" if self.packet.incoming else "output"
        families = ("inet", "ip6" if self.packet.six else "ip")
        bases = [k for k, c in self.chains.items() if c.get("hook") == hook and k[0] in families]
        last = Verdict(ACCEPT)
        for key in sorted(bases, key=self._priority):
            if self.chains[key].get("type", "filter") != "filter":
                continue
            self.maybes = []
            found = self._chain(key, 0)
            if found.what == RETURN:
                policy = str(self.chains[key].get("policy", ACCEPT))
                words = f"the policy of chain {key[2]} in table {key[0]} {key[1]}"
                found = Verdict(policy, words if policy == DROP else "")
            found = settled(found, self.maybes)
            if found.what != ACCEPT:
                return found
            last = found if found.rule else last
        return last

    def _priority(self, key: Key) -> int:
        told = self.chains[key].get("prio", 0)
        return told if isinstance(told, int) else 0

    def _chain(self, key: Key, deep: int) -> Verdict:
        """What the first rule says that surely fits; `return` where none does."""
        for rule in self.rules.get(key, ()) if deep < DEEPEST else ():
            fits, found, ends = self._rule(rule, key, deep)
            if fits is None and found.what != RETURN:
                self.maybes.append(found)
            elif fits and (ends or found.what != RETURN):
                return found
        return Verdict(RETURN)

    def _rule(self, rule: Rules, key: Key, deep: int) -> tuple[bool | None, Verdict, bool]:
        """(whether it fits, None if that is not to be told; what it says; whether the chain ends
        with it even if that is nothing)."""
        fits: bool | None = True
        nothing = Verdict(RETURN)
        for part in rule.get("expr", ()):
            for word, what in part.items():
                if word == "match":
                    met = self._match(what, key)
                    if met is False:
                        return False, nothing, False
                    fits = fits if met else None
                elif word in (ACCEPT, DROP, REJECT):
                    return fits, Verdict(word, _words(rule, word, key)), True
                elif word in ("jump", "goto"):
                    found = self._chain((key[0], key[1], what["target"]), deep + 1)
                    return fits, found, word == "goto"
                elif word == "return":
                    return fits, nothing, True
                elif word == "vmap":
                    return self._mapped(rule, what, fits, key, deep)
                elif word == "xt":
                    return None, Verdict(UNSURE, _words(rule, word, key)), False
        return fits, nothing, False

    def _mapped(
        self, rule: Rules, what: Rules, fits: bool | None, key: Key, deep: int
    ) -> tuple[bool | None, Verdict, bool]:
        """The same of a map from values to verdicts; one that has a name is not read."""
        listed = what["data"].get("set") if isinstance(what["data"], Mapping) else None
        if listed is None:
            return None, Verdict(UNSURE, _words(rule, "vmap", key)), False
        for value, said in listed:
            met = self._match({"left": what["key"], "right": _element(value)}, key)
            if met is not False:
                _fits, found, ends = self._rule({**rule, "expr": [said]}, key, deep)
                return fits if met else None, found, ends
        return fits, Verdict(RETURN), False

    def _match(self, match: Rules, key: Key) -> bool | None:
        op, left, right = match.get("op", "=="), match["left"], match["right"]
        if str(left.get("meta", {}).get("key", "")).removesuffix("name") in ("iif", "oif"):
            fits = self._interface(right, key)
        else:
            known = self._value(left)
            fits = None if known is None else self._in(known, right, key)
        if fits is None or op not in ("==", "in", "!="):
            return None
        return not fits if op == "!=" else fits

    def _interface(self, right: Any, key: Key) -> bool | None:  # noqa: ANN401
        """Whether it goes through that interface, or one of a set."""
        if isinstance(right, Mapping):
            right = right.get("set")
        elif isinstance(right, str) and right.startswith("@"):
            right = self.sets.get((key[0], key[1], right[1:]), [])
        listed = right if isinstance(right, Sequence) and not isinstance(right, str) else [right]
        names = [_element(one) for one in listed]
        if not all(isinstance(one, str) for one in names):
            return None
        found = [self.packet.passes(one, "*") for one in names]
        return True if True in found else None if None in found else False

    def _value(self, left: Rules) -> str | int | None:
        """The packet's own value of what a rule looks at; None if it is not known."""
        packet = self.packet
        payload, meta, ct = (left.get(word) for word in ("payload", "meta", "ct"))
        if payload:
            word = (payload.get("protocol"), payload.get("field"))
            if word[0] == "udp" or (word[0] == "ip" and packet.six) or word[0] == "icmp":
                return ""  # it has no such thing, so no rule about it fits
            known: dict[tuple[Any, Any], str | int] = {
                ("tcp", "dport"): packet.port,
                ("th", "dport"): packet.port,
                ("ip", "saddr"): packet.source,
                ("ip6", "saddr"): packet.source,
                ("ip", "daddr"): packet.target,
                ("ip6", "daddr"): packet.target,
                ("ip", "protocol"): "tcp",
                ("ip6", "nexthdr"): "tcp",
            }
            return known.get(word)
        if meta:
            six = packet.six
            known_meta = {"l4proto": "tcp", "nfproto": "ipv6" if six else "ipv4"}
            return known_meta.get(str(meta.get("key")))
        return "new" if ct and ct.get("key") == "state" else None

    def _in(self, known: str | int, right: Any, key: Key) -> bool | None:  # noqa: ANN401
        if isinstance(right, Mapping):
            if "set" in right:
                return self._any(known, right["set"], key)
            if "range" in right:
                first, last = right["range"]
                if isinstance(known, int):
                    return int(first) <= known <= int(last)
                return within(str(known), f"{first}-{last}")
            if "prefix" in right:
                return within(str(known), f"{right['prefix']['addr']}/{right['prefix']['len']}")
            return None
        if isinstance(right, str) and right.startswith("@"):
            return self._any(known, self.sets.get((key[0], key[1], right[1:]), []), key)
        if isinstance(right, list):
            return self._any(known, right, key)
        if isinstance(known, int) or isinstance(right, int) or known in _SPOKEN:
            return str(known) == str(right)
        text = str(right)
        return within(known, text) if text[:1].isdigit() or ":" in text else None

    def _any(self, known: str | int, rights: Any, key: Key) -> bool | None:  # noqa: ANN401
        listed = (
            rights if isinstance(rights, Sequence) and not isinstance(rights, str) else [rights]
        )
        found = [self._in(known, _element(one), key) for one in listed]
        return True if True in found else None if None in found else False


def _element(one: Any) -> Any:  # noqa: ANN401
    """A member of a set; with a counter or a timeout it stands one deeper."""
    return one["elem"]["val"] if isinstance(one, Mapping) and "elem" in one else one


def _words(rule: Rules, word: str, key: Key) -> str:
    """The rule as people find it."""
    said = "a rule that nft cannot show" if word == "xt" else f"a rule that says {word}"
    ports = _ports(rule)
    which = f" for port {', '.join(ports)}" if ports else ""
    comment = f" ({rule['comment']})" if rule.get("comment") else ""
    return f"{said}{which} in chain {key[2]} of table {key[0]} {key[1]}{comment}"


def _ports(rule: Rules) -> list[str]:
    found = []
    for part in rule.get("expr", ()):
        match = part.get("match", {})
        left = match.get("left", {})
        payload = left.get("payload", {}) if isinstance(left, Mapping) else {}
        if payload.get("field") == "dport":
            found.append(_shown(match["right"]))
    return found


def _shown(right: Any) -> str:  # noqa: ANN401
    if isinstance(right, Mapping) and "range" in right:
        return "-".join(str(end) for end in right["range"])
    if isinstance(right, Mapping) and "set" in right:
        return ", ".join(_shown(_element(one)) for one in right["set"])
    return str(right)
