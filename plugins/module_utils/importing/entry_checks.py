# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the parameters of a deployment, and what LiteLLM makes of it."""

from __future__ import annotations

from ..registry.problems import nearest
from ..registry.yaml_tree import Mapping
from .forms import INFO_FORMS, NUMBERS, PARAM_FORMS
from .keys import COST, INFO, PARAMS
from .notes import Notes
from .values import is_good, number, told

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
    bad = told(called, params, PARAM_FORMS, notes)
    timed = is_good(PARAM_FORMS["budget_duration"], params.get("budget_duration"))
    if params.get("max_budget") is not None and not timed:
        place = params.value_place("max_budget")
        notes.found(place, "budget-not-enforced", f"{called}.max_budget")
    found = {key: number(params.get(key)) for key in params if key in NUMBERS and key not in bad}
    return {key: value for key, value in found.items() if value is not None}


def check_info(called: str, info: Mapping, notes: Notes) -> None:
    """Keys of model_info that nothing reads; what the registry has a word for is carried over."""
    bad = told(f"{called}.model_info", info, INFO_FORMS, notes)
    for key in info:
        if key not in INFO and not COST.search(key):
            ours = "" if key in bad else CARRIED_INFO.get(key, "")
            instead = f"`{ours}`, which counts" if ours else ""
            notes.found(info.key_place(key), "ignored-key", f"{called}.model_info.{key}", instead)
