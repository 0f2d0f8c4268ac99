# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The module, with how far its host's clock is from the controller's."""

    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        sent = time.time()
        seen = self._execute_module(task_vars=task_vars)
        received = time.time()
        if "began" not in seen:
            return seen
        # It began after it was sent and ended before it was received: so far its clock is known.
        seen["skew"] = [seen.pop("ended") - received, seen.pop("began") - sent]
        return seen
