# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the core needs of Ansible's inventory, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils.compile import Inventory
from ..module_utils.routing.shared_state import PORT, Redis


def registry_path(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
    """The registry's directory: as the task says, else llm_registry, else beside the inventory."""
    named = arguments["path"] or task_vars.get("llm_registry")
    return str(named or beside_inventory(task_vars))


def beside_inventory(task_vars: Mapping[str, Any]) -> str:
    """The registry/ that stands beside the inventory file in use."""
    for source in task_vars.get("ansible_inventory_sources") or []:
        directory = Path(source) if Path(source).is_dir() else Path(source).parent
        if (directory / "registry").is_dir():
            return str(directory / "registry")
    raise AnsibleActionFail(
        "No registry found: none of the inventories "
        f"{list(task_vars.get('ansible_inventory_sources') or [])} has a registry/ beside it. "
        "Name one with -e llm_registry=DIR."
    )


def inventory_of(task_vars: Mapping[str, Any], left_out: Iterable[str] = ()) -> Inventory:
    """Groups and addresses as plain data. A host's address is how the gateway reaches it."""
    groups = {name: list(hosts) for name, hosts in task_vars["groups"].items()}
    hostvars = task_vars["hostvars"]
    return Inventory(
        groups=groups,
        addresses={host: _address(host, hostvars[host]) for host in groups.get("all", [])},
        left_out=tuple(left_out),
        redis=_redis(groups, hostvars),
        processes=sum(_workers(hostvars[host]) for host in groups.get("gateway", [])) or 1,
    )


def _redis(groups: Mapping[str, list[str]], hostvars: Mapping[str, Any]) -> Redis | None:
    """The first host of the group redis, else the Redis that the gateways' variables name."""
    for host in groups.get("redis", [])[:1]:
        known = hostvars[host]
        ca = str(known.get("redis_ca_file_of_gateways") or "")
        tls = bool(known.get("redis_tls_cert_file"))
        return Redis(_address(host, known), int(known.get("redis_port") or PORT), tls=tls, ca=ca)
    for host in groups.get("gateway", [])[:1]:
        known = hostvars[host]
        if known.get("gateway_redis_host"):
            return Redis(
                str(known["gateway_redis_host"]),
                int(known.get("gateway_redis_port") or PORT),
                str(known.get("gateway_redis_username") or ""),
                str(known.get("gateway_redis_tls") or "").lower() in ("true", "yes", "1"),
                str(known.get("gateway_redis_ca_file") or ""),
            )
    return None


def _workers(variables: Mapping[str, Any]) -> int:
    """How many processes with LiteLLM a gateway has; the role's default is one."""
    try:
        return max(1, int(variables.get("gateway_workers", 1)))
    except (TypeError, ValueError):
        return 1


def _address(host: str, variables: Mapping[str, Any]) -> str:
    return str(variables.get("llm_address") or variables.get("ansible_host") or host)
