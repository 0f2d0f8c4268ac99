# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..module_utils.placement.check import placement
from ..module_utils.planning import drift, plan
from ..module_utils.planning.services import merged
from ..module_utils.verdicts import Verdict

Found = Mapping[str, Any]


def plan_report(
    check: Found,
    gateways: Mapping[str, Found],
    hosts: Mapping[str, Sequence[Found]],
    format: str = "text",
    exit_code: bool = False,
    gpus: Mapping[str, Found] | None = None,
) -> dict[str, Any]:
    """See plan, as {ok, report, why}; with `exit_code` a change is not ok. Of each host there is
    one plan an engine; `gpus` are those of the hosts that were asked for them."""
    seen = {host: merged(plans) for host, plans in hosts.items()}
    placed = {
        host: placement(check["services"].get(host, []), facts, facts["models"])
        for host, facts in (gpus or {}).items()
        if "gpus" in facts
    }
    told = plan.plan(check, gateways, seen, placed)
    ok = told["ok"] and not (exit_code and told["changes"])
    return Verdict(ok, told, tuple(plan.lines(told)), plan.ending(told)).as_dict(format)


def plan_hosts(check: Found, gateways: Mapping[str, Found], inventory: Iterable[str]) -> list[str]:
    """The hosts that are to run a service or have one, as far as the inventory has them."""
    wanted = [host for host in check.get("services", {}) if on_host(check, host)]
    had = [host for gateway in gateways.values() for host in gateway.get("hosts", ())]
    had = [] if check.get("file_providers") else had
    known = set(inventory)
    return [host for host in dict.fromkeys([*wanted, *had]) if host in known]


def on_host(check: Found, host: str) -> list[Any]:
    """The services of a host: of the extra file's providers, if there is one, else all."""
    chosen = check.get("file_providers") or []
    services = check["services"].get(host, [])
    return [one for one in services if not chosen or one["provider"] in chosen]


def drift_report(
    gateways: Mapping[str, Found],
    hosts: Mapping[str, Found],
    user: str = "llm",
    format: str = "text",
    exit_code: bool = False,
) -> dict[str, Any]:
    """See drift, as {ok, report, why}; with `exit_code` drift is not ok."""
    told = drift.drift(gateways, hosts, user)
    ok = told["ok"] and not (exit_code and told["drift"])
    return Verdict(ok, told, tuple(drift.lines(told)), drift.ending(told)).as_dict(format)


def drift_hosts(gateways: Mapping[str, Found]) -> list[str]:
    """The hosts on which one of the gateways expects a unit."""
    return list(drift.expected(gateways))


def drift_units(gateways: Mapping[str, Found], host: str) -> dict[str, int]:
    """The units that the gateways expect on a host, each with its port."""
    known = drift.expected(gateways).get(host, {})
    return {one["unit"]: one["port"] for one in known.values()}


class FilterModule:
    """Reports of what would change, and of what has changed behind our back."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {
            "drift_hosts": drift_hosts,
            "drift_report": drift_report,
            "drift_units": drift_units,
            "plan_hosts": plan_hosts,
            "plan_report": plan_report,
        }
