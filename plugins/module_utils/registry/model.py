# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry as typed values. Every value keeps the place that it was written at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import model_rules
from .credentials import Credentials
from .model_rules import Capability, Pattern, SizeRange
from .nodes import place_in
from .policies import Budget, Chain, Condition, Everywhere
from .problems import Place
from .provider_types import CHAT, ProviderType
from .sizes import parameters
from .yaml_tree import Mapping as Node
from .yaml_tree import Sequence

Reference = model_rules.Reference

ACTIVE = "active"
TESTING = "testing"
# Before the names of its models: who asks for such a name wants this provider, and no other.
ON_TRIAL = "testing/"


@dataclass(slots=True)
class Model:
    """A model that a provider serves. `spec` is empty where only a name was written."""

    name: str
    place: Place
    mode: str = CHAT
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prices(self) -> tuple[float, ...]:
        """US dollars for a token of a prompt and of an answer; () where nothing is declared."""
        parts = ("input_cost_per_million_tokens", "output_cost_per_million_tokens")
        declared = [self.spec.get(part) for part in parts]
        return () if declared == [None, None] else tuple(_per_token(one) for one in declared)

    @property
    def size(self) -> float:
        """Parameters; 0 where nothing says how many."""
        return parameters(str(self.spec["size"])) if self.spec.get("size") else 0.0

    @property
    def context(self) -> int:
        """Tokens of context; 0 where nothing says how many."""
        return int(self.spec.get("context_length") or 0)

    @property
    def specialties(self) -> list[str]:
        """What it is good at."""
        written = self.spec.get("specialty") or []
        return [written] if isinstance(written, str) else [str(one) for one in written]


def _per_token(per_million: float | None) -> float:
    return float(f"{(per_million or 0) / 1e6:.12g}")  # as it was written, not as floats divide


@dataclass(slots=True)
class Provider:
    """One provider. `models` by name; a second mention of a name stands in `repeated`."""

    name: str
    place: Place
    type: ProviderType
    spec: Node
    status: str
    models: dict[str, Model]
    repeated: list[Model]
    credentials: Credentials

    @property
    def served(self) -> bool:
        """Whether public names may lead to it."""
        return self.status == ACTIVE

    @property
    def rendered(self) -> bool:
        """Whether it is in the gateway's configuration at all."""
        return self.status in (ACTIVE, TESTING)

    @property
    def traffic(self) -> float:
        """As a canary, the part of each name's requests that it gets: 0 for none, up to 1."""
        return share_of(self.spec.get("traffic")) if self.status == TESTING else 0.0

    @property
    def performance(self) -> dict[str, float]:
        """What is declared as acceptable: `time_to_first_token_ms`, `tokens_per_second`,
        `error_rate` as a part of 1."""
        declared: Mapping[str, Any] = self.spec.get("performance") or {}
        rate = {k: share_of(v) for k, v in declared.items() if k == "error_rate"}
        return {k: v for k, v in declared.items() if not k.startswith("x-")} | rate

    @property
    def prefix(self) -> str:
        """What stands before the names of its models."""
        return ON_TRIAL if self.status == TESTING else ""

    @property
    def headers(self) -> Mapping[str, str]:
        custom = self.spec.get("custom_config")
        found = custom.get("headers") if isinstance(custom, Node) else None
        return found if isinstance(found, Node) else {}

    @property
    def auth_method(self) -> str:
        custom = self.spec.get("custom_config")
        return str(custom.get("auth_method") or "") if isinstance(custom, Node) else ""

    @property
    def base_url(self) -> str:
        return str(self.spec.get("base_url") or "")

    @property
    def deployed(self) -> bool:
        """Whether we run it ourselves."""
        return "deploy" in self.spec

    @property
    def deploy(self) -> Mapping[str, Any]:
        """How we run it; empty where somebody else does."""
        return self.spec.get("deploy") or {}

    def at(self, *path: str) -> Place:
        """The place of a value inside it, or of the nearest thing around it that is written."""
        return place_in(self.spec, path, self.place)

    def place_of_variable(self, name: str) -> Place:
        """Where a variable is named; the provider's place if it is its type's usual one."""
        if self.spec.get("env_var") == name:
            return self.at("env_var")
        for header, value in self.headers.items():
            if f"${{{name}}}" in value:
                return self.at("custom_config", "headers", header)
        variables = self.spec.get("env_vars")
        if isinstance(variables, Sequence) and name in variables:
            return variables.item_place(variables.index(name))
        return self.place


def share_of(written: object) -> float:
    """A share as it is written, "5%" or 0.05, as a part of 1."""
    if isinstance(written, str) and written.endswith("%"):
        return float(written[:-1]) / 100
    return float(written) if isinstance(written, (int, float)) else 0.0


@dataclass(slots=True)
class Slot:
    """Providers of which one runs at a time, `runs`, on the GPUs that they share."""

    name: str
    members: list[str]
    runs: str = ""


@dataclass(slots=True)
class ExactMatch:
    """A public name that leads to one provider first."""

    name: str
    place: Place
    provider: Reference
    backend_model: Reference | None
    rank: int
    fallbacks: list[Reference]


@dataclass(slots=True)
class Member:
    """A provider's part in a redundant model; `weight` None if it has none of its own."""

    provider: Reference
    model: Reference | None
    weight: float | None
    place: Place


@dataclass(slots=True)
class RedundantModel:
    """A public name that several providers share."""

    name: str
    place: Place
    members: list[Member]
    fallbacks: list[Reference]


@dataclass(slots=True)
class Limit:
    """What may be asked in a minute, of a provider or of one of its models."""

    name: str
    place: Place
    rpm: int | None
    tpm: int | None
    models: dict[str, Limit] = field(default_factory=dict)


@dataclass(slots=True)
class Registry:
    """Everything that could be read.

    Entries with schema errors are left out here, but the `*_names` know them, so that what
    refers to them is not reported as well. `repeated` are redundant models whose name has been
    declared before, under the section's other name. `aliases`: name -> what it stands for.
    """

    providers: dict[str, Provider] = field(default_factory=dict)
    exact: dict[str, ExactMatch] = field(default_factory=dict)
    redundant: dict[str, RedundantModel] = field(default_factory=dict)
    patterns: list[Pattern] = field(default_factory=list)
    capabilities: dict[str, Capability] = field(default_factory=dict)
    sizes: list[SizeRange] = field(default_factory=list)
    default_provider: Reference | None = None
    limits: dict[str, Limit] = field(default_factory=dict)
    health: dict[str, Node] = field(default_factory=dict)
    health_places: dict[str, Place] = field(default_factory=dict)
    provider_names: dict[str, None] = field(default_factory=dict)
    public_names: dict[str, None] = field(default_factory=dict)
    repeated: list[RedundantModel] = field(default_factory=list)
    aliases: dict[str, Reference] = field(default_factory=dict)
    alias_places: dict[str, Place] = field(default_factory=dict)
    chains: list[Chain] = field(default_factory=list)
    budgets: dict[str, Budget] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    everywhere: Everywhere = field(default_factory=Everywhere)
    debug_router: bool = False
    slots: dict[str, Slot] = field(default_factory=dict)
    slot_choices: dict[str, Reference] = field(default_factory=dict)
