# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new TCP connection, as rules of a firewall see it, and what becomes of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ..registry.addresses import is_address

ACCEPT, DROP, REJECT, UNSURE = "accept", "drop", "reject", "unsure"
RETURN = "return"  # of a chain: nothing in it spoke of the packet


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection: from where, to where, to which port; `incoming` at this
    host, else leaving it; through which `interface`, "" if that is not known."""

    source: str
    target: str
    port: int
    incoming: bool = True
    interface: str = ""

    def __str__(self) -> str:
        way = f"from {self.source or 'elsewhere'}" if self.incoming else f"to {self.target}"
        return f"a connection {way} to port {self.port}"

    @property
    def local(self) -> bool:
        """Whether it stays on this host."""
        if self.interface:
            return self.interface == "lo"
        address = self.source if self.incoming else self.target
        return is_address(address) and ipaddress.ip_address(address).is_loopback

    def passes(self, name: str, any_tail: str) -> bool | None:
        """Whether it goes through that interface, or one of which the name stands with `any_tail`
        for the rest; None if that is not known."""
        if name == "lo" or not self.interface:
            return self.local if name == "lo" else None
        if name.endswith(any_tail):
            return self.interface.startswith(name.removesuffix(any_tail))
        return self.interface == name

    @property
    def six(self) -> bool:
        """Whether it is IPv6."""
        return ":" in (self.target if is_address(self.target) else self.source)


@dataclass(frozen=True)
class Verdict:
    """What becomes of it, and by which rule in words; "" where none speaks of it."""

    what: str
    rule: str = ""


def settled(found: Verdict, maybes: list[Verdict]) -> Verdict:
    """`found`, unless a rule before it, of which is not known whether it fits, says otherwise."""
    other = next((one for one in maybes if one.what != found.what), None)
    return Verdict(UNSURE, other.rule) if other else found


def within(address: str, network: str) -> bool | None:
    """Whether an address lies in a network, an address or a range a-b; None if one is unknown."""
    if not is_address(address):
        return None
    one = ipaddress.ip_address(address)
    if "-" in network:
        first, last = (ipaddress.ip_address(end) for end in network.split("-", 1))
        return first.version == one.version and int(first) <= int(one) <= int(last)
    net = ipaddress.ip_network(network, strict=False)
    return one.version == net.version and one in net
