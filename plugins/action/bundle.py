# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils.bundling.collect import collect
from ..module_utils.bundling.index import PYPI
from ..module_utils.bundling.wheels import Target
from ..module_utils.host.huggingface import ENDPOINT
from ..plugin_utils.controller import ControllerAction

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "needs": {"type": "list", "elements": "dict", "default": []},
    "pythons": {"type": "list", "elements": "str", "default": ["3.11", "3.12", "3.13"]},
    "machine": {"type": "str", "default": "x86_64"},
    "indexes": {"type": "list", "elements": "str", "default": [PYPI]},
    "tokens": {"type": "dict", "default": {}, "no_log": True},
    "huggingface_endpoint": {"type": "str", "default": ENDPOINT},
}


class ActionModule(ControllerAction):
    """Collects into a folder of the controller."""

    _supports_diff = True
    arguments = ARGUMENTS

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        pythons = [re.fullmatch(r"3\.(\d+)", str(one)) for one in given["pythons"]]
        numbers = [int(one[1]) for one in pythons if one]
        if not numbers or len(numbers) != len(pythons):
            return {"failed": True, "msg": "pythons: a list such as ['3.11', '3.13'] is expected"}
        found = collect(
            Path(given["path"]).absolute(),
            given["needs"],
            Target(numbers, given["machine"]),
            given["indexes"],
            given["tokens"],
            given["huggingface_endpoint"],
            self._task.check_mode,
        )
        return {key: one for key, one in found.items() if key != "msg" or one}
