# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model as its provider declares it, with what the configuration tells of it."""

from __future__ import annotations

from typing import Any

from ..registry.problems import Place
from ..registry.provider_types import CHAT
from .entries import Deployment, texts
from .forms import INFO_FORMS, PARAM_FORMS
from .notes import Notes, listing
from .values import is_good, number

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


def declared_model(name: str, deployments: list[Deployment], notes: Notes) -> str | dict[str, Any]:
    """A model with what model_info says of it; its name alone where that is all.

    Of several deployments the first that says something counts; what others say is told.
    """
    spec: dict[str, Any] = {"name": name}
    mode = next((one.mode for one in deployments if one.mode != CHAT), CHAT)
    if mode != CHAT:
        spec["mode"] = mode
    first: dict[str, Deployment] = {}
    for one in deployments:
        for key, ours_ in _MODEL_INFO.items():
            value = _info(one, key)
            if value is None:
                continue
            if spec.setdefault(ours_, value) == value:
                first.setdefault(ours_, one)
            elif one.info is not None:
                what = f"{one.called}.model_info.{key}"
                notes.not_carried(one.info.value_place(key), what, _counts(first[ours_], one))
    spec |= _prices(deployments, notes)
    return spec if len(spec) > 1 else name


def _info(one: Deployment, key: str) -> Any:  # noqa: ANN401 - text, number or list
    """What model_info says, as the registry writes it; None where that is nothing."""
    value = one.told(key)
    if value is None or not is_good(INFO_FORMS[key], value):
        return None
    if key in _LISTS or isinstance(value, list):
        return list(dict.fromkeys(texts(value)))
    return value


def _prices(deployments: list[Deployment], notes: Notes) -> dict[str, float]:
    """What a million tokens cost; of ours only what holds under all names of the model."""
    found: dict[str, float] = {}
    for key, ours_ in _PRICES.items():
        given = [(one, price) for one in deployments if (price := _price(one, key)) is not None]
        mine = all(one.id.startswith("~") for one in deployments)
        if not given or (mine and len(given) < len(deployments)):
            continue
        first, price = given[0]
        found[ours_] = round(price * 1e6, 9)
        for one, other in given[1:] if not mine else ():
            if other != price:
                notes.not_carried(_at(one, key), f"{one.called}.{key}", _counts(first, one))
        without = [one for one in deployments if _price(one, key) is None]
        if without and not mine:
            names = listing(one.called for one in without)
            why = "a model has one price, which holds for its other names too"
            notes.not_carried(_at(first, key), f"that {names} had no {key} of its own", why)
    return found


def _counts(first: Deployment, one: Deployment) -> str:
    where = first.place if first.called == one.called else first.called
    return f"it is one model with one value, and that of {where} counts"


def _price(one: Deployment, key: str) -> float | None:
    """Dollars for a token; YAML reads 1e-6 as a text, and LiteLLM takes it."""
    for value in (one.params.get(key), one.told(key)):
        if value is not None and is_good(PARAM_FORMS[key], value):
            return number(value)
    return None


def _at(one: Deployment, key: str) -> Place:
    """Where its price stands."""
    inside = one.info if one.info is not None and key not in one.params else one.params
    return inside.value_place(key)
