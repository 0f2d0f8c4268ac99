# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils.compile import Compiled, Inventory, compile_registry
from ..module_utils.provider_page.page import place_of, stale
from ..module_utils.registry.commit import commit_of
from ..module_utils.registry.edit_files import edits_of, unwritable
from ..module_utils.registry.problems import ERROR, Place, Problem, has_errors, in_order
from ..module_utils.removal import all_active, remove
from ..module_utils.report import as_json, as_text
from ..module_utils.revalued import revalue
from ..module_utils.routing.backends import services
from ..module_utils.switching.switch import switch
from ..plugin_utils.inventory import inventory_of, registry_path

ARGUMENTS = {
    "path": {"type": "path"},
    "file": {"type": "path"},
    "text": {"type": "str"},
    "format": {"type": "str", "choices": ["text", "json"], "default": "text"},
    "without_provider": {"type": "str", "default": ""},
    "without_file": {"type": "str", "default": ""},
    "switch_to": {"type": "str", "default": ""},
    "without_hosts": {"type": "list", "elements": "str", "default": []},
    "values": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "list", "elements": "str", "required": True},
            "value": {"type": "raw"},
        },
    },
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "require_secrets": {"type": "bool", "default": False},
    "check_page": {"type": "bool", "default": False},
    "page": {"type": "str"},
}

CHANGES = ("file", "without_provider", "without_file", "values", "switch_to")


class ActionModule(ActionBase):
    """Translates between a task and the core; the core knows nothing of Ansible."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Checks and compiles the registry, controller only."""
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if any_change(arguments) > 1:
            raise AnsibleActionFail(f"Only one of {', '.join(CHANGES)} can be given.")
        path = registry_path(arguments, task_vars)
        file = _file(arguments, path)
        inventory = inventory_of(task_vars, arguments["without_hosts"])
        compiled, problems, edited = _compiled(arguments, path, inventory, file)
        page = place_of(path, arguments["page"])
        missing = missing_variables(compiled, arguments["secrets"])
        problems = [*problems, *_about_missing(compiled, missing, arguments)]
        if arguments["check_page"] and not has_errors(problems) and not any_change(arguments):
            problems += stale(compiled, inventory, page)
        problems = in_order(problems)
        failed = has_errors(problems)
        render = as_json if arguments["format"] == "json" else as_text
        result: dict[str, Any] = {
            "changed": False,
            "failed": failed,
            "path": path,
            "file": file,
            "in_registry": in_registry(path, file) | {"page": str(page or "")},
            "problems": [problem.as_dict() for problem in problems],
            "msg": render(problems, compiled, path),
        }
        if not failed:
            result.update(compiled.as_dict(), missing_variables=missing, **edited)
            result["problems"] = [problem.as_dict() for problem in problems]
            result["declared"] = services(all_active(compiled.registry), inventory)
            result["redis"] = asdict(inventory.redis) if inventory.redis else {}
            result["commit"] = commit_of(path)
        return result


def any_change(arguments: Mapping[str, Any]) -> int:
    """How many of the changes that can be asked for are: one at most."""
    return sum(bool(arguments[name]) for name in CHANGES)


def _compiled(
    arguments: Mapping[str, Any], path: str, inventory: Inventory, file: str
) -> tuple[Compiled, list[Problem], dict[str, Any]]:
    """(what was compiled, its problems, what an edit adds to the result)."""
    provider, gone = arguments["without_provider"], arguments["without_file"]
    if provider or gone:
        removal = remove(path, inventory, provider, gone)
        problems = [*removal.problems, *unwritable(path, removal.edits)]
        more = {"edits": edits_of(path, removal.edits), "removed": removal.as_dict()}
        return removal.compiled, problems, more
    if arguments["switch_to"]:
        found = switch(path, inventory, str(arguments["switch_to"]))
        problems = [*found.problems, *unwritable(path, found.edits)]
        more = {"edits": edits_of(path, found.edits), "switch": found.as_dict()}
        return found.compiled, problems, more
    if arguments["values"]:
        # As they are in the files: Ansible's own texts and numbers carry more than that.
        plain = json.loads(json.dumps(arguments["values"]))
        values = [(tuple(one["path"]), one["value"]) for one in plain]
        compiled, problems, edits = revalue(path, inventory, values)
        more = {"edits": edits_of(path, edits)}
        return compiled, [*problems, *unwritable(path, edits)], more
    text = arguments["text"]  # of a file that is none yet
    texts = {} if text is None else {Path(file).name: text.removeprefix("\ufeff")}
    compiled = compile_registry(path, inventory, extra_file=file, edits=texts)
    return compiled, compiled.problems, {"edits": []}


def _file(arguments: Mapping[str, Any], path: str) -> str:
    """The absolute path of the extra file, "" if there is none."""
    if not arguments["file"]:
        return ""
    folder = Path.cwd() if arguments["text"] is None else Path(path).absolute()
    return str(folder / arguments["file"])


def in_registry(path: str, file: str) -> dict[str, Any]:
    """What the extra file is in the registry, and whether it is still to be put there."""
    if not file:
        return {"file": "", "is_new": False}
    is_new = Path(file).parent.resolve() != Path(path).resolve()
    return {"file": f"{path}/{Path(file).name}", "is_new": is_new}


def missing_variables(compiled: Compiled, secrets: Mapping[str, Any]) -> list[str]:
    """Names of the variables that have a value neither in a vault nor in the environment."""
    return [
        variable["name"]
        for variable in compiled.variables
        if not (secrets.get(variable["name"]) or os.environ.get(variable["name"]))
    ]


def _about_missing(
    compiled: Compiled, missing: list[str], arguments: Mapping[str, Any]
) -> list[Problem]:
    severity = {"severity": ERROR} if arguments["require_secrets"] else {"severity": "warning"}
    return [
        Problem(
            Place(*variable["place"]),
            "missing-secret",
            f"the environment variable {variable['name']} has no value; it is needed by "
            + ", ".join(variable["needed_by"]),
            expected="a value in the controller's environment or in llm_secrets",
            **severity,
        )
        for variable in compiled.variables
        if variable["name"] in missing
    ]
