# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module user_units, and the units that they describe."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from .key_lists import beside
from .readiness import Probe
from .units import HEADER, UnitError, environment_file, render
from .user_units import Unit, secrets_path

_NAME = re.compile(r"[A-Za-z0-9:_.@\\-]+\.(service|socket|timer|path|target|slice)")

PROBE = {
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "model": {"type": "str", "default": ""},
    "models": {"type": "list", "elements": "str", "default": []},
    "key_variable": {"type": "str", "default": "", "no_log": False},
}
UNIT = {
    "name": {"type": "str", "required": True},
    "sections": {"type": "dict"},
    "content": {"type": "str"},
    "sandbox": {"type": "dict"},
    "secrets": {"type": "dict", "no_log": True},
    "files": {"type": "dict", "default": {}},
    "beside": {"type": "list", "elements": "str", "default": []},
    "mode": {"type": "str", "default": "0644"},
    "state": {
        "type": "str",
        "choices": ["present", "started", "stopped", "absent"],
        "default": "started",
    },
    "enabled": {"type": "bool"},
    "restart": {"type": "bool", "default": True},
    "trigger": {"type": "str", "default": ""},
    "watch": {"type": "list", "elements": "path", "default": []},
    "port": {"type": "int"},
    "ready": {"type": "list", "elements": "dict", "default": [], "options": PROBE},
    "ready_timeout": {"type": "int", "default": 120},
}
ARGUMENTS = {
    "user": {"type": "str"},
    "home": {"type": "path"},
    "units": {"type": "list", "elements": "dict", "default": [], "options": UNIT},
    "keep": {"type": "list", "elements": "str", "default": []},
    "leftover_patterns": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": False},
}


def unit_of(
    given: Mapping[str, Any], home: Path, systemd: int, can: Callable[[Mapping[str, Any]], bool]
) -> Unit:
    """A unit from the module's options; `can` tells whether a sandbox works on this host.

    Raises UnitError that names the unit and what is wrong.
    """
    name = given["name"]
    if not _NAME.fullmatch(name):
        raise UnitError(f"'{name}' is no unit's name: it needs a suffix such as .service")
    try:
        return _unit(given, home, systemd, can)
    except UnitError as problem:
        raise UnitError(f"{name}: {problem}") from None


def _unit(
    given: Mapping[str, Any], home: Path, systemd: int, can: Callable[[Mapping[str, Any]], bool]
) -> Unit:
    name, secrets = given["name"], given["secrets"]
    if given["sections"] and given["content"]:
        raise UnitError("give either sections or content")
    path = str(secrets_path(home, name))
    lists = given.get("beside") or ()
    secrets = secrets and beside(secrets, lists, secrets_path(home, name))
    text = HEADER + given["content"] if given["content"] else None
    if given["sections"]:
        more = {"EnvironmentFile": path} if secrets else {}
        if given["sandbox"] and can(given["sandbox"]):
            more |= given["sandbox"]
        text = render(_with(given["sections"], more), systemd)
    if any(p["key_variable"] and p["key_variable"] not in (secrets or {}) for p in given["ready"]):
        raise UnitError("a probe's key_variable must be one of its secrets")
    return Unit(
        name=name,
        text=text,
        secrets=secrets,
        environment_file=environment_file(secrets) if secrets else None,
        files={k: f"{HEADER}{v}" for k, v in (given.get("files") or {}).items()},
        mode=_octal(given["mode"]),
        state=given["state"],
        enabled=given["state"] == "started" if given["enabled"] is None else given["enabled"],
        restart=given["restart"],
        trigger=given["trigger"],
        watch=tuple(given["watch"]),
        port=given["port"],
        ready=tuple(_probe(one, path, lists) for one in given["ready"]),
        ready_timeout=given["ready_timeout"],
    )


def _probe(given: Mapping[str, Any], secrets_file: str, lists: Collection[str]) -> Probe:
    variable = given["key_variable"]
    return Probe(
        url=given["url"],
        status=given["status"],
        model=given["model"],
        key_file=secrets_file if variable else "",
        key_variable=variable,
        key_list=variable in lists,
        models=tuple(given.get("models") or ()),
    )


def _with(sections: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**sections, "Service": {**sections.get("Service", {}), **more}} if more else sections


def _octal(mode: str) -> int:
    try:
        return int(mode, 8)
    except ValueError:
        raise UnitError(f"mode '{mode}' is not octal, such as 0644") from None
