# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils.compile import compile_registry
from ..module_utils.host import atomic
from ..module_utils.provider_page.page import page, place_of, read
from ..module_utils.provider_page.sections import undocumented
from ..module_utils.registry.load import shown
from ..module_utils.registry.problems import has_errors
from ..plugin_utils.inventory import inventory_of, registry_path

ARGUMENTS = {
    "path": {"type": "path"},
    "file": {"type": "path"},
    "page": {"type": "str"},
    "only_existing": {"type": "bool", "default": False},
    "performance": {"type": "list", "elements": "dict", "default": []},
    "at": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    """Compiles the registry and has the page say what it says."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Writes the page, controller only."""
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        path = registry_path(arguments, task_vars)
        inventory = inventory_of(task_vars)
        compiled = compile_registry(path, inventory, extra_file=arguments["file"] or "")
        if has_errors(compiled.problems):
            raise AnsibleActionFail("\n".join(map(str, compiled.problems)))
        providers = compiled.registry.providers.values()
        place = place_of(path, arguments["page"])
        result = {
            "changed": False,
            "page": shown(place) if place else "",
            "problem": "",
            "providers": {one.name: undocumented(one) for one in providers},
        }
        try:
            old = read(place) if place else None
            if place is None or (old is None and arguments["only_existing"]):
                return {**result, "page": ""}
            measured = {"performance": arguments["performance"], "at": arguments["at"]}
            new = page(compiled, inventory, before=old or "", **measured)
            if new != old and not self._task.check_mode:
                place.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(place.resolve(), new.encode(), 0o644)
        except (OSError, ValueError) as error:
            return {**result, "problem": said(error, place)}
        diff = {"diff": difference(place, old, new)} if self._task.diff else {}
        return {**result, "changed": new != old, **diff}


def said(error: Exception, place: Path | None) -> str:
    """Why the page stays as it is."""
    if isinstance(error, OSError):
        return f"{place} cannot be written: {error.strerror or error}"
    return f"{error}. Move it away, or name another file: -e llm_provider_page=FILE"


def difference(place: Path, old: str | None, new: str) -> Mapping[str, str]:
    """For --diff."""
    headers = {"before_header": str(place), "after_header": str(place)}
    return {"before": old or "", "after": new, **headers}
