# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.compile import compile_registry
from ..module_utils.diagnosing.questions import questions
from ..modules.diagnosis_questions import ARGUMENTS
from ..plugin_utils.inventory import inventory_of, registry_path


class ActionModule(ActionBase):
    """Translates between a task and the core; the core knows nothing of Ansible."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Reads the registry, controller only."""
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        path, inventory = registry_path(arguments, task_vars), inventory_of(task_vars)
        file = str(Path.cwd() / arguments["file"]) if arguments["file"] else ""
        compiled = compile_registry(path, inventory, extra_file=file)
        found = questions(compiled, inventory, arguments["provider"], arguments["completion"])
        return {"changed": False, **found}
