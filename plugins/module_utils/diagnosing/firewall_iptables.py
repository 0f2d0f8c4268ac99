# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of iptables, as `iptables-save` prints them, beside one packet."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .firewall_matches import TWO, met
from .packet import ACCEPT, DROP, REJECT, RETURN, UNSURE, Packet, Verdict, settled

DEEPEST = 16  # jumps
_ENDS = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": REJECT}
# Targets after which the next rule is looked at.
_TO_KERNEL = ("LOG", "NFLOG", "ULOG", "AUDIT", "TRACE", "SET", "RATEEST", "LED")
_TO_PACKET = ("MARK", "CONNMARK", "SECMARK", "CONNSECMARK", "CLASSIFY", "HMARK", "DSCP", "TOS")
_GO_ON = frozenset(("", *_TO_KERNEL, *_TO_PACKET, "TTL", "HL", "TCPMSS"))


def verdict(text: str, packet: Packet, six: bool = False) -> Verdict:
    """What the table `filter` does with it; a table of the other family has nothing to say."""
    if packet.six != six:
        return Verdict(ACCEPT)
    table = _Table(text, packet)
    chain = "INPUT" if packet.incoming else "OUTPUT"
    found = table.chain(chain, 0)
    if found.what == RETURN:
        policy = table.policies.get(chain, "ACCEPT")
        words = f"the policy of chain {chain}" if policy == "DROP" else ""
        found = Verdict(_ENDS.get(policy, ACCEPT), words)
    return settled(found, table.maybes)


class _Table:
    def __init__(self, text: str, packet: Packet) -> None:
        self.packet = packet
        self.policies: dict[str, str] = {}
        self.rules: dict[str, list[str]] = {}
        self.maybes: list[Verdict] = []
        inside = False
        for line in text.splitlines():
            if line.startswith("*"):
                inside = line.strip() == "*filter"
            elif inside and line.startswith(":"):
                name, policy = line[1:].split()[:2]
                self.policies[name] = policy
            elif inside and line.startswith("-A "):
                self.rules.setdefault(line.split()[1], []).append(line)

    def chain(self, name: str, deep: int) -> Verdict:
        """What the first rule says that surely fits; `return` where none does."""
        for line in self.rules.get(name, ()) if deep < DEEPEST else ():
            fits, target = self._rule(shlex.split(line)[2:])
            if fits is False or target in _GO_ON:
                continue
            found = self._said(target, line, deep)
            if fits is None and found.what != RETURN:
                self.maybes.append(found)
            elif fits and (found.what != RETURN or target == "RETURN"):
                return found
        return Verdict(RETURN)

    def _said(self, target: str, line: str, deep: int) -> Verdict:
        if target in _ENDS:
            return Verdict(_ENDS[target], f"`{line}`")
        if target in self.policies:
            return self.chain(target, deep + 1)
        return Verdict(RETURN if target == "RETURN" else UNSURE, f"`{line}`")

    def _rule(self, words: Sequence[str]) -> tuple[bool | None, str]:
        """(whether it fits: None is not to be told, its target)."""
        fits: bool | None = True
        target, at = "", 0
        while at < len(words):
            negated = words[at] == "!"
            at += negated
            word = words[at]
            value = words[at + 1] if at + 1 < len(words) else ""
            second = words[at + 2] if word in TWO and at + 2 < len(words) else ""
            at += 3 if second else 2 if value and not value.startswith("-") and value != "!" else 1
            if word in ("-j", "-g"):
                target = value
                continue
            known = met(self.packet, word, value, second)
            if known is not None and negated:
                known = not known
            if known is False:
                fits = False
            elif known is None and fits:
                fits = None
        return fits, target
