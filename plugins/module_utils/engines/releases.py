# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of an engine: pinned archives, each in a folder of its own, so that going back needs no
download."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from .common import EngineError, Settings, Spec, safe

INSTALLED = ".lab-llm-installed"


def program(
    spec: Spec, settings: Settings, artifacts: dict[str, dict[str, Any]], engine: str, folder: str
) -> tuple[str, list[str]]:
    """The binary's path, and the files whose change means another binary.

    `engine` is its name in messages and variables (`llama_cpp`), `folder` that below the user's
    home. `settings` has home, install (archive, package or binary), version, archive_url,
    archive_sha256, archive_binary, releases ({version: {url, sha256}}), binary, packaged_binary.
    What has to be brought is put into `artifacts`, by its place.
    """
    if settings["install"] != "archive":
        return _given(spec, settings, engine)
    release = _release(spec, settings, engine)
    parts = [safe(part) for part in (release["version"], release["sha256"][:8]) if part]
    place = PurePosixPath(settings["home"]) / folder / "-".join(parts)
    artifacts[str(place)] = {
        "name": f"{folder} {release['version']}".strip(),
        "url": release["url"],
        "sha256": release["sha256"],
        "unpack": str(place),
    }
    binary = str(place / settings["archive_binary"])
    return binary, [str(place / INSTALLED), binary]


def _given(spec: Spec, settings: Settings, engine: str) -> tuple[str, list[str]]:
    packaged = settings["packaged_binary"] if settings["install"] == "package" else ""
    binary = settings["binary"] or packaged
    if not binary:
        raise EngineError(f"{engine}_install is 'binary': set {engine}_binary to its path")
    if spec["version"]:
        raise EngineError(
            f"provider {spec['provider']} wants version {spec['version']}, which only "
            f"{engine}_install: archive can choose"
        )
    return binary, [binary]


def _release(spec: Spec, settings: Settings, engine: str) -> dict[str, str]:
    """The archive for the version that the spec names, or the default one."""
    version = str(spec["version"] or settings["version"] or "")
    known = {str(key): value for key, value in (settings["releases"] or {}).items()}
    if version and version in known:
        return {"version": version, **known[version]}
    if spec["version"] and version != str(settings["version"]):
        names = ", ".join(sorted({*known, str(settings["version"] or "")} - {""})) or "none"
        raise EngineError(
            f"provider {spec['provider']} wants {engine} {version}; known are: {names}. "
            f"Add it to {engine}_releases with its url and sha256"
        )
    url, sha256 = settings["archive_url"], settings["archive_sha256"]
    if not url or not sha256:
        raise EngineError(
            f"{engine}_archive_url and {engine}_archive_sha256 say which release to install; set "
            f"both, or {engine}_install to 'package' or 'binary'"
        )
    return {"version": version, "url": url, "sha256": sha256}
