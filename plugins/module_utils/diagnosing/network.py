# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a provider from this host: its name, its port, its certificate."""

from __future__ import annotations

import errno
import ipaddress
import socket

from ..registry.addresses import is_address
from .rows import Row, row, unknown

SECONDS = 5.0
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5))
_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN)


def resolved(name: str, port: int) -> list[str]:
    """The addresses of a name, each once. Raises socket.gaierror."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def dns(name: str, port: int) -> Row:
    """Whether the name leads to an address here."""
    asked, expected = f"the address of {name}", "an address"
    if is_address(name):
        return row("dns", asked, expected, "it is one")
    try:
        found = resolved(name, port)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            return row("dns", asked, expected, "no such name", "no_such_name", name=name)
        if error.errno == socket.EAI_AGAIN:
            seen = "no DNS server gives an answer"
            return row("dns", asked, expected, seen, "no_server", name=name)
        return row("dns", asked, expected, str(error), "failed", name=name)
    except UnicodeError:
        return row("dns", asked, expected, "it is no name that can be", "no_such_name", name=name)
    return row("dns", asked, expected, ", ".join(found[:4]))


def port(name: str, number: int, seconds: float = SECONDS) -> Row:
    """Whether a TCP connection can be opened; the first address that takes one is enough."""
    asked, expected = f"TCP {name} port {number}", "open"
    about = {"name": name, "port": number}
    try:
        addresses = resolved(name, number)
    except (socket.gaierror, UnicodeError):
        return unknown("port", asked, "not asked: the name has no address", **about)
    said = []
    for address in addresses[:4]:
        fault, seen = _connected(address, number, seconds / min(len(addresses), 2))
        if not fault:
            return row("port", asked, expected, f"open at {address}", "", **about)
        said.append((fault, seen))
    return row("port", asked, expected, said[0][1], said[0][0], **about)


def _connected(address: str, number: int, seconds: float) -> tuple[str, str]:
    try:
        with socket.create_connection((address, number), seconds):
            return "", ""
    except TimeoutError:
        return "timeout", f"no answer within {seconds:g} s"
    except ConnectionRefusedError:
        return "refused", "connection refused"
    except OSError as error:
        words = f"{error.strerror or error}"
        return ("no_route" if error.errno in _NO_WAY else "failed"), words


def listeners(number: int, table: str) -> list[str]:
    """The local addresses on which a port is listened on, of the text of /proc/net/tcp or tcp6."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _colon, at = fields[1].rpartition(":")
        if fields[3] == "0A" and int(at, 16) == number:
            found.append(_decoded(address))
    return list(dict.fromkeys(found))


def _decoded(text: str) -> str:
    """An address as the kernel writes it: words of 32 bits in the order of this machine."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def takes(listened: list[str], address: str) -> bool:
    """Whether who listens on these takes a connection to that address; to a name: if it is known to
    be a host's, anything but loopback alone."""
    if "0.0.0.0" in listened or "::" in listened or address in listened:  # noqa: S104
        return True
    if is_address(address):
        return False
    return any(not ipaddress.ip_address(one).is_loopback for one in listened)
