# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From loaded mappings to the typed registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .credentials import credentials
from .model import (
    ACTIVE,
    PRIORITIES,
    TESTING,
    ExactMatch,
    Limit,
    Member,
    Model,
    Provider,
    RedundantModel,
    Reference,
    Registry,
)
from .problems import Place
from .provider_types import CHAT, on_the_wire
from .yaml_tree import Mapping as Node
from .yaml_tree import Sequence

Path = tuple[str, ...]


def build(root: Node, broken: Iterable[Path] = ()) -> Registry:
    """The registry of a loaded root mapping; entries at the `broken` paths are skipped."""
    skip = set(broken)
    registry = Registry()
    for name, place, spec in _entries(root, "providers"):
        registry.provider_names[name] = None
        if ("providers", name) in skip or not isinstance(spec, Node):
            registry.public_names.update(dict.fromkeys(_loose_model_names(spec)))
            continue
        provider = _provider(name, place, spec)
        registry.providers[name] = provider
        prefix = "testing/" if provider.status == TESTING else ""
        registry.public_names.update((prefix + model, None) for model in provider.models)
    for path in sorted(skip):
        # What stands outside of its section is declared all the same.
        if path[0] == "providers" and len(path) > 1 and path[1] not in registry.provider_names:
            registry.provider_names[path[1]] = None
            registry.public_names.update(dict.fromkeys(_loose_model_names(root.get(path[1]))))
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
                entry = _redundant(name, place, spec)
                if registry.redundant.setdefault(name, entry) is not entry:
                    registry.repeated.append(entry)


def _side_entries(registry: Registry, root: Node, skip: set[Path]) -> None:
    settings = root.get("rate_limit_settings")
    if isinstance(settings, Node) and settings.get("enabled", True) is not False:
        for name, place, spec in _entries(settings, "limits"):
            broken = ("rate_limit_settings", "limits", name) in skip
            if not broken and isinstance(spec, Node):
                registry.limits[name] = _limit(name, place, spec)
    for name, place, spec in _entries(root, "health_checks"):
        if ("health_checks", name) not in skip and isinstance(spec, Node):
            registry.health[name] = spec
            registry.health_places[name] = place


def _entries(root: Node, section: str) -> Iterator[tuple[str, Place, Any]]:
    node = root.get(section)
    if isinstance(node, Node):
        for name, value in node.items():
            yield name, node.key_place(name), value


def _loose_model_names(spec: object) -> Iterator[str]:
    models = spec.get("models") if isinstance(spec, dict) else None
    for model in models if isinstance(models, list) else ():
        name = model.get("name") if isinstance(model, dict) else model
        if isinstance(name, str):
            yield name


def _provider(name: str, place: Place, spec: Node) -> Provider:
    row = on_the_wire(str(spec["type"]), str(spec.get("api_format") or ""))
    models, repeated = _models(spec)
    custom = spec.get("custom_config") or {}
    needs_key = False if custom.get("auth_method") == "none" else spec.get("requires_api_key")
    sent = credentials(
        name,
        row,
        env_var=str(spec.get("env_var") or ""),
        env_vars=spec.get("env_vars") or (),
        headers=custom.get("headers"),
        needs_key=needs_key,
    )
    status = str(spec.get("status") or ACTIVE)
    return Provider(name, place, row, spec, status, models, repeated, sent)


def _models(spec: Node) -> tuple[dict[str, Model], list[Model]]:
    models: dict[str, Model] = {}
    repeated: list[Model] = []
    for place, item in _items(spec, "models"):
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


def _redundant(name: str, here: Place, spec: Node) -> RedundantModel:
    members = [
        Member(
            provider=_reference(item, "provider"),
            model=_reference(item, "model") if item.get("model") else None,
            weight=None if item.get("weight") is None else float(item["weight"]),
            place=place,
        )
        for place, item in _items(spec, "providers")
    ]
    return RedundantModel(name, here, members, _references(spec, "fallback"))


def _limit(name: str, place: Place, spec: Node) -> Limit:
    models = {model: _limit(model, where, one) for model, where, one in _entries(spec, "models")}
    return Limit(name, place, spec.get("rpm"), spec.get("tpm"), models)


def _reference(spec: Node, key: str) -> Reference:
    return Reference(str(spec[key]), spec.value_place(key))


def _references(spec: Node, key: str) -> list[Reference]:
    if spec.get(key) is None:
        return []
    if isinstance(spec[key], Sequence):
        return [Reference(str(name), place) for place, name in _items(spec, key)]
    return [_reference(spec, key)]


def _items(spec: Node, key: str) -> Iterator[tuple[Place, Any]]:
    items = spec.get(key)
    if isinstance(items, Sequence):
        for index, item in enumerate(items):
            yield items.item_place(index), item
