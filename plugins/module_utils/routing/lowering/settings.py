# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""router_settings, fallbacks apart: what is switched on where something needs it."""

from __future__ import annotations

from ..canaries import canary_settings
from .work import Work


def failover(work: Work) -> None:
    """Inside a name: LiteLLM then tries the other members before the fallbacks."""
    if any(len(route.targets) > 1 for route in work.table.routes.values()):
        work.settings["enable_weighted_failover"] = True


def limits(work: Work) -> None:
    """Unlike enable_pre_call_checks it counts tokens too, and what is called by its id."""
    if work.table.limited:
        work.settings["optional_pre_call_checks"] = ["enforce_model_rate_limits"]


def canaries(work: Work) -> None:
    """The one who deals out shares, and counters to judge a canary by."""
    if any(route.canaries for route in work.table.routes.values()):
        work.litellm_settings(canary_settings())
