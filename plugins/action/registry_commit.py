# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils.registry.git import GitError, Repository
from ..plugin_utils.controller import ControllerAction
from ..plugin_utils.inventory import registry_path

FILES = {"type": "list", "elements": "path", "default": []}
ARGUMENTS = {
    "path": {"type": "path"},
    "files": FILES,
    "message": {"type": "str", "default": ""},
    "commit": {"type": "bool", "default": True},
    "tag": {"type": "str", "default": ""},
    "prepare": {"type": "bool", "default": False},
    "unchanged": FILES,
}


class ActionModule(ControllerAction):
    """Commits and tags."""

    _supports_diff = False
    arguments = ARGUMENTS

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        path = registry_path(given, task_vars)
        result = {"changed": False, "commit": "", "committed": False, "tag": "", "problem": ""}
        try:
            repository = Repository(path)
            if given["prepare"]:
                prepare(repository, given)
            elif self._task.check_mode:
                result["changed"] = bool(repository.changed(repository.inside(given["files"])))
            else:
                record(repository, given, result)
        except GitError as error:
            if given["prepare"]:
                raise AnsibleActionFail(f"Nothing was done: {error}.") from None
            result["problem"] = str(error)
        return result


def prepare(repository: Repository, arguments: Mapping[str, Any]) -> None:
    """What would be in the way later is said now."""
    if arguments["commit"]:
        repository.ready(arguments["files"], arguments["unchanged"])
    if arguments["tag"]:
        repository.only(arguments["files"] if arguments["commit"] else ())


def record(repository: Repository, arguments: Mapping[str, Any], result: dict[str, Any]) -> None:
    """Commits, then tags; `result` has what was done when one of them is refused."""
    if arguments["commit"]:
        made = repository.commit(arguments["files"], arguments["message"])
        result.update(commit=made or repository.head(), committed=bool(made), changed=bool(made))
    if arguments["tag"]:
        repository.only(())
        new = repository.tag(arguments["tag"], arguments["message"])
        result.update(tag=arguments["tag"], changed=result["changed"] or new)
