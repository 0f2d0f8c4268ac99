# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model as its provider declares it, with what the configuration tells of it."""

from __future__ import annotations

from typing import Any

from ..registry.provider_types import CHAT
from .entries import Deployment, texts

_MODEL_INFO = {
    "size": "size",
    "context_length": "context_length",
    "max_input_tokens": "context_length",
    "max_output_tokens": "max_output_tokens",
    "specialty": "specialty",
    "description": "description",
    "notes": "notes",
    "features": "features",
    "tags": "tags",
}
_PRICES = {
    "input_cost_per_token": "input_cost_per_million_tokens",
    "output_cost_per_token": "output_cost_per_million_tokens",
}
_LISTS = ("features", "tags")


def declared_model(name: str, deployments: list[Deployment]) -> str | dict[str, Any]:
    """A model with what model_info says of it; its name alone where that is all."""
    spec: dict[str, Any] = {"name": name}
    mode = next((one.mode for one in deployments if one.mode != CHAT), CHAT)
    if mode != CHAT:
        spec["mode"] = mode
    for one in deployments:
        for key, ours_ in _MODEL_INFO.items():
            value = one.told(key)
            if key in _LISTS:
                value = list(dict.fromkeys(texts(value))) if value else None
            if ours_ not in spec and _good(ours_, value):
                spec[ours_] = value if key in _LISTS or isinstance(value, int) else str(value)
    spec |= _prices(deployments)
    return spec if len(spec) > 1 else name


def _prices(deployments: list[Deployment]) -> dict[str, float]:
    """What a million tokens cost; of ours only what holds under all names of the model."""
    found: dict[str, float] = {}
    for key, price in _PRICES.items():
        given = [_price(one.params.get(key) or one.told(key)) for one in deployments]
        known = [price for price in given if price is not None]
        ours_ = all(one.id.startswith("~") for one in deployments)
        if known and 0 < known[0] < 1 and (len(known) == len(given) or not ours_):
            found[price] = round(known[0] * 1e6, 9)
    return found


def _price(value: object) -> float | None:
    """A number, or a text that is one: YAML reads 1e-6 as a text, and LiteLLM takes it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _good(key: str, value: object) -> bool:
    if key in ("context_length", "max_output_tokens"):
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return bool(value) and isinstance(value, (str, list))
