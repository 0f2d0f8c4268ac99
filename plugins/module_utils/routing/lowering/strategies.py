# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""routing_groups: names that choose one of their targets by load, speed or cost."""

from __future__ import annotations

from ..backends import base_url, is_vendors
from ..counted import USAGE
from ..strategies import LITELLM
from .work import Work

CHEAPEST = LITELLM["lowest_cost"]
NEXT_TO_NOTHING = 1e-12  # US dollars for a token: LiteLLM takes 0 for a price that nobody knows


def groups(work: Work) -> None:
    """A group of its own for each such name: a name can be in one only."""
    found = [
        {"group_name": route.name, "models": [route.name], "routing_strategy": route.strategy}
        for route in work.table.routes.values()
        if route.strategy
    ]
    if found:
        work.settings["routing_groups"] = found


def counts_usage(work: Work) -> bool:
    """Whether a strategy counts requests and tokens: it does so for all names."""
    return any(route.strategy == USAGE for route in work.table.routes.values())


def at_once(work: Work) -> None:
    """What has reached its limit says so at once.

    A usage-based strategy says to come back in a minute, and LiteLLM waits for it before it tries
    again.
    """
    routes = work.table.routes
    for entry in work.entries if counts_usage(work) else ():
        route = routes.get(entry["model_name"])
        if "rpm" in entry["litellm_params"] and (route is None or route.retries is None):
            entry["litellm_params"].pop("num_retries", None)


def prices(work: Work) -> None:
    """By cost, what runs in the lab comes before what a vendor is paid for.

    LiteLLM knows the vendors' prices and takes a model without one for very expensive.
    """
    cheap = {route.name for route in work.table.routes.values() if route.strategy == CHEAPEST}
    owners = {
        target.id: target.deployment for name in cheap for target in work.table.routes[name].targets
    }
    for entry in work.entries if cheap else ():
        deployment = owners.get(entry["model_info"]["id"])
        if deployment is None:
            continue
        provider = work.registry.providers[deployment.provider]
        # Copies with one id are the same in all but their name.
        if not is_vendors(provider, base_url(provider, deployment.host, work.inventory)):
            for part in ("input", "output"):
                entry["litellm_params"].setdefault(f"{part}_cost_per_token", NEXT_TO_NOTHING)
