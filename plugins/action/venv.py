# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.bundling.manifest import BundleError
from ..plugin_utils.bundle import with_wheels

_LOCKS = ("requirements", "uv")


class ActionModule(ActionBase):
    """The module makes the venvs; with a bundle, their wheels are copied to the host first."""

    _supports_check_mode = True
    _supports_diff = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        bundle = given.pop("bundle", None)
        if not bundle:
            return self._execute_module(module_args=given, task_vars=task_vars)
        try:
            texts = [one.get(key) for one in given.get("venvs", ()) for key in _LOCKS]
            return with_wheels(self, given, bundle, [str(one) for one in texts if one], task_vars)
        except (BundleError, OSError) as problem:
            return {"failed": True, "msg": str(problem)}
