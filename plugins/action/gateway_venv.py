# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..plugin_utils.bundle import BundledAction, with_wheels


class ActionModule(BundledAction):
    """The module makes the venv; with a bundle, its wheels are copied to the host first."""

    _supports_diff = False

    def from_bundle(
        self, bundle: Path, given: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        return with_wheels(self, given, bundle, [str(given["lock"])], task_vars)
