# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategies: how one of several is chosen, in the registry's words and in LiteLLM's."""

from __future__ import annotations

ORDERED = ("direct", "ordered", "priority")  # the first that is listed, then the next

# "" is LiteLLM's simple-shuffle, which holds for all that has no other.
LITELLM = {
    "load_balance": "",
    "usage_based": "usage-based-routing-v2",
    "fastest_response": "latency-based-routing",
    "least_loaded": "least-busy",
    "lowest_cost": "cost-based-routing",
}
