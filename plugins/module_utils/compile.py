# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way from a directory of files to what the gateway and the hosts are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .registry.load import UNREAD_CODES, load_registry, registry_files
from .registry.model import Registry
from .registry.problems import Problem, has_errors, in_order
from .registry.reading import build
from .registry.schema import check_schema
from .registry.slots import parked
from .routing import backends, probes
from .routing.leaving import nobody_asks, nobody_minds, without_leaving
from .routing.left_out import leave_out
from .routing.litellm import lower
from .routing.litellm_yaml import render
from .routing.resolve import Inventory
from .routing.route_table import RouteTable
from .routing.routes import build_routes
from .routing.rules import check_rules
from .routing.shared_state import shared_variables
from .routing.waiting import waiting

__all__ = ["Compiled", "Inventory", "compile_registry"]


@dataclass(slots=True)
class Compiled:
    """All that is known of a registry.

    With errors there is no configuration, and nothing to run or to ask: the parts after
    `routes` are empty. `variables`: {name, needed_by: [provider...], place: [file, line, column]}
    of each variable that people must supply; `composed`: name -> template with ${VAR}, of each
    that the secrets step makes; `waiting`: who waits in a slot, and for which names, as of
    routing/waiting.py; `environment`: variables of the gateway's process that are no secret;
    `files`: what was read, name -> text; `file_providers`: what the extra file declares;
    `sections`: the registry as it is written.
    """

    registry: Registry
    problems: list[Problem]
    routes: RouteTable
    gateway_config: dict[str, Any] | None
    gateway_config_text: str
    rules: dict[str, str]
    variables: list[dict[str, Any]]
    composed: dict[str, str]
    services: dict[str, list[dict[str, Any]]]
    probes: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    file_providers: list[str] = field(default_factory=list)
    sections: Mapping[str, Any] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How much there is of each, for a summary."""
        return {
            "provider": len(self.registry.providers),
            "model": sum(len(one.models) for one in self.registry.providers.values()),
            "route": len(self.routes.routes),
        }

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "problems": [problem.as_dict() for problem in self.problems],
            "routes": [route.as_dict() for route in self.routes.routes.values()],
            "gateway_config": self.gateway_config,
            "gateway_config_text": self.gateway_config_text,
            "rules": self.rules,
            "variables": self.variables,
            "composed": self.composed,
            "services": self.services,
            "probes": self.probes,
            "environment": self.environment,
            "waiting": self.waiting,
            "files": self.files,
            "file_providers": self.file_providers,
        }


def compile_registry(
    directory: str,
    inventory: Inventory,
    extra_file: str = "",
    edits: Mapping[str, str | None] | None = None,
    leaving: str = "",
) -> Compiled:
    """Load, check, route, lower. Never raises for what is in the files: that is `problems`.

    `extra_file` is read as if it stood in the directory already, in place of one of its name;
    `edits` (name -> text, None: no file) as if they had been made already. `leaving` is a provider
    that is about to stop: nothing is asked of it, and names that nobody else answers fail.
    """
    extra = [extra_file] if extra_file else []
    root, problems = load_registry(directory, extra, edits)
    found, broken = check_schema(root)
    registry = build(root, broken)
    table = build_routes(registry, inventory)
    if not any(problem.code in UNREAD_CODES for problem in problems):
        found += check_rules(registry, table, inventory)
    problems = in_order([*problems, *found])
    nothing: dict[str, Any] = {"models": [], "health": [], "completions": [], "fallbacks": []}
    compiled = Compiled(registry, problems, table, None, "", {}, [], {}, {}, nothing)
    compiled.sections = root
    if not has_errors(problems):
        compiled.waiting = waiting(registry, table)
        leave_out(table, inventory.left_out, parked(registry))
        if leaving:
            compiled.routes = without_leaving(registry, inventory, table, leaving)
        _render(compiled, inventory, leaving)
        compiled.files = registry_files(directory, extra, edits)
        compiled.file_providers = _declared_in(registry, extra_file)
    return compiled


def _render(compiled: Compiled, inventory: Inventory, leaving: str) -> None:
    registry = compiled.registry
    lowered = lower(registry, compiled.routes, inventory)
    if leaving:
        nobody_asks(lowered.config, leaving)
    compiled.gateway_config = lowered.config
    compiled.gateway_config_text = render(lowered.config)
    compiled.rules = lowered.rules
    compiled.environment = lowered.environment
    compiled.services = backends.services(registry, inventory)
    compiled.probes = probes.probes(registry, inventory, lowered.config)
    if leaving:
        nobody_minds(compiled.probes, leaving)
    compiled.variables = _variables(registry)
    compiled.variables += shared_variables(inventory.gateways, inventory.redis)
    for provider in registry.providers.values():
        if provider.rendered:
            compiled.composed.update(provider.credentials.composed)


def _declared_in(registry: Registry, file: str) -> list[str]:
    """The providers that this file declares, in its order."""
    name = Path(file).name
    found = registry.providers.values() if file else ()
    return [one.name for one in found if Path(one.place.file).name == name]


def _variables(registry: Registry) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for provider in registry.providers.values():
        for name in provider.credentials.variables if provider.rendered else ():
            place = list(provider.place_of_variable(name))
            found.setdefault(name, {"name": name, "needed_by": [], "place": place})
            found[name]["needed_by"].append(provider.name)
    return list(found.values())
