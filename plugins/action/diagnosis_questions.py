# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils.compile import compile_registry
from ..module_utils.diagnosing.questions import questions
from ..modules.diagnosis_questions import ARGUMENTS
from ..plugin_utils.controller import ControllerAction
from ..plugin_utils.inventory import inventory_of, registry_path


class ActionModule(ControllerAction):
    """Reads the registry."""

    _supports_diff = False
    arguments = ARGUMENTS

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        path, inventory = registry_path(given, task_vars), inventory_of(task_vars)
        file = str(Path.cwd() / given["file"]) if given["file"] else ""
        compiled = compile_registry(path, inventory, extra_file=file)
        found = questions(compiled, inventory, given["provider"], given["completion"])
        return {"changed": False, **found}
