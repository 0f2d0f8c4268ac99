# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""router_settings, fallbacks apart: what is switched on where something needs it."""

from __future__ import annotations

from ..canaries import canary_settings
from ..counted import CHECK, TIMES, UNITS
from .strategies import counts_usage
from .work import Work


def failover(work: Work) -> None:
    """Inside a name: LiteLLM then tries the other members before the fallbacks."""
    if any(len(route.targets) > 1 for route in work.table.routes.values()):
        work.settings["enable_weighted_failover"] = True


def limits(work: Work) -> None:
    """Unlike enable_pre_call_checks it counts tokens too, and what is called by its id.

    Beside a usage-based strategy everything is counted twice, and written twice as high.
    """
    if work.table.limited:
        work.settings["optional_pre_call_checks"] = [CHECK]
    if work.table.limited and counts_usage(work):
        for entry in work.entries:
            params = entry["litellm_params"]
            params.update({unit: TIMES * params[unit] for unit in UNITS if unit in params})


def timeout(work: Work) -> None:
    """What a deployment has itself comes first."""
    if work.registry.everywhere.timeout is not None:
        work.settings["timeout"] = work.registry.everywhere.timeout


def decisions(work: Work) -> None:
    """Who says which way each request takes."""
    if work.registry.debug_router:
        callbacks = work.config.get("litellm_settings", {}).get("callbacks", [])
        work.litellm_settings({"callbacks": [*callbacks, "program.decisions.decisions"]})


def canaries(work: Work) -> None:
    """The one who deals out shares, and counters to judge a canary by."""
    if any(route.canaries for route in work.table.routes.values()):
        work.litellm_settings(canary_settings())
