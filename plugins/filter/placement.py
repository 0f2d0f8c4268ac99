# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin view of the core that places services on GPUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils.placement import report
from ..module_utils.placement.check import placement
from ..module_utils.placement.questions import questions
from ..module_utils.verdicts import Verdict

Found = Mapping[str, Any]


def gpu_questions(services: Sequence[Found]) -> dict[str, Any]:
    """See questions: whether anything asks for a GPU, and the models to look for."""
    return questions(services)


def gpu_placement(
    services: Sequence[Found], facts: Found, host: str = "the host", format: str = "text"
) -> dict[str, Any]:
    """See placement, as {ok, report, why}; an error is not ok."""
    told = placement(services, facts, facts.get("models", {}))
    wrong = report.errors(told)
    lines = tuple(report.lines(host, told))
    return Verdict(not wrong, {"host": host, **told}, lines, "\n".join(wrong)).as_dict(format)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"gpu_placement": gpu_placement, "gpu_questions": gpu_questions}
