# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said in the end of a change of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.checklist import Checklist, as_lines, recorded


def checklist(facts: Mapping[str, Any], format: str = "text") -> list[Any]:
    """The eleven lines of a provider that was added, as text or, with json, as dictionaries."""
    rows = Checklist(facts).rows()
    return rows if format == "json" else as_lines(rows)


def change_record(page: Mapping[str, Any], git: Mapping[str, Any] | None = None) -> list[str]:
    """Lines about the page and the commit of any other change."""
    return recorded(page, git or {})


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"change_record": change_record, "checklist": checklist}
