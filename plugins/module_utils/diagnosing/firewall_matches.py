# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a condition of an iptables rule says of the first packet of a connection."""

from __future__ import annotations

from collections.abc import Callable

from .packet import Packet, within

TWO = frozenset({"--tcp-flags", "--match-set"})  # conditions of two words
_ALWAYS = frozenset(
    {"-m", "--comment", "--log-prefix", "--log-level", "--reject-with", "--limit-burst"}
)
# From where a client's port is chosen; the lower ones are for servers.
_CHOSEN = (1024, 65535)


def met(packet: Packet, word: str, value: str, second: str = "") -> bool | None:
    """Whether it fits; None is not to be told: limits, sets, marks, modules not known here."""
    if word in _ALWAYS:
        return True
    known = _KNOWN.get(word)
    return known(packet, value, second) if known else None


def _to_port(packet: Packet, value: str, _second: str) -> bool:
    return any(first <= packet.port <= last for first, last in _ranges(value))


def _from_port(_packet: Packet, value: str, _second: str) -> bool | None:
    """The client chooses it by itself."""
    low, high = _CHOSEN
    ranges = _ranges(value)
    if any(first <= low and high <= last for first, last in ranges):
        return True
    return False if all(last < low for _first, last in ranges) else None


def _either_port(packet: Packet, value: str, second: str) -> bool | None:
    return _to_port(packet, value, second) or _from_port(packet, value, second)


def _ranges(text: str) -> list[tuple[int, int]]:
    found = []
    for one in text.split(","):
        first, colon, last = one.partition(":")
        found.append((int(first or 0), int((last or "65535") if colon else first)))
    return found


def _flags(_packet: Packet, value: str, second: str) -> bool:
    """Of a new connection's first packet SYN alone is set."""
    looked_at, wanted = set(value.split(",")), set(second.split(",")) - {"NONE"}
    has = {"SYN"} if looked_at & {"SYN", "ALL"} else set()
    return has == wanted


def _source_type(packet: Packet, value: str, _second: str) -> bool:
    here = packet.local or not packet.incoming
    return ("LOCAL" if here else "UNICAST") in value.split(",")


def _target_type(packet: Packet, value: str, _second: str) -> bool:
    here = packet.local or packet.incoming
    return ("LOCAL" if here else "UNICAST") in value.split(",")


_Known = Callable[[Packet, str, str], "bool | None"]
_KNOWN: dict[str, _Known] = {
    "-p": lambda packet, value, second: value in ("tcp", "all", "6"),
    "--dport": _to_port,
    "--dports": _to_port,
    "--sport": _from_port,
    "--sports": _from_port,
    "--ports": _either_port,
    "-s": lambda packet, value, second: within(packet.source, value),
    "-d": lambda packet, value, second: within(packet.target, value),
    "--src-range": lambda packet, value, second: within(packet.source, value),
    "--dst-range": lambda packet, value, second: within(packet.target, value),
    "-i": lambda packet, value, second: packet.passes(value, "+"),
    "-o": lambda packet, value, second: packet.passes(value, "+"),
    "--ctstate": lambda packet, value, second: "NEW" in value.split(","),
    "--state": lambda packet, value, second: "NEW" in value.split(","),
    "--ctdir": lambda packet, value, second: value == "ORIGINAL",
    "--ctproto": lambda packet, value, second: value in ("tcp", "6"),
    "--syn": lambda packet, value, second: True,
    "--tcp-flags": _flags,
    "--icmp-type": lambda packet, value, second: False,
    "--icmpv6-type": lambda packet, value, second: False,
    "-f": lambda packet, value, second: False,
    "--src-type": _source_type,
    "--dst-type": _target_type,
    "--pkt-type": lambda packet, value, second: value == "unicast",
}
