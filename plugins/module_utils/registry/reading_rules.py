# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From loaded mappings to the rules that lead to more than one name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model_rules import Capability, Pattern, Reference, SizeRange
from .nodes import entries, items, reference, references
from .problems import Place
from .sizes import bounds, parameters
from .yaml_tree import Mapping as Node

Skip = set[tuple[str, ...]]

PRIORITIES = {"primary": 0, "secondary": 1, "tertiary": 2}
LOAD_BALANCE = "load_balance"  # where nothing says how one is chosen


def patterns(root: Node, skip: Skip) -> Iterator[Pattern]:
    """The patterns in their order, which is their precedence."""
    for index, (place, spec) in enumerate(items(root, "patterns")):
        if ("patterns", str(index)) not in skip and isinstance(spec, Node):
            yield Pattern(
                text=str(spec["pattern"]),
                place=place,
                text_place=spec.value_place("pattern"),
                provider=reference(spec, "provider"),
                backend_model=optional(spec, "backend_model"),
                rank=rank(spec),
                fallbacks=references(spec, "fallback"),
            )


def capabilities(root: Node, skip: Skip) -> Iterator[Capability]:
    """The capabilities in their order."""
    for name, place, spec in entries(root, "capabilities"):
        if ("capabilities", name) not in skip and isinstance(spec, Node):
            yield _capability(name, place, spec)


def _capability(name: str, place: Place, spec: Node) -> Capability:
    specialty: Any = spec.get("specialty") or []
    size = spec.get("min_model_size")
    return Capability(
        name=name,
        place=place,
        provider=optional(spec, "provider"),
        preferred=references(spec, "preferred_models"),
        strategy=optional(spec, "routing_strategy") or Reference(LOAD_BALANCE, place),
        specialties=[specialty] if isinstance(specialty, str) else [str(one) for one in specialty],
        min_context=int(spec.get("min_context") or 0),
        min_size=parameters(str(size)) if size else 0.0,
        fallbacks=references(spec, "fallback"),
    )


def sizes(root: Node, skip: Skip) -> Iterator[SizeRange]:
    """The ranges of sizes in their order."""
    for index, (place, spec) in enumerate(items(root, "model_size_routing")):
        if ("model_size_routing", str(index)) in skip or not isinstance(spec, Node):
            continue
        text = str(spec["size"])
        found = bounds(text)
        if found is not None:
            yield SizeRange(text, place, reference(spec, "provider"), *found)


def default_provider(root: Node, skip: Skip) -> Reference | None:
    """Who answers a name that nothing else matches; None where nobody does."""
    rules = root.get("routing_rules")
    if ("routing_rules", "default_provider") in skip or not isinstance(rules, Node):
        return None
    return optional(rules, "default_provider")


def optional(spec: Node, key: str) -> Reference | None:
    """The name at a key, if there is one."""
    return reference(spec, key) if spec.get(key) else None


def rank(spec: Node) -> int:
    """The place that a provider takes among those that serve a name, from 0."""
    return PRIORITIES.get(str(spec.get("priority") or "primary"), 0)
