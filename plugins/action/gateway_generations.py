# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.history_report import History, as_lines
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
        report = History(found, load).report()
        arguments = self._task.args
        between = arguments.get("from") is not None or arguments.get("to") is not None
        as_json = arguments.get("format") == "json"
        said = json.dumps(report, indent=2, ensure_ascii=False) if as_json else ""
        return {"changed": False, **report, "msg": said or as_lines(report, between)}
