# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names by which a proof can ask what stands behind a wildcard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..registry.model import Registry

_ENDINGS = ("probe", "0", "zz")  # of a name that nobody has, where any name does


def is_open(entry: Mapping[str, Any]) -> bool:
    """Whether it asks its provider for whatever it is asked for: by its id it would ask for `*`."""
    return "*" in entry["litellm_params"]["model"]


def asked_names(registry: Registry, config: Mapping[str, Any]) -> dict[str, str]:
    """Wildcard -> a name that it stands for and its first target has; "" where none is known."""
    first: dict[str, Mapping[str, Any]] = {}
    for entry in config["model_list"]:
        first.setdefault(entry["model_name"], entry)
    wildcards = [name for name in first if "*" in name]
    return {
        name: next((one for one in _names(registry, name, first[name])
                    if one not in first and _longest(wildcards, one) == name), "")
        for name in wildcards
    }  # fmt: skip


def _names(registry: Registry, wildcard: str, entry: Mapping[str, Any]) -> Iterable[str]:
    literal = wildcard[:-1]
    if not is_open(entry):
        return [literal + ending for ending in _ENDINGS]
    provider = registry.providers[entry["model_info"]["id"][1:].split("/", 1)[0].split("@", 1)[0]]
    default = provider.spec.get("default_model")
    models = [str(default), *provider.models] if default else [*provider.models]
    # The whole of what is sent begins with LiteLLM's word for the provider's type.
    start = entry["litellm_params"]["model"].split("/", 1)[1][:-1]
    return [literal + model.removeprefix(start) for model in models if model.startswith(start)]


def _longest(wildcards: Iterable[str], name: str) -> str:
    """The wildcard that LiteLLM takes for a name."""
    return max((one for one in wildcards if name.startswith(one[:-1])), key=len, default="")
