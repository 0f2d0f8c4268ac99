# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the parameters of a deployment, and what LiteLLM makes of it."""

from __future__ import annotations

import math

from ..registry.problems import nearest
from ..registry.yaml_tree import Mapping
from .keys import COST, INFO, PARAMS
from .notes import Notes

# What LiteLLM does with another value than a number.
_BAD = {
    "rpm": "deployment-dropped",
    "tpm": "deployment-dropped",
    "weight": "bad-value-fails",
    "timeout": "bad-value-fails",
    "max_parallel_requests": "bad-value-fails",
    "order": "bad-value-ignored",
    "cooldown_time": "bad-value-ignored",
    "stream_timeout": "bad-value-ignored",
    "num_retries": "bad-value-ignored",
}
# What model_info says that the registry has a word for.
CARRIED_INFO = {
    "provider": "the provider's name",
    "size": "models[].size",
    "context_length": "models[].context_length",
    "tags": "models[].tags",
    "notes": "models[].notes",
    "description": "models[].description",
    "specialty": "models[].specialty",
    "features": "models[].features",
}


def checked_params(called: str, params: Mapping, notes: Notes) -> dict[str, float]:
    """The numbers of litellm_params that are some; the rest is found to be wrong."""
    numbers: dict[str, float] = {}
    for key in params:
        place = params.key_place(key)
        if key not in PARAMS and not COST.search(key):
            near = nearest(key, PARAMS)
            near = near if len(near) > 2 else ""
            notes.found(place, "sent-upstream", f"{called}.{key}", near=near)
            if near in ("weight", "order", "rpm", "tpm", "timeout") and near not in params:
                notes.by_hand(
                    f"{place}: was `{key}` meant to be `{near}`? It had no effect so far."
                )
    for key in _BAD:
        value = _number(params.get(key))
        if key not in params or params[key] is None:
            continue
        bad = _bad_number(key, params[key], value)
        if bad:
            text = f"{called}.{key} is {'negative' if value is not None else 'no number'}"
            notes.found(params.value_place(key), bad, text)
        elif value is not None:
            numbers[key] = value
    if isinstance(params.get("tags"), str):
        place = params.value_place("tags")
        notes.found(place, "deployment-dropped", f"{called}.tags is no list")
    if params.get("max_budget") is not None and not params.get("budget_duration"):
        place = params.value_place("max_budget")
        notes.found(place, "budget-not-enforced", f"{called}.max_budget")
    return numbers


def _bad_number(key: str, written: object, value: float | None) -> str:
    """The code for a value that is no good, or ""."""
    if value is None or (key == "weight" and isinstance(written, str)):
        return _BAD[key]
    if value < 0 or (value == 0 and key not in ("weight", "order", "num_retries")):
        return "bad-value-ignored"
    return ""


def _number(value: object) -> float | None:
    """A number as LiteLLM takes it; "60" is one, true is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e12 else None


def check_info(called: str, info: Mapping, notes: Notes) -> None:
    """Keys of model_info that nothing reads; what the registry has a word for is carried over."""
    for key in info:
        if key not in INFO and not COST.search(key):
            ours = CARRIED_INFO.get(key, "")
            instead = f"`{ours}`, which counts" if ours else ""
            notes.found(info.key_place(key), "ignored-key", f"{called}.model_info.{key}", instead)
