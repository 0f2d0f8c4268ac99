# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engines' instances have in common: their units, keys, options, GPUs and ports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

# Works in the user manager of systemd 252: there it takes PrivateUsers, or it is ignored.
SANDBOX = {
    "PrivateUsers": True,
    "ProtectSystem": "strict",
    "ProtectHome": "read-only",
    "PrivateTmp": True,
}
HARDENING = {
    "NoNewPrivileges": True,
    "LockPersonality": True,
    "RestrictRealtime": True,
    "RestrictSUIDSGID": True,
    "UMask": "0077",
}
SERVICE = {
    "Type": "exec",
    "Restart": "on-failure",
    "RestartSec": "5s",
    "RestartSteps": 6,
    "RestartMaxDelaySec": "2min",
    "LimitNOFILE": 16384,
}
# deploy.limits -> systemd.resource-control(5), and the niceness of systemd.exec(5).
LIMITS = {
    "memory_high": "MemoryHigh",
    "memory_max": "MemoryMax",
    "cpu_quota": "CPUQuota",
    "cpu_weight": "CPUWeight",
    "io_weight": "IOWeight",
    "tasks_max": "TasksMax",
    "nice": "Nice",
}

Spec = Mapping[str, Any]
Settings = Mapping[str, Any]


# Whether it runs -> the unit's state; where that is not said, its files are there, and no more.
STATES = {True: "started", False: "stopped", None: "present"}


class EngineError(ValueError):
    """The services of this host cannot be set up as given; the message says what to write."""


def unit(
    spec: Spec,
    settings: Settings,
    *,
    title: str,
    argv: Sequence[str],
    stop_seconds: int,
    ready: Sequence[Mapping[str, Any]],
    watch: Sequence[str],
    environment: Mapping[str, str] | None = None,
    writable: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    service: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One instance, as lab.llm.user_units takes it, but for its key.

    `stop_seconds` is how long it may take to end with requests in flight; `ready` are the questions
    that it has to answer; `watch` are the files whose change restarts it; `writable` are folders
    that it writes to, of those that the sandbox closes; `files`: text of each further file, at
    `beside`; `service`: more keys of its section Service.
    """
    own = {
        "ExecStart": list(argv),
        "Environment": {**gpus_in(spec), **(environment or {}), **spec["environment"]} or None,
        "TimeoutStartSec": f"{settings['ready_timeout']}s",
        "TimeoutStopSec": f"{stop_seconds}s",
        **{LIMITS[key]: value for key, value in spec["limits"].items()},
    }
    others = spec.get("conflicts") or None
    return {
        "name": spec["unit"],
        "sections": {
            "Unit": {
                "Description": f"{title} for {spec['provider']}: {names_of(spec)}",
                "StartLimitIntervalSec": 0,
                # Of two that share GPUs the one is down before the other starts: systemd.unit(5).
                "Conflicts": others,
                "After": others,
            },
            "Service": {**SERVICE, **own, **HARDENING, **(service or {})},
            "Install": {"WantedBy": "default.target"},
        },
        "sandbox": sandbox_of(settings, writable),
        "state": STATES[spec.get("runs", True)],
        "secrets": None,
        "files": dict(files or {}),
        "beside": [],
        "watch": list(watch),
        "port": spec["port"],
        "ready": list(ready),
        "ready_timeout": settings["ready_timeout"],
    }


def sandbox_of(settings: Settings, writable: Sequence[str] = ()) -> dict[str, Any] | None:
    """The keys that close the file system but for the user's cache and `writable`, if wished."""
    cache = f"-{PurePosixPath(settings['home']) / '.cache'}"
    return SANDBOX | {"ReadWritePaths": [cache, *writable]} if settings["sandbox"] else None


def beside(spec: Spec, settings: Settings, file: str) -> str:
    """Where one of the `files` of a unit is going to be."""
    home = PurePosixPath(settings["home"])
    return str(home / ".config" / "lab-llm" / f"{spec['unit']}.{file}")


def with_key(
    made: dict[str, Any], spec: Spec, settings: Settings, secrets: Mapping[str, str], variable: str
) -> dict[str, Any]:
    """The unit, with the key that it demands in `variable`, if the provider names one."""
    key = _key(spec, secrets, settings["secrets_name"])
    if not key:
        return made
    ready = [
        {**one, "key_variable": variable} if one.get("model") or one.get("models") else one
        for one in made["ready"]
    ]
    # While a key is rotated the one of now stays valid.
    beside = [variable] if settings.get("keep_keys") else []
    return {**made, "secrets": {variable: key}, "beside": beside, "ready": ready}


def names_of(spec: Spec) -> str:
    """The models that it serves, for people."""
    return ", ".join(model["name"] for model in spec["models"])


def gpus_in(spec: Spec) -> dict[str, str]:
    """The variables that show it its GPUs and no others; none of both where all are its own."""
    if spec["gpus"] is None:
        return {}
    numbers = ",".join(str(gpu) for gpu in spec["gpus"])
    # The order of nvidia-smi, which is what people write down. No number: the CPU alone.
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": numbers,
        "ROCR_VISIBLE_DEVICES": numbers,
    }


def local_base(spec: Spec) -> str:
    """Where it answers, seen from its own host."""
    bind = str(spec["bind"])
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{spec['port']}"


def long_options(spec: Spec, ours: Mapping[str, str]) -> list[str]:
    """snake_case options as long options: true is a bare option, false leaves it out, a list
    repeats it. `ours`: options that come from elsewhere, and from where."""
    words = []
    for key, value in spec["options"].items():
        not_ours(spec, key, ours)
        if value is False or value is None:
            continue
        option = f"--{key.replace('_', '-')}"
        values = value if isinstance(value, (list, tuple)) else [value]
        words += [option] if value is True else [w for v in values for w in (option, str(v))]
    return words


def not_ours(spec: Spec, key: str, ours: Mapping[str, str]) -> None:
    """Raises EngineError for an option that stands elsewhere in the registry."""
    if key in ours:
        raise EngineError(
            f"provider {spec['provider']}: options.{key} is set by {ours[key]}; leave it out"
        )


def one_port_each(services: Sequence[Spec]) -> None:
    """Raises EngineError where two instances want one port at the same time."""
    seen: dict[int, Spec] = {}
    for spec in services:
        other = seen.setdefault(spec["port"], spec)
        in_turn = spec.get("slot") and spec.get("slot") == other.get("slot")
        if other is not spec and not in_turn:
            raise EngineError(
                f"providers {other['provider']} and {spec['provider']} both want port "
                f"{spec['port']} of {spec['host']}: give one another deploy.port"
            )


def safe(text: str) -> str:
    """A part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".") or "_"


def _key(spec: Spec, secrets: Mapping[str, str], where: str) -> str:
    variable = spec["key_variable"]
    if not variable:
        return ""
    value = secrets.get(variable)
    if not value:
        raise EngineError(
            f"provider {spec['provider']} demands a key, and {where} has no {variable}: "
            "export it where Ansible runs, or put it into the vault"
        )
    return str(value)
