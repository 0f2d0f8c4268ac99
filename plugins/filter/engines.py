# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin views of the core for the engines' roles, and for the playbooks that call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.files import unneeded
from ansible_collections.lab.llm.plugins.module_utils.engines.table import ENGINES
from ansible_collections.lab.llm.plugins.module_utils.engines.vllm_ray import units_of
from ansible_collections.lab.llm.plugins.module_utils.host.units import UnitError
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import PROVIDER_TYPES

Specs = Sequence[Mapping[str, Any]]


def engine_host(
    services: Specs, engine: str, settings: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, Any]:
    """See the engine's host_plan; with the `patterns` whose leftovers its role looks after."""
    try:
        plan = ENGINES[engine](_of(services, engine), settings, secrets)
    except (EngineError, UnitError) as problem:
        raise AnsibleFilterError(str(problem)) from None
    return {**plan, "patterns": unit_patterns(after(services, engine))}


def after(services: Specs, engine: str) -> list[str]:
    """The engines whose leftovers one engine's role looks after: its own, and, as the first on its
    host, those of engines that run nothing there any more."""
    here = engines_of(services)
    idle = [one for one in ENGINES if one not in here] if here[:1] in ([], [engine]) else []
    return list(dict.fromkeys([engine, *idle]))


def unit_patterns(engines: Sequence[str] = ()) -> list[str]:
    """Globs for the units of these engines, of all without any."""
    return [f"{PROVIDER_TYPES[one].unit_stem}*.service" for one in engines or ENGINES]


def engine_absent(services: Specs, engine: str) -> list[dict[str, str]]:
    """The units of these services, to be removed; it takes their names and nothing else."""
    names = (name for spec in _of(services, engine) for name in units_of(spec))
    return [{"name": name, "state": "absent"} for name in names]


def engine_unneeded(
    services: Specs,
    kept: Specs,
    engine: str,
    settings: Mapping[str, Any],
    models: bool = False,
    engines: bool = False,
) -> list[str]:
    """See unneeded: files that only these services use."""
    gone, others = _of(services, engine), _of(kept, engine)
    try:
        return unneeded(ENGINES[engine], gone, others, settings, models, engines)
    except (EngineError, UnitError) as problem:
        raise AnsibleFilterError(str(problem)) from None


def engines_of(services: Specs) -> list[str]:
    """The engines of these services, each once."""
    return list(dict.fromkeys(spec["engine"] for spec in services))


def _of(services: Specs, engine: str) -> list[Mapping[str, Any]]:
    return [spec for spec in services if spec["engine"] == engine]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {
            "engine_absent": engine_absent,
            "engine_host": engine_host,
            "engine_unneeded": engine_unneeded,
            "engines_of": engines_of,
            "unit_patterns": unit_patterns,
        }
