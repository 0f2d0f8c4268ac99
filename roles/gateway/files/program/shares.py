# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shares of canaries: which requests a deployment on trial gets.

LiteLLM's weights cannot say it. Whoever is left of a group takes over what the others had: with a
weight of 5 % beside a first and a second provider, a dead first one sends everything to the
canary. So a canary has the weight 0 among its peers, who keep theirs, and before LiteLLM chooses,
this callback (`litellm_settings.callbacks`, a hook of LiteLLM's own) leaves it the canary alone, as
often as `model_info.canary` says. A canary that fails is one that a request has been to: the
failover goes on among the peers.
"""

from __future__ import annotations

import random
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

try:
    from doors import came_in_private
except ImportError:  # without the launcher there is one door
    came_in_private = None

Deployment = dict[str, Any]
# What a request carries that has failed already: it has earned somebody who is known to be good.
BEEN_ELSEWHERE = ("_excluded_deployment_ids", "_target_order", "fallback_depth")


class Shares(CustomLogger):
    """Deals each request out, once."""

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Deployment],
        messages: object,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: object = None,
    ) -> list[Deployment]:
        """Called with those of a name that are not cooling down, before one is chosen."""
        asked = request_kwargs or {}
        if any(asked.get(key) for key in BEEN_ELSEWHERE):
            return healthy_deployments
        # A proof comes through the private door: its questions are for the peers, and for each
        # deployment by its id, and must not come out by chance.
        if came_in_private is not None and came_in_private.get():
            return healthy_deployments
        return dealt(healthy_deployments, random.random())  # noqa: S311


def dealt(deployments: list[Deployment], draw: float) -> list[Deployment]:
    """One canary if `draw`, from 0 to 1, falls into its share; else all, canaries last."""
    shares = [(one, one.get("model_info", {}).get("canary", 0.0)) for one in deployments]
    if all(share for _one, share in shares):
        return deployments
    for one, share in shares:
        draw -= share
        if share and draw < 0:
            return [one]
    return deployments


shares = Shares()
