# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.planning.gateway import plan_gateway
from ..plugin_utils.config_text import load


class ActionModule(ActionBase):
    """The module reads on the host; what it found is compared here, where YAML can be read."""

    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        found = self._execute_module(task_vars=task_vars)
        if found.get("failed") or "made_of" not in found:
            return found
        return {"changed": False, **plan_gateway(found, self._task.args, load)}
