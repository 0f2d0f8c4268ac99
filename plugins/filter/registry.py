# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.compile import Compiled, Inventory, compile_registry
from ..module_utils.registry.problems import has_errors


def registry_problems(path: str) -> list[dict[str, Any]]:
    """Every problem of the registry directory, as the registry action gives them."""
    return [problem.as_dict() for problem in _compiled(path).problems]


def registry_routes(path: str, groups: Mapping[str, Any] | None = None) -> Any:
    """The routes of the registry directory; its errors are the filter's."""
    return _sound(path, groups).as_dict()["routes"]


def litellm_config(path: str, groups: Mapping[str, Any] | None = None) -> Any:
    """The LiteLLM configuration of the registry directory; its errors are the filter's."""
    return _sound(path, groups).as_dict()["gateway_config"]


def secret_values(
    variables: Iterable[Mapping[str, Any]], secrets: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Values for the variables that a registry names: from the vault, else the environment."""
    names = [variable["name"] for variable in variables]
    values = {name: (secrets or {}).get(name) or os.environ.get(name) for name in names}
    return {name: str(value) for name, value in values.items() if value}


def services_on(
    compiled: Mapping[str, Any], host: str, providers: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """The backend services of a host: of these providers, else of the extra file's, else all."""
    chosen = list(compiled.get("file_providers", ()) if providers is None else providers)
    services = compiled.get("services", {}).get(host, [])
    return [one for one in services if not chosen or one["provider"] in chosen]


def service_hosts(compiled: Mapping[str, Any]) -> list[str]:
    """The hosts that services_on finds something for."""
    return [host for host in compiled.get("services", {}) if services_on(compiled, host)]


def _compiled(path: str, groups: Mapping[str, Any] | None = None) -> Compiled:
    plain = {name: list(hosts) for name, hosts in (groups or {}).items()}
    hosts = {host for members in plain.values() for host in members}
    return compile_registry(
        str(path), Inventory(groups=plain, addresses={host: host for host in hosts})
    )


def _sound(path: str, groups: Mapping[str, Any] | None) -> Compiled:
    compiled = _compiled(path, groups)
    if has_errors(compiled.problems):
        raise AnsibleFilterError("\n".join(map(str, compiled.problems)))
    return compiled


class FilterModule:
    """Thin views of the core, for playbooks of one's own."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {
            "litellm_config": litellm_config,
            "registry_problems": registry_problems,
            "registry_routes": registry_routes,
            "secret_values": secret_values,
            "service_hosts": service_hosts,
            "services_on": services_on,
        }
