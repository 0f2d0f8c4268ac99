# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits and ids: what is told of a deployment once it is known where it is used."""

from __future__ import annotations

from collections.abc import Iterator

from ..draft import Draft
from ..resolve import limit_of
from ..route_table import Deployment, RouteTable, Target


def limits(draft: Draft) -> None:
    """Notes which models requests reach, and gives each its part of its provider's limit."""
    routed = draft.table.routed
    reached = list(_reached(draft.table))
    for deployment in reached:
        routed.setdefault(deployment.provider, {})[deployment.model] = None
    for deployment in reached if draft.registry.limits else ():
        limit = draft.registry.limits.get(deployment.provider)
        if limit is not None:
            hosts = len(draft.hosts[deployment.provider])
            rpm, tpm = limit_of(limit, len(routed[deployment.provider]), deployment.model)
            deployment.rpm = None if rpm is None else max(1, rpm // hosts)
            deployment.tpm = None if tpm is None else max(1, tpm // hosts)


def ids(draft: Draft) -> None:
    """Gives targets their ids: one with a limit has the same under all names, so it is one."""
    for route in draft.table.routes.values():
        for target in route.targets:
            deployment = target.deployment
            own = route.name == deployment.model or deployment.limited
            target.id = deployment.id if own else f"{deployment.id}#{route.name}"
            if target.conditional and not deployment.limited:
                target.id = f"{deployment.id}#{route.name}#{_condition(target)}"
            elif own or not deployment.called:
                deployment.called = target.id
    for deployment in _reached(draft.table):
        deployment.called = deployment.called or deployment.id


def _condition(target: Target) -> str:
    return target.tags[0] if target.tags else f"user-agent-{target.rank + 1}"


def _reached(table: RouteTable) -> Iterator[Deployment]:
    for route in table.routes.values():
        for target in route.targets:
            yield target.deployment
        for fallback in route.every_fallback:
            yield from fallback.deployments
