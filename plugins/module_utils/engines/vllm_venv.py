# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's venvs: one for each version, so that going back needs no download."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import Any

from .common import EngineError, Settings, Spec, safe
from .releases import INSTALLED

_VERSION = re.compile(r"^vllm(?:[-_][a-z0-9]+)?==([^\s;\\]+)", re.MULTILINE | re.IGNORECASE)
_RAY = re.compile(r"^ray(?:\[[^\]]*\])?\s*==", re.MULTILINE | re.IGNORECASE)


def venv_of(
    spec: Spec, settings: Settings, venvs: dict[str, dict[str, Any]]
) -> tuple[str, list[str]]:
    """The Python with this instance's vLLM, and the files whose change means another vLLM.

    `settings` has home, binary (a Python that has vLLM already), version, requirements (text of a
    lock file), releases ({version: text of a lock file}), packages, ray_version, python,
    torch_backend, uv (text of a lock file) and uv_environment. A venv that has to be made is put
    into `venvs`, by its place. Raises EngineError.
    """
    if settings["binary"]:
        if spec["version"]:
            raise EngineError(
                f"provider {spec['provider']} wants version {spec['version']}, and vllm_binary says"
                " which vLLM runs: leave one of them out"
            )
        return settings["binary"], [settings["binary"]]
    version, given, packages = _wanted(spec, settings)
    lock = _pins(given)
    how = {"python": settings["python"], "torch_backend": settings["torch_backend"]}
    mark = hashlib.sha256("\n".join([lock, *packages, *how.values()]).encode()).hexdigest()[:8]
    place = PurePosixPath(settings["home"]) / "vllm" / f"{safe(version)}-{mark}"
    venvs[str(place)] = {
        "name": f"vLLM {version}",
        "path": str(place),
        **({"requirements": lock} if lock else {"packages": packages}),
        **how,
        "uv": settings["uv"],
        "environment": settings["uv_environment"],
    }
    return str(place / "bin" / "python"), [str(place / INSTALLED)]


def _pins(lock: str) -> str:
    """A lock file without its comments, which say how it was made and change nothing."""
    lines = (line.rstrip() for line in lock.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.lstrip().startswith("#"))


def _wanted(spec: Spec, settings: Settings) -> tuple[str, str, list[str]]:
    """(version, text of a lock file or "", packages where there is no lock file)."""
    asked = str(spec["version"] or "")
    version = asked or str(settings["version"] or "")
    releases = {str(key): text for key, text in settings["releases"].items()}
    lock = releases.get(version, "")
    if not lock and settings["requirements"]:
        pinned = _pinned(settings["requirements"])
        if version in ("", pinned):
            version, lock = pinned, settings["requirements"]
    if lock:
        if spec.get("ray") and not _RAY.search(lock):
            raise EngineError(
                f"provider {spec['provider']} runs on Ray, and the lock file of vLLM {version} has"
                " no ray==VERSION: compile it from vllm and ray together"
            )
        return version, lock, []
    if not version:
        raise EngineError(
            "vllm_requirements (a lock file with hashes) or vllm_version says which vLLM to install"
        )
    if settings["requirements"] or releases:
        names = sorted({*releases, _pinned(settings["requirements"])} - {""})
        raise EngineError(
            f"provider {spec['provider']}: there is a lock file for vLLM {', '.join(names)} and"
            f" none for {version}. Add it to vllm_releases"
        )
    packages = [f"vllm=={version}", *settings["packages"]]
    if spec.get("ray") and not any(_RAY.match(one) for one in packages):
        packages.append(f"ray=={settings['ray_version']}")
    return version, "", packages


def _pinned(lock: str) -> str:
    """The release of vLLM that a lock file pins, "" without a lock file."""
    found = _VERSION.search(lock)
    if lock and not found:
        raise EngineError("vllm_requirements pins no vllm==VERSION at the beginning of a line")
    return found[1] if found else ""
