# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the providers that wait in a slot would answer, were it their turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..registry.model import Registry
from ..registry.slots import parked
from .explain_match import Names
from .route_table import ROUTE, Deployment, Route, RouteTable, rule

FIRST, LATER = "first", "later"  # when it would be asked for a name: later is when others failed
COMMAND = "ansible-playbook playbooks/switch_model.yml -e provider={provider}"


def waiting(registry: Registry, table: RouteTable) -> list[dict[str, Any]]:
    """[{provider, slot, runs, names}] of those that wait, JSON-ready. `runs` is who runs in the
    slot; `names`: public name -> {asked, model, rule} of what it would have a part in, `asked`
    being "first" or "later". `table` is that of all of them: nobody left out."""
    waits = parked(registry)
    return [
        {
            "provider": name,
            "slot": slot.name,
            "runs": slot.runs,
            "names": _names(name, {*waits, slot.runs} - {name}, table),
        }
        for name, slot in waits.items()
    ]


def _names(provider: str, gone: set[str], table: RouteTable) -> dict[str, dict[str, str]]:
    """Of the names that it would have a part in while those in `gone` wait."""
    found = {}
    for route in table.routes.values():
        asked = FIRST
        for step in _steps(route, table, {route.name}):
            mine = [one for one in step if one.provider == provider]
            if mine:
                model, where = mine[0].model, rule(route.place)
                found[route.name] = {"asked": asked, "model": model, "rule": where}
                break
            if any(one.provider not in gone for one in step):
                asked = LATER
    return found


def _steps(route: Route, table: RouteTable, seen: set[str]) -> Iterator[list[Deployment]]:
    """Who is asked at one time, those behind once the ones before have failed."""
    for rank in sorted({target.rank for target in route.targets}):
        yield [one.deployment for one in route.targets if one.rank == rank]
    for fallback in route.every_fallback:
        yield fallback.deployments
        leads = table.routes.get(fallback.name) if fallback.kind == ROUTE else None
        if leads is not None and leads.name not in seen:
            seen.add(leads.name)
            yield from _steps(leads, table, seen)


class Waiting:
    """Who waits for its turn, by the name that is asked for.

    `told`: see waiting(). A name that is not served is found by wildcards, too, as LiteLLM would.
    """

    def __init__(self, config: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> None:
        self.told = told
        index = Names(config if told else {})
        served = {*index.by_name, *index.aliases, *index.groups}
        names = dict.fromkeys(name for one in told for name in one["names"])
        self.lost = [name for name in names if name not in served]
        self._names = Names(_with(config, self.lost)) if told else None

    def of(self, name: str) -> list[dict[str, str]]:
        """[{provider, slot, runs, asked, model, rule}] of those that would have a part in it."""
        meant = self._names.match(name).name if self._names else ""
        return [
            {**{key: one[key] for key in ("provider", "slot", "runs")}, **part}
            for one in self.told
            if (part := one["names"].get(name) or one["names"].get(meant))
        ]

    def why(self, provider: str) -> str:
        """In which slot it waits, "" if it does not."""
        found = [one for one in self.told if one["provider"] == provider]
        return f"in slot {found[0]['slot']} while {found[0]['runs']} runs" if found else ""


def unanswered(names: Iterable[str], served: Iterable[str]) -> list[str]:
    """Those of the names that are not served, also by no wildcard among what is."""
    known = dict.fromkeys(served)
    index = Names(_with({}, [name for name in known if "*" in name]))
    return [name for name in names if name not in known and not index.match(name).entries]


def _with(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The configuration with these names in it, too."""
    more = [
        {"model_name": name, "litellm_params": {"model": own}, "model_info": {"id": own}}
        for name in names
        for own in (f"~/{name}",)
    ]
    return {**config, "model_list": [*(config.get("model_list") or ()), *more]}
