# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.gateway import way_back_report


def rollback_report(result: Mapping[str, Any], format: str = "text") -> Any:
    """What a rollback came to, as lines or as one JSON document."""
    if format == "json":
        return json.dumps(way_back_report.rollback(result), indent=2, ensure_ascii=False)
    return way_back_report.rollback_lines(result)


def restore_report(
    result: Mapping[str, Any],
    change: Mapping[str, Any] | None = None,
    planned: bool = False,
    format: str = "text",
) -> Any:
    """What a restore came to, or would, as lines or as one JSON document."""
    told = way_back_report.restored(result, change or {}, planned)
    if format == "json":
        return json.dumps(told, indent=2, ensure_ascii=False)
    return way_back_report.restored_lines(told)


class FilterModule:
    """Reports of the gateway's way back."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"restore_report": restore_report, "rollback_report": rollback_report}
