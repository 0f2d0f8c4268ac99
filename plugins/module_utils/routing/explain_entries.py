# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of a lowered configuration's model_list, as explain reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..registry.provider_types import CHAT
from .canaries import SHARE


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment under one public name.

    `sent` is litellm_params.model, prefix and all; `weights` are the numbers by which LiteLLM
    chooses: the first of weight, rpm and tpm that any of the candidates has.
    """

    id: str
    name: str
    sent: str
    order: int | None
    weights: tuple[float, float, float]
    params: Mapping[str, Any]
    info: Mapping[str, Any]

    @property
    def provider(self) -> str:
        """Who answers: from an id of ours, else LiteLLM's word before the slash."""
        return _owner(self.id)[0] or self.sent.partition("/")[0]

    @property
    def host(self) -> str:
        """The host that its id names, "" where there is one only."""
        return _owner(self.id)[1]

    @property
    def model(self) -> str:
        """What the provider is asked for."""
        prefix, slash, model = self.sent.partition("/")
        return model if slash else prefix

    @property
    def mode(self) -> str:
        """What it is asked for: chat, completion or embedding."""
        return str(self.info.get("mode") or CHAT)

    @property
    def canary(self) -> float:
        """The part of all requests that it is dealt while it is on trial."""
        return float(self.info.get(SHARE) or 0.0)

    @property
    def tags(self) -> list[str]:
        """The tags that requests for it carry."""
        return list(self.params.get("tags") or ())

    @property
    def agents(self) -> list[str]:
        """The expressions that a User-Agent must match."""
        return list(self.params.get("tag_regex") or ())

    @property
    def retries(self) -> int | None:
        """How often a request that failed here is tried again; None: as the gateway says."""
        found = self.params.get("num_retries")
        return None if found is None else int(found)

    @property
    def price(self) -> float | None:
        """What two tokens cost, one in and one out, if both are known here."""
        costs = [self.params.get(f"{way}_cost_per_token") or 0.0 for way in ("input", "output")]
        return float(sum(costs)) if all(costs) else None

    def belongs_to(self, owner: str) -> bool:
        """Whether `owner` is its provider, or its provider@host."""
        provider, host = self.provider, self.host
        return owner == provider or (bool(host) and owner == f"{provider}@{host}")


def entries_of(config: Mapping[str, Any]) -> list[Entry]:
    """Those of a configuration, in its order."""
    return [entry(one, number) for number, one in enumerate(config.get("model_list") or ())]


def entry(listed: Mapping[str, Any], number: int = 0) -> Entry:
    """One of model_list; one without an id is given its place for one."""
    params = listed.get("litellm_params") or {}
    info = listed.get("model_info") or {}
    order = params.get("order", info.get("order"))
    weights = tuple(float(params.get(key) or 0.0) for key in ("weight", "rpm", "tpm"))
    return Entry(
        str(info.get("id") or f"model_list[{number}]"),
        str(listed.get("model_name")),
        str(params.get("model", "")),
        order,
        (weights[0], weights[1], weights[2]),
        params,
        info,
    )


def _owner(id_: str) -> tuple[str, str]:
    """(provider, host) of an id such as ~provider@host/model#name."""
    if not id_.startswith("~") or "/" not in id_:
        return "", ""
    provider, _at, host = id_[1:].split("/", 1)[0].partition("@")
    return provider, host
