# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin view of the core for the role llama_cpp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.lab.llm.plugins.module_utils.host.llama_cpp import (
    STEM,
    LlamaCppError,
    host_plan,
)
from ansible_collections.lab.llm.plugins.module_utils.host.llama_cpp_files import unneeded
from ansible_collections.lab.llm.plugins.module_utils.host.units import UnitError, unit_name


def llama_cpp_host(
    services: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, Any]:
    """See host_plan: artefacts and units of one host."""
    try:
        mine = [spec for spec in services if spec["engine"] == "llama_cpp"]
        return host_plan(mine, settings, secrets)
    except (LlamaCppError, UnitError) as problem:
        raise AnsibleFilterError(str(problem)) from None


def llama_cpp_absent(services: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The units of these services, to be removed; it takes their names and nothing else."""
    return [{"name": unit_name(STEM, spec["provider"]), "state": "absent"} for spec in services]


def llama_cpp_unneeded(
    services: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    models: bool = False,
    engines: bool = False,
) -> list[str]:
    """See unneeded: files that only these services use."""
    both = [[spec for spec in specs if spec["engine"] == "llama_cpp"] for specs in (services, kept)]
    try:
        return unneeded(*both, settings, models, engines)
    except (LlamaCppError, UnitError) as problem:
        raise AnsibleFilterError(str(problem)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "llama_cpp_absent": llama_cpp_absent,
            "llama_cpp_host": llama_cpp_host,
            "llama_cpp_unneeded": llama_cpp_unneeded,
        }
