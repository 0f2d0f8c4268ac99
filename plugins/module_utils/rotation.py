# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key is rotated, what demands it that we run ourselves, and who answers meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .engines.vllm_ray import is_worker
from .registry.problems import nearest
from .routing.shared_state import MASTER_KEY


class RotationError(ValueError):
    """The key that is meant cannot be told; the message says what to write."""


def rotation(check: Mapping[str, Any], variable: str = "", provider: str = "") -> dict[str, Any]:
    """{variable, providers, services, meanwhile} of a rotation.

    `check` is the result of the registry action. `providers` need the variable; `services`: host
    -> specs of the instances of ours that demand its value; `meanwhile`: one {host, provider, name,
    by} a public name that such an instance answers, `by` being who else does while it restarts.
    Raises RotationError.
    """
    needed_by = {one["name"]: list(one["needed_by"]) for one in check["variables"]}
    name = _of_provider(needed_by, provider) if provider else variable
    if name not in needed_by and name != MASTER_KEY:
        known = list(dict.fromkeys([*needed_by, MASTER_KEY]))
        near = nearest(name, known)
        more = f"Did you mean {near}?" if near else f"Those that it needs: {', '.join(known)}."
        raise RotationError(f"The gateway needs no variable {name}. {more}")
    found = {
        host: [s for s in specs if s["key_variable"] == name and not is_worker(s)]
        for host, specs in check["services"].items()
    }
    services = {host: specs for host, specs in found.items() if specs}
    return {
        "variable": name,
        "providers": [] if name == MASTER_KEY else needed_by.get(name, []),
        "services": services,
        "meanwhile": _meanwhile(check, services),
    }


def _of_provider(needed_by: Mapping[str, list[str]], provider: str) -> str:
    names = [name for name, providers in needed_by.items() if provider in providers]
    if len(names) == 1:
        return names[0]
    if names:
        listed = ", ".join(names)
        raise RotationError(f"{provider} has several: {listed}. Name one: -e variable={names[0]}")
    known = list(dict.fromkeys(one for providers in needed_by.values() for one in providers))
    near = nearest(provider, known)
    more = f"Did you mean {near}?" if near else f"Those that do: {', '.join(known) or 'none'}."
    raise RotationError(f"No provider '{provider}' needs a key. {more}")


def _meanwhile(
    check: Mapping[str, Any], services: Mapping[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    rows = []
    for host, specs in services.items():
        for spec in specs:
            own = (spec["provider"], host)
            for route in check["routes"]:
                others = [(one["provider"], one["host"]) for one in route["targets"]]
                if own in others:
                    by = [_words(one) for one in others if one != own]
                    by += [one["name"] for one in route["fallbacks"]]
                    rows.append({"host": host, "provider": own[0], "name": route["name"], "by": by})
    return rows


def _words(deployment: tuple[str, str]) -> str:
    provider, host = deployment
    return f"{provider} on {host}" if host else provider


def announcement(told: Mapping[str, Any]) -> list[str]:
    """What people are told before anything is done; `told` is what `rotation` gives."""
    lines = [f"{told['variable']}: the old key goes on until the new one is proven."]
    for host, specs in told["services"].items():
        for spec in specs:
            names = [one for one in told["meanwhile"] if one["host"] == host]
            mine = [one for one in names if one["provider"] == spec["provider"]]
            lines.append(
                f"{spec['provider']} on {host} restarts twice, each time for as long as its model "
                "takes to load: to take both keys, and in the end the new one alone. Meanwhile:"
            )
            lines += [
                f"  {one['name']}: {', '.join(one['by']) or 'nobody else answers'}" for one in mine
            ]
    return lines


def report(told: Mapping[str, Any]) -> str:
    """How a rotation ended: {ok, variable, changed, gateway, both, check} in lines of text.

    `gateway` says whether the gateway has taken the value in this run, `both` are hosts whose
    instances take the old one as well.
    """
    name, both = told["variable"], ", ".join(told["both"])
    if not told["ok"]:
        sends = "sends the new" if told["gateway"] else "goes on with the old"
        takes = f" {both} takes the old and the new one, so nothing is refused." if both else ""
        return f"The gateway {sends} value of {name}.{takes} Mend what failed and run this again."
    if not told["changed"]:
        return f"{name} has this value already: nothing was changed."
    if told["check"]:
        return f"{name} would get another value. Nothing was done, in check mode."
    if name == MASTER_KEY:
        return f"{name} has its new value. Clients need it from now on; the old one is refused."
    return f"{name} has its new value, proven. Nothing of ours uses the old one: it can be revoked."
