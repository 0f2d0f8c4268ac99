# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.planning import observed
from ..module_utils.planning.process import listings
from ..modules.gateway_drift import ARGUMENTS
from ..plugin_utils.config_text import load


class ActionModule(ActionBase):
    """The module looks on the host, and is called once more to ask the backends: whom to ask is in
    the configuration, and YAML can be read here alone."""

    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        seen = self._execute_module(task_vars=task_vars)
        if seen.get("failed") or "found" not in seen:
            return seen
        found = seen["found"]
        told: dict[str, Any] = {"changed": False, "current": found["current"]}
        if found["current"] is None:
            return {**told, "findings": [], "backends": [], "expected": {}, "notes": []}
        config = observed.parsed(found["config"], load)
        ask = {**self._task.args, "listings": listings(config, found["probes"])}
        asked = self._execute_module(module_args=ask, task_vars=task_vars)
        findings = observed.findings(found, arguments, config)
        return {
            **told,
            "findings": [one.as_dict() for one in findings],
            "backends": asked.get("backends", []),
            "expected": observed.expected(found["probes"], config),
            "notes": list(observed.notes(found)),
        }
