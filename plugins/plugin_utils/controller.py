# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions whose work is done on the controller alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase


class ControllerAction(ActionBase):
    """Translates between a task and the core; the core knows nothing of Ansible."""

    _requires_connection = False
    _supports_check_mode = True
    arguments: ClassVar[Mapping[str, Any]]

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What `done` gives for arguments that are as they should be."""
        super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(argument_spec=self.arguments)
        return self.done(given, task_vars or {})

    def done(self, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The result of the task."""
        raise NotImplementedError
