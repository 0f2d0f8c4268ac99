# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits that LiteLLM counts twice: written twice as high, and told as they hold.

A usage-based strategy and LiteLLM's check of limits add to the same counters, each for every
request and every token of every name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .strategies import LITELLM

CHECKS, CHECK = "optional_pre_call_checks", "enforce_model_rate_limits"
USAGE = LITELLM["usage_based"]
UNITS = ("rpm", "tpm")
TIMES = 2


def counted_twice(config: Mapping[str, Any]) -> bool:
    """Whether both count in this configuration."""
    settings = config.get("router_settings")
    if not isinstance(settings, Mapping) or not isinstance(settings.get("routing_groups"), list):
        return False
    groups = [one for one in settings["routing_groups"] if isinstance(one, Mapping)]
    used = any(one.get("routing_strategy") == USAGE for one in groups)
    checks = settings.get(CHECKS)
    return used and isinstance(checks, list) and CHECK in checks


def as_they_hold(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same configuration with each limit as it holds; the very same where nothing is counted
    twice."""
    if not counted_twice(config) or not isinstance(config.get("model_list"), list):
        return config
    return {**config, "model_list": [_entry(entry) for entry in config["model_list"]]}


def _entry(entry: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    params = entry.get("litellm_params") if isinstance(entry, Mapping) else None
    if not isinstance(params, Mapping):
        return entry
    halves = {
        unit: params[unit] // TIMES
        for unit in UNITS
        if isinstance(params.get(unit), int) and params[unit] % TIMES == 0
    }
    return {**entry, "litellm_params": {**params, **halves}} if halves else entry
