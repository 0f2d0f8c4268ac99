# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils.compile import compile_registry
from ..module_utils.host import atomic
from ..module_utils.provider_page.page import page, place_of, read
from ..module_utils.provider_page.sections import undocumented
from ..module_utils.registry.load import shown
from ..module_utils.registry.problems import has_errors
from ..plugin_utils.controller import ControllerAction
from ..plugin_utils.inventory import inventory_of, registry_path

ARGUMENTS = {
    "path": {"type": "path"},
    "file": {"type": "path"},
    "page": {"type": "str"},
    "only_existing": {"type": "bool", "default": False},
    "performance": {"type": "list", "elements": "dict", "default": []},
    "at": {"type": "str", "default": ""},
}


class ActionModule(ControllerAction):
    """Compiles the registry and has the page say what it says."""

    _supports_diff = True
    arguments = ARGUMENTS

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        path = registry_path(given, task_vars)
        inventory = inventory_of(task_vars)
        compiled = compile_registry(path, inventory, extra_file=given["file"] or "")
        if has_errors(compiled.problems):
            raise AnsibleActionFail("\n".join(map(str, compiled.problems)))
        providers = compiled.registry.providers.values()
        place = place_of(path, given["page"])
        result = {
            "changed": False,
            "page": shown(place) if place else "",
            "problem": "",
            "providers": {one.name: undocumented(one) for one in providers},
        }
        try:
            old = read(place) if place else None
            if place is None or (old is None and given["only_existing"]):
                return {**result, "page": ""}
            measured = {"performance": given["performance"], "at": given["at"]}
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
