# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the instances of one engine need to have on their host, and which of them needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .common import Settings, Spec
from .files import HostPlan

Need = dict[str, Any]


def needs(
    host_plan: HostPlan, services: Sequence[Spec], settings: Settings, packages: Sequence[str] = ()
) -> Need:
    """{artifacts, locks, packages}, see collect of bundling; an artefact has its `providers`.

    `services` are specs of one host and one engine, `packages` what the distribution is to bring.
    Raises EngineError as host_plan does.
    """
    artifacts: dict[str, Need] = {}
    locks: dict[str, Need] = {}
    left = {name: {"name": name, "why": "the distribution brings it"} for name in packages}
    for spec in services:
        for model in spec["models"]:
            tag = model["source"].get("ollama")
            if tag:
                left[tag] = {"name": tag, "why": "Ollama pulls it itself"}
        # Neither keys nor tokens make a file here, and who asks need not have them.
        plan = host_plan(
            [{**spec, "key_variable": None}], {**settings, "ray_token": "of no file"}, {}
        )
        for one in plan["artifacts"]:
            place = one.get("dest") or one["unpack"]
            artifacts.setdefault(place, {**one, "providers": []})
            artifacts[place]["providers"].append(spec["provider"])
        for venv in plan.get("venvs", ()):
            for text in filter(None, (venv.get("requirements"), venv.get("uv"))):
                locks[text] = {"name": venv["name"], "text": text}
            if not venv.get("requirements"):
                why = "it has no lock file, so nobody knows which wheels it takes"
                left[venv["name"]] = {"name": venv["name"], "why": why}
    return {
        "artifacts": list(artifacts.values()),
        "locks": list(locks.values()),
        "packages": list(left.values()),
    }


def users(needs_of_host: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Place -> the providers that need what is there, from the needs of all engines of a host."""
    found: dict[str, list[str]] = {}
    for need in needs_of_host:
        for one in need.get("artifacts", ()):
            found.setdefault(one.get("dest") or one["unpack"], []).extend(one["providers"])
    return found
