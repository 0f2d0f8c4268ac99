# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry as typed values. Every value keeps the place that it was written at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .credentials import Credentials, credentials
from .yaml_tree import Mapping as Node
from .problems import Place
from .provider_types import CHAT, ProviderType, on_the_wire

ACTIVE = "active"
TESTING = "testing"
PRIORITIES = {"primary": 0, "secondary": 1, "tertiary": 2}

Path = tuple[str, ...]


@dataclass(slots=True)
class Model:
    """A model that a provider serves. `spec` is empty where only a name was written."""

    name: str
    place: Place
    mode: str = CHAT
    spec: Mapping[str, Any] = field(default_factory=dict)


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
    def deploy(self) -> Node | None:
        found = self.spec.get("deploy")
        return found if isinstance(found, Node) else None

    def at(self, *path: str) -> Place:
        """The place of a value inside it, or of the nearest thing around it that is written."""
        node, place = self.spec, self.place
        for key in path:
            if not isinstance(node, Node) or key not in node:
                break
            place = node.value_place(key)
            node = node[key]
        return place


@dataclass(slots=True)
class Reference:
    """A name that points at something else, where it is written."""

    name: str
    place: Place


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
    refers to them is not reported as well.
    """

    providers: dict[str, Provider] = field(default_factory=dict)
    exact: dict[str, ExactMatch] = field(default_factory=dict)
    redundant: dict[str, RedundantModel] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    health: dict[str, Node] = field(default_factory=dict)
    health_places: dict[str, Place] = field(default_factory=dict)
    provider_names: dict[str, None] = field(default_factory=dict)
    public_names: dict[str, None] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


def build(root: Node, broken: Iterable[Path] = ()) -> Registry:
    """The registry of a loaded root mapping; entries at the `broken` paths are skipped."""
    skip = set(broken)
    registry = Registry()
    for name, place, spec in _entries(root, "providers"):
        registry.provider_names[name] = None
        if ("providers", name) in skip or not isinstance(spec, Node):
            registry.unread.add(name)
            registry.public_names.update(dict.fromkeys(_loose_model_names(spec)))
            continue
        provider = _provider(name, place, spec)
        registry.providers[name] = provider
        prefix = "testing/" if provider.status == TESTING else ""
        registry.public_names.update((prefix + model, None) for model in provider.models)
    _public_entries(registry, root, skip)
    _side_entries(registry, root, skip)
    return registry


def _public_entries(registry: Registry, root: Node, skip: set[Path]) -> None:
    for name, place, spec in _entries(root, "exact_matches"):
        registry.public_names[name] = None
        if ("exact_matches", name) not in skip and isinstance(spec, Node):
            registry.exact[name] = _exact(name, place, spec)
    for section in ("redundant_models", "load_balancing"):
        for name, place, spec in _entries(root, section):
            registry.public_names[name] = None
            if (section, name) not in skip and isinstance(spec, Node):
                registry.redundant[name] = _redundant(name, place, spec)


def _side_entries(registry: Registry, root: Node, skip: set[Path]) -> None:
    settings = root.get("rate_limit_settings")
    if isinstance(settings, Node) and settings.get("enabled", True) is not False:
        for name, place, spec in _entries(settings, "limits"):
            known = skip.isdisjoint((("rate_limit_settings", "limits", name),))
            if known and isinstance(spec, Node):
                registry.limits[name] = _limit(name, place, spec)
    for name, place, spec in _entries(root, "health_checks"):
        if ("health_checks", name) not in skip and isinstance(spec, Node):
            registry.health[name] = spec
            registry.health_places[name] = place


def _entries(root: Node, section: str) -> Iterable[tuple[str, Place, Any]]:
    node = root.get(section)
    if not isinstance(node, Node):
        return
    for key, value in node.items():
        name = str(key)
        if not name.startswith("x-"):
            yield name, node.key_place(key), value


def _loose_model_names(spec: Any) -> Iterable[str]:
    models = spec.get("models") if isinstance(spec, dict) else None
    for model in models if isinstance(models, list) else ():
        name = model.get("name") if isinstance(model, dict) else model
        if isinstance(name, str):
            yield name


def _provider(name: str, place: Place, spec: Node) -> Provider:
    row = on_the_wire(str(spec["type"]), str(spec.get("api_format") or ""))
    models, repeated = _models(spec)
    custom = spec.get("custom_config")
    headers = custom.get("headers") if isinstance(custom, Node) else None
    if isinstance(custom, Node) and custom.get("auth_method") == "none":
        needs_key: bool | None = False
    else:
        needs_key = spec.get("requires_api_key")
    return Provider(
        name=name,
        place=place,
        type=row,
        spec=spec,
        status=str(spec.get("status") or ACTIVE),
        models=models,
        repeated=repeated,
        credentials=credentials(
            name,
            row,
            env_var=str(spec.get("env_var") or ""),
            env_vars=spec.get("env_vars") or (),
            headers=headers,
            needs_key=needs_key,
        ),
    )


def _models(spec: Node) -> tuple[dict[str, Model], list[Model]]:
    written = spec.get("models")
    models: dict[str, Model] = {}
    repeated: list[Model] = []
    for index, item in enumerate(written or ()):
        place = written.item_place(index)
        if isinstance(item, dict):
            model = Model(str(item["name"]), place, str(item.get("mode") or CHAT), item)
        else:
            model = Model(str(item), place)
        if model.name in models:
            repeated.append(model)
        else:
            models[model.name] = model
    default = spec.get("default_model")
    if not models and default:
        models[default] = Model(default, spec.value_place("default_model"))
    return models, repeated


def _exact(name: str, place: Place, spec: Node) -> ExactMatch:
    return ExactMatch(
        name=name,
        place=place,
        provider=_reference(spec, "provider"),
        backend_model=_reference(spec, "backend_model") if spec.get("backend_model") else None,
        rank=PRIORITIES.get(str(spec.get("priority") or "primary"), 0),
        fallbacks=_references(spec, "fallback"),
    )


def _redundant(name: str, place: Place, spec: Node) -> RedundantModel:
    items = spec["providers"]
    members = [
        Member(
            provider=_reference(item, "provider"),
            model=_reference(item, "model") if item.get("model") else None,
            weight=None if item.get("weight") is None else float(item["weight"]),
            place=items.item_place(index),
        )
        for index, item in enumerate(items)
    ]
    return RedundantModel(name, place, members, _references(spec, "fallback"))


def _limit(name: str, place: Place, spec: Node) -> Limit:
    models = {model: _limit(model, where, one) for model, where, one in _entries(spec, "models")}
    return Limit(name, place, spec.get("rpm"), spec.get("tpm"), models)


def _reference(spec: Node, key: str) -> Reference:
    return Reference(str(spec[key]), spec.value_place(key))


def _references(spec: Node, key: str) -> list[Reference]:
    value = spec.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return [Reference(str(name), value.item_place(i)) for i, name in enumerate(value)]  # type: ignore[attr-defined]
    return [_reference(spec, key)]
