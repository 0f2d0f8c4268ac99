# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what is declared beside the names: chains, budgets, conditions, rules for all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .model import Reference, Registry
from .policies import Budget, Chain, Condition, Everywhere, Part
from .problems import Place
from .yaml_tree import Mapping as Node
from .yaml_tree import Sequence

Path = tuple[str, ...]

# A condition as a text: "tag: batch", "tag == 'batch'", "user_agent = ^curl".
_TEXT = re.compile(r"\s*([A-Za-z][\w.-]*)\s*(?:==?|:)\s*(\"[^\"]*\"|'[^']*'|.*\S)\s*")


def read_policies(registry: Registry, root: Node, skip: set[Path]) -> None:
    """Adds them to a registry whose other names are known; what is at `skip` is left out."""
    if isinstance(root.get("aliases"), Node):
        registry.public_names.update(dict.fromkeys(root["aliases"]))
    for name, place, spec in _entries(root, "aliases", skip):
        if isinstance(spec, str):
            registry.aliases[name] = Reference(spec, root["aliases"].value_place(name))
            registry.alias_places[name] = place
    for name, place, spec in _entries(root, "fallback_chains", skip):
        registry.chains.append(_chain(registry, name, place, spec))
    for name, place, spec in _entries(root, "budgets", skip):
        registry.budgets[name] = _budget(name, place, spec)
    rules = root.get("routing_rules")
    if isinstance(rules, Node):
        registry.everywhere = _everywhere(rules, skip)
        registry.conditions = list(_conditions(rules, skip))
    registry.debug_router = root.get("debug_router") is True


def _entries(root: Node, section: str, skip: set[Path]) -> Iterator[tuple[str, Place, Any]]:
    node = root.get(section)
    if isinstance(node, Node):
        for name, spec in node.items():
            if (section, name) not in skip and spec is not None:
                yield name, node.key_place(name), spec


def _chain(registry: Registry, name: str, place: Place, spec: Node | Sequence) -> Chain:
    items = spec if isinstance(spec, Sequence) else spec["chain"]
    written = list(_steps(items))
    steps = [reference for _rank, reference in written]
    known = name in registry.provider_names or name in registry.public_names
    if isinstance(spec, Sequence) or (known and not any(rank for rank, _step in written)):
        primary = Reference(name, place)
        steps = steps[1:] if steps[0].name == name else steps
    else:
        primary, *steps = steps
    found = Chain(name, place, primary, steps)
    found.ranks = [(rank, step.place) for rank, step in written]
    if isinstance(spec, Node):
        found.when = spec.get("when") or found.when
        found.attempts, found.delay_ms = spec.get("retry_attempts"), spec.get("retry_delay_ms")
        found.attempts_place = _at(spec, "retry_attempts")
        found.delay_place = _at(spec, "retry_delay_ms")
    return found


def _steps(items: Sequence) -> Iterator[tuple[str, Reference]]:
    for index, item in enumerate(items):
        if isinstance(item, Node):
            for rank, name in item.items():
                if not rank.startswith("x-"):
                    yield rank, Reference(str(name), item.value_place(rank))
        else:
            yield "", Reference(str(item), items.item_place(index))


def _at(spec: Node, key: str) -> Place | None:
    return spec.value_place(key) if key in spec else None


def _budget(name: str, place: Place, spec: Node) -> Budget:
    found = Budget(name, place, float(spec["max_budget"]), str(spec["budget_duration"]))
    parts = spec.get("models")
    if isinstance(parts, Node):
        for model, one in parts.items():
            found.models[model] = Part(model, parts.key_place(model), float(one["max_budget"]))
    return found


def _everywhere(rules: Node, skip: set[Path]) -> Everywhere:
    def given(key: str) -> Any:  # noqa: ANN401 - as it was written
        return None if ("routing_rules", key) in skip else rules.get(key)

    balancing = given("load_balancing")
    found = Everywhere(
        default_fallback=_references(rules, "default_fallback", given("default_fallback")),
        attempts=given("retry_attempts"),
        delay_ms=given("retry_delay_ms"),
        timeout=given("timeout_seconds"),
        spec=rules,
    )
    if isinstance(balancing, Node) and balancing.get("enabled", True) is not False:
        chosen = balancing.get("strategy") or balancing.get("routing_strategy")
        found.strategy = str(chosen or "load_balance")
    return found


def _references(spec: Node, key: str, value: object) -> list[Reference]:
    if isinstance(value, Sequence):
        return [Reference(str(one), value.item_place(at)) for at, one in enumerate(value)]
    return [] if value is None else [Reference(str(value), spec.value_place(key))]


def _conditions(rules: Node, skip: set[Path]) -> Iterator[Condition]:
    written = rules.get("request_metadata_routing")
    if ("routing_rules", "request_metadata_routing") in skip:
        return
    if isinstance(written, Sequence):
        for index, one in enumerate(written):
            yield _condition(
                f"request_metadata_routing.{index + 1}", written.item_place(index), one
            )
    elif isinstance(written, Node):
        for name, one in written.items():
            if isinstance(one, Node):
                place = written.key_place(name)
                yield _condition(f"request_metadata_routing.{name}", place, one)


def _condition(name: str, place: Place, spec: Node) -> Condition:
    found = Condition(name, place, list(_terms(spec["condition"])))
    for key in ("provider", "model"):
        if spec.get(key):
            setattr(found, key, Reference(str(spec[key]), spec.value_place(key)))
    found.fallbacks = _references(spec, "fallback", spec.get("fallback"))
    return found


def _terms(condition: Node | str) -> Iterator[tuple[str, str]]:
    if isinstance(condition, Node):
        for key, value in condition.items():
            if not key.startswith("x-"):
                yield key, str(value)
        return
    found = _TEXT.fullmatch(condition)
    yield (found[1], found[2].strip("\"'")) if found else ("", condition)
