# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils.importing.importer import Imported, as_dict, import_config
from ..module_utils.importing.report import as_json, as_text
from ..module_utils.importing.target import Target, target
from ..module_utils.registry.load import shown
from ..plugin_utils.controller import ControllerAction
from ..plugin_utils.inventory import inventory_of

ARGUMENTS = {
    "file": {"type": "list", "elements": "path", "required": True},
    "to": {"type": "path"},
    "mappings": {"type": "path"},
    "addresses": {"type": "dict", "default": {}},
    "force": {"type": "bool", "default": False},
    "format": {"type": "str", "choices": ["text", "json"], "default": "text"},
}


class ActionModule(ControllerAction):
    """Writes what is new, unless in check mode."""

    _supports_diff = True
    arguments = ARGUMENTS

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        paths = [*given["file"], *filter(None, [given["mappings"]])] or [""]
        addresses = {str(name): str(value) for name, value in given["addresses"].items()}
        result = import_config(paths, addresses, inventory_of(task_vars))
        to = str(given["to"] or Path(paths[0]).absolute().parent / "registry")
        found = target(to, result.files, given["force"])
        if not result.errors:
            result.errors += found.errors
        if not result.errors and not self._task.check_mode:
            try:
                found.write()
            except OSError as error:
                result.errors.append(f"{shown(Path(to))} cannot be written: {error.strerror}.")
        return self._result(result, found, to, given["format"])

    def _result(self, result: Imported, found: Target, to: str, form: str) -> dict[str, Any]:
        failed = bool(result.errors)
        here = shown(Path(to))
        following = f"Next: ansible-playbook playbooks/check.yml -e llm_registry={here}"
        said = as_json(result, here) if form == "json" else as_text(result, here, following)
        told: dict[str, Any] = {"changed": bool(found.new) and not failed, "failed": failed}
        told |= {"msg": said, "path": to, "files": sorted(result.files)}
        told["report"] = result.secrets.scrubbed_tree(as_dict(result, here))
        if self._task.diff and not failed:
            told["diff"] = found.diff()
        return told
