# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From loaded mappings to the typed registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .credentials import credentials
from .model import (
    ACTIVE,
    ExactMatch,
    Limit,
    Member,
    Model,
    Provider,
    RedundantModel,
    Registry,
)
from .nodes import entries, items, reference, references
from .problems import Place
from .provider_types import CHAT, on_the_wire
from .reading_policies import read_policies
from .reading_rules import capabilities, default_provider, optional, patterns, rank, sizes
from .slots import read_slots
from .yaml_tree import Mapping as Node

Path = tuple[str, ...]


def build(root: Node, broken: Iterable[Path] = ()) -> Registry:
    """The registry of a loaded root mapping; entries at the `broken` paths are skipped."""
    skip = set(broken)
    registry = Registry()
    for name, place, spec in entries(root, "providers"):
        registry.provider_names[name] = None
        if ("providers", name) in skip or not isinstance(spec, Node):
            registry.public_names.update(dict.fromkeys(_loose_model_names(spec)))
            continue
        provider = _provider(name, place, spec)
        registry.providers[name] = provider
        registry.public_names.update((provider.prefix + model, None) for model in provider.models)
    for path in sorted(skip):
        # What stands outside of its section is declared all the same.
        if path[0] == "providers" and len(path) > 1 and path[1] not in registry.provider_names:
            registry.provider_names[path[1]] = None
            registry.public_names.update(dict.fromkeys(_loose_model_names(root.get(path[1]))))
    _public_entries(registry, root, skip)
    _side_entries(registry, root, skip)
    read_policies(registry, root, skip)
    read_slots(registry, root, skip)
    return registry


def _public_entries(registry: Registry, root: Node, skip: set[Path]) -> None:
    for name, place, spec in entries(root, "exact_matches"):
        registry.public_names[name] = None
        if ("exact_matches", name) not in skip and isinstance(spec, Node):
            registry.exact[name] = _exact(name, place, spec)
    for section in ("redundant_models", "load_balancing"):
        for name, place, spec in entries(root, section):
            registry.public_names[name] = None
            if (section, name) not in skip and isinstance(spec, Node):
                entry = _redundant(name, place, spec)
                if registry.redundant.setdefault(name, entry) is not entry:
                    registry.repeated.append(entry)
    registry.public_names.update((one[0], None) for one in entries(root, "capabilities"))
    registry.capabilities = {one.name: one for one in capabilities(root, skip)}
    registry.patterns = list(patterns(root, skip))
    registry.sizes = list(sizes(root, skip))
    registry.default_provider = default_provider(root, skip)


def _side_entries(registry: Registry, root: Node, skip: set[Path]) -> None:
    settings = root.get("rate_limit_settings")
    if isinstance(settings, Node) and settings.get("enabled", True) is not False:
        for name, place, spec in entries(settings, "limits"):
            broken = ("rate_limit_settings", "limits", name) in skip
            if not broken and isinstance(spec, Node):
                registry.limits[name] = _limit(name, place, spec)
    for name, place, spec in entries(root, "health_checks"):
        if ("health_checks", name) not in skip and isinstance(spec, Node):
            registry.health[name] = spec
            registry.health_places[name] = place


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
    for place, item in items(spec, "models"):
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
        provider=reference(spec, "provider"),
        backend_model=optional(spec, "backend_model"),
        rank=rank(spec),
        fallbacks=references(spec, "fallback"),
    )


def _redundant(name: str, here: Place, spec: Node) -> RedundantModel:
    members = [
        Member(
            provider=reference(item, "provider"),
            model=optional(item, "model"),
            weight=None if item.get("weight") is None else float(item["weight"]),
            place=place,
        )
        for place, item in items(spec, "providers")
    ]
    return RedundantModel(name, here, members, references(spec, "fallback"))


def _limit(name: str, place: Place, spec: Node) -> Limit:
    models = {model: _limit(model, where, one) for model, where, one in entries(spec, "models")}
    return Limit(name, place, spec.get("rpm"), spec.get("tpm"), models)
