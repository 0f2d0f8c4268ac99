# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through which interface of this host a connection goes, by its routes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence

from ..registry.addresses import is_address
from .packet import Packet

Run = Callable[[Sequence[str]], "tuple[str, str] | None"]


def on_its_way(packet: Packet, run: Run) -> Packet:
    """The same with its interface, where that is sure.

    `run` gives what a program prints and what is wrong, None where there is none. What leaves goes
    as the kernel routes it. What comes in from there comes the way that answers take, if its own
    address stands on that interface and no router is between: else it may come another way.
    """
    other = packet.source if packet.incoming else packet.target
    said = run(["ip", "-json", "route", "get", other]) if is_address(other) else None
    if said is None or said[1]:
        return packet
    try:
        (route,) = json.loads(said[0])
        name, routed = str(route["dev"]), "gateway" in route
    except (ValueError, KeyError, TypeError):
        return packet
    if packet.incoming and name != "lo" and (routed or route.get("prefsrc") != packet.target):
        return packet
    return dataclasses.replace(packet, interface=name)
