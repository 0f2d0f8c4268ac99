# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that is looked at on one host, in two parts: as the services' user, and as root."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .firewall import firewall
from .from_gateway import ANSWER_SECONDS, FromGateway
from .instance import Instance
from .network import resolved
from .on_host import gpu, named
from .packet import Packet
from .rows import Ask, Row, masked, row, side_by_side, unknown

SECONDS = 30.0  # for all of it: each question has a shorter bound of its own
Wanted = Mapping[str, Any]


def as_service(gateway: Wanted, instance: Wanted, base: Path, home: Path | None) -> list[Row]:
    """The rows of what the services' user sees, without any secret."""
    asks: list[tuple[str, Ask]] = []
    secrets: list[str] = []
    if gateway:
        seen = FromGateway(gateway, base)
        asks += seen.asks()
        secrets += seen.secrets()
    if instance and home is None:
        asks.append(("unit", lambda: _nobody(instance)))
    elif instance and home:
        own = Instance(instance, home)
        asks += own.asks()
        secrets += own.secrets()
    seconds = SECONDS + (ANSWER_SECONDS if gateway.get("completion") else 0)
    rows: list[Row] = masked(side_by_side(asks, seconds), secrets)
    return rows


def _nobody(instance: Wanted) -> Row:
    unit = str(instance["unit"])
    why = "there is no user for our services on this host"
    return row("unit", f"unit {unit}", "active", why, "missing", unit=unit)


def as_root(gateway: Wanted, instance: Wanted, seen: list[Row]) -> list[Row]:
    """What has been seen, and the rows of what root alone sees."""
    asks: list[tuple[str, Ask]] = []
    if instance:
        asks += [
            ("firewall", partial(_incoming, instance, str(one))) for one in instance["gateways"]
        ]
        asks.append(("gpu", lambda: gpu(instance)))
    for target in gateway.get("targets", ()):
        asks.append(("firewall_out", partial(_outgoing, target)))
    rows: list[Row] = masked(side_by_side(asks, SECONDS), [])
    return [*named(seen), *rows]


def _incoming(instance: Wanted, gateway: str) -> Row:
    """A connection from a gateway; through loopback no firewall stands."""
    address, port = str(instance["address"]), int(instance["port"])
    return firewall(Packet(_first(gateway, port), _first(address, port), port))


def _outgoing(target: Wanted) -> Row:
    where = urlsplit(str(target["url"]))
    port = where.port or (443 if where.scheme == "https" else 80)
    address = _first(where.hostname or "", port)
    if not address:
        found = unknown("firewall_out", "what the firewall does here", "not asked: no address")
    else:
        found = firewall(Packet("", address, port, incoming=False))
    return found | {"check": "firewall_out", "target": target["host"]}


def _first(name: str, port: int) -> str:
    """An address of a name, "" if it has none here."""
    try:
        return next(iter(resolved(name, port)), "") if name else ""
    except (socket.gaierror, UnicodeError):
        return ""
