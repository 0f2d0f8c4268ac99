# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds a registry to its schemas: unknown and missing keys, wrong types, bad values.

What the schemas admit and this version does not compile yet is said here too: a rule that is
written down either takes effect or is refused.
"""

from __future__ import annotations

import functools

from .problems import ERROR, WARNING, Place, Problem, in_order, nearest
from .schema_files import registry_schema
from .schema_rules import Rule
from .schema_spots import Spot, names_secret, shown_key
from .schema_words import unknown_key, wrong_shape, wrong_value
from .yaml_tree import Mapping, Sequence

Path = tuple[str, ...]

# What a provider has and a section has not: a mapping with one of these was meant as a provider.
_PROVIDER_SIGNS = ("type", "base_url", "env_var")


def check_schema(root: Mapping) -> tuple[list[Problem], set[Path]]:
    """All that the schemas have to say about a loaded registry, sorted by place.

    The second value are the paths, as tuples of keys, of what has an error in it: ("providers",
    "ollama") for a provider, with one part more below `rate_limit_settings.limits`. What stands
    there must not be compiled; its name is declared all the same.
    """
    check = _Check()
    schema = _registry_rule()
    for section in root:
        spot = Spot(root, section)
        rules = schema.rules_of(section)
        if rules is None:
            check.unknown_section(spot, schema)
        elif root[section] is None and rules != [None]:
            check.add(spot, "empty-section", f"{section} declares nothing", severity=WARNING)
        else:
            check.value(rules, spot)
    return in_order(check.problems), check.broken


@functools.cache
def _registry_rule() -> Rule:
    return Rule(registry_schema())


class _Check:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()

    def add(
        self,
        spot: Spot,
        code: str,
        message: str,
        expected: str = "",
        suggestion: str = "",
        *,
        severity: str = ERROR,
        place: Place | None = None,
    ) -> None:
        here = place or spot.key_place()
        self.problems.append(Problem(here, code, message, expected, suggestion, severity))
        if severity == ERROR:
            keys = spot.keys()
            # What is wrong inside an entry leaves the rest of its section as it is.
            self.broken.update({keys[:2], keys[:3]})

    def value(self, rules: list[Rule | None], spot: Spot) -> bool:
        """Check a value against the rules for its key; whether it keeps them all."""
        return all(rule is None or self._one(rule, spot) for rule in rules)

    def _one(self, rule: Rule, spot: Spot) -> bool:
        value = spot.value
        if rule.fits is not None and rule.fits(value):
            return True
        self._not_yet(rule, spot)
        failure = rule.failure(value)
        if failure is not None:
            place = spot.continued() if failure.keyword in ("pattern", "enum") else None
            self.add(spot, *wrong_value(rule, failure, spot), place=place or spot.place())
            return False
        if isinstance(value, Mapping):
            return self._mapping(rule, spot, value)
        if isinstance(value, Sequence) and rule.items is not None:
            fits = rule.items.fits
            for index, item in enumerate(value):
                if fits is None or not fits(item):
                    self._one(rule.items, Spot(value, index, spot))
        return True

    def _mapping(self, rule: Rule, spot: Spot, value: Mapping) -> bool:
        for failure in rule.shape_failures(value):
            self.add(spot, *wrong_shape(rule, failure, spot))
        for key, one in value.items():
            known = rule.properties.get(key)
            if known is not None and known.fits is not None and known.fits(one):
                continue
            inner = Spot(value, key, spot)
            names = None if key in rule.properties else rule.names
            if names is not None and names.failure(key) is not None:
                self._bad_name(names, inner)
            rules = rule.rules_of(key)
            if rules is None:
                self.add(inner, *unknown_key(rule, inner))
            else:
                self.value(rules, inner)
        return True

    def _bad_name(self, names: Rule, spot: Spot) -> None:
        code = names.spec.get("x-problem", "bad-name")
        where = spot.above.path() if spot.above else "the registry"
        message = f"{where}: '{shown_key(str(spot.key))}' cannot be a name here"
        self.add(spot, code, message, names.spec.get("x-expected", ""))

    def _not_yet(self, rule: Rule, spot: Spot) -> None:
        severity = rule.spec.get("x-not-yet")
        unless = rule.spec.get("x-not-yet-unless", {})
        if isinstance(spot.holder, Mapping) and any(
            spot.holder.get(key) in values for key, values in unless.items()
        ):
            return
        if severity:
            message = f"{spot.path()} has no effect in this version"
            advice = rule.spec.get("x-until-then", "Leave it out until then.")
            self.add(spot, "not-yet-supported", message, advice, severity=severity)

    def unknown_section(self, spot: Spot, schema: Rule) -> None:
        """A key in the first column that is no section."""
        name, value = str(spot.key), spot.value
        advice = schema.spec["x-instead"].get(name, "")
        if " " in advice:
            message = f"'{name}' is no section of the registry"
            code = "litellm-section" if "generated" in advice else "unknown-section"
            self.add(spot, code, message, advice)
        elif isinstance(value, Mapping) and any(sign in value for sign in _PROVIDER_SIGNS):
            message = f"the provider '{shown_key(name)}' stands outside of `providers:`"
            expected = f"'providers:' in a line above it, and '{shown_key(name)}:' indented below"
            self.add(spot, "provider-outside-section", message, expected)
            self.broken.add(("providers", name))
            provider = schema.properties["providers"].additional  # type: ignore[union-attr]
            self.value([provider], spot)
        else:
            message = f"'{shown_key(name)}' is no section of the registry"
            known = [key for key, rule in schema.properties.items() if rule is not None]
            near = advice or nearest(name, known)
            expected = "" if near else f"one of {', '.join(known)}; or 'x-...' for your own"
            if names_secret(name):
                expected = "no secrets in the registry"
            self.add(spot, "unknown-section", message, expected, near)
