# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which hosts we run what a generation asks, by what its proof asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..gateway.probe_checks import host_of, provider_of

Found = Mapping[str, Any]


class Whereabouts:
    """`hosts`: provider -> the hosts that we run it on. An id names its host only where there are
    several; else it is the one whose health is asked."""

    def __init__(self, probes: Found) -> None:
        self.hosts: dict[str, list[str]] = {}
        asked = [(row["provider"], row.get("host") or "") for row in probes.get("health", ())]
        ids = [row["id"] for row in probes.get("deployments", ())]
        for provider, host in [*asked, *((provider_of(one), host_of(one)) for one in ids)]:
            known = self.hosts.setdefault(provider, [])
            if host and host not in known:
                known.append(host)

    def every(self) -> list[str]:
        """All hosts, in order."""
        return list(dict.fromkeys(host for hosts in self.hosts.values() for host in hosts))

    def host(self, identity: str) -> str:
        """Where a deployment is, "" where somebody else runs it."""
        only = self.hosts.get(provider_of(identity), [])
        return host_of(identity) or (only[0] if len(only) == 1 else "")
