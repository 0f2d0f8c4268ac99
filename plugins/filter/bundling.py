# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bundle.yml and models.yml ask of the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.lab.llm.plugins.module_utils.bundling.report import (
    bundle_report,
    models_report,
)
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.needs import needs, users
from ansible_collections.lab.llm.plugins.module_utils.engines.table import ENGINES
from ansible_collections.lab.llm.plugins.module_utils.host.units import UnitError

from .registry import secret_values

Specs = Sequence[Mapping[str, Any]]


def engine_needs(
    services: Specs, engine: str, settings: Mapping[str, Any], packages: Sequence[str] = ()
) -> dict[str, Any]:
    """See needs: what has to be brought to a host for the services of one engine."""
    own = [spec for spec in services if spec["engine"] == engine]
    try:
        return needs(ENGINES[engine], own, settings, packages)
    except (EngineError, UnitError) as problem:
        raise AnsibleFilterError(str(problem)) from None


def token_values(
    artifacts: Sequence[Mapping[str, Any]], secrets: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Values of the tokens that artefacts name: from the vault, else the environment."""
    names = {one["token_env"]: one for one in artifacts if one.get("token_env")}
    return secret_values([{"name": name} for name in names], secrets)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {
            "bundle_report": bundle_report,
            "models_report": models_report,
            "engine_needs": engine_needs,
            "token_values": token_values,
            "users_of_files": users,
        }
