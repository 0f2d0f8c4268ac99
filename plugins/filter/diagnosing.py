# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.diagnosing import report
from ..module_utils.diagnosing.diagnosis import diagnosis
from ..module_utils.verdicts import Verdict


def diagnosis_report(
    asked: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    user: str = "llm",
    format: str = "text",
    exit_code: bool = False,
) -> dict[str, Any]:
    """See diagnosis, as {ok, report, why}; with `exit_code` a fault is not ok, nor is a host that
    was not looked at."""
    told = diagnosis(asked, results, user)
    ok = not exit_code or (told["healthy"] and not told["not_seen"])
    return Verdict(ok, told, tuple(report.lines(told)), report.why(told)).as_dict(format)


class FilterModule:
    """The report of a diagnosis."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"diagnosis_report": diagnosis_report}
