# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""patterns: who answers names that match a regular expression.

A prefix is a wildcard of LiteLLM, for all names that no rule and no model has. Any other expression
is expanded over the names that are known: there it gives its provider a place, as an exact match
does. The list's order is precedence: the first that matches a name has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...registry.model import ON_TRIAL, Provider
from ...registry.model_rules import Pattern
from ..draft import Draft
from ..name_index import NameIndex
from ..pattern_text import EXPANDED, WILDCARD
from ..pattern_use import PatternUse, Wildcards, is_live, read, sent
from ..resolve import backend_model
from ..route_table import PATTERN, Route
from .exact_matches import placed, without


def patterns(
    draft: Draft, own: Mapping[str, Route], taken: Collection[str]
) -> tuple[dict[str, Route], dict[str, Route]]:
    """(routes of names, routes of wildcards); what became of each pattern stands in the table.

    `own` are the models' own names, `taken` the names that have rules of their own.
    """
    found = _Patterns(draft, own, taken)
    draft.table.patterns = read(draft.registry.patterns)
    for number, use in enumerate(draft.table.patterns):
        if use.kind == WILDCARD:
            found.add_wildcard(number, use)
        else:
            found.add_names(number, use)
    return found.names, found.wildcards


class _Patterns:
    def __init__(self, draft: Draft, own: Mapping[str, Route], taken: Collection[str]) -> None:
        self.draft, self.own, self.taken = draft, own, taken
        self.names: dict[str, Route] = {}
        self.wildcards: dict[str, Route] = {}
        self.claimed: dict[str, Pattern] = {}
        self.covered = Wildcards()
        self.everything: NameIndex | None = None

    def add_wildcard(self, number: int, use: PatternUse) -> None:
        use.behind = self.covered.covering(use.wildcard[:-1], number)
        self.covered.add(number, use.wildcard, use.pattern)
        provider = self.draft.served(use.pattern.provider.name)
        if use.behind is None and provider is not None and is_live(use, provider):
            place = use.pattern.place
            targets = self.draft.targets(provider, sent(use, provider), 0, place)
            self.wildcards[use.wildcard] = Route(use.wildcard, PATTERN, place, targets)
            self.draft.declared[use.wildcard] = [*use.pattern.fallbacks]

    def add_names(self, number: int, use: PatternUse) -> None:
        provider = self.draft.registry.providers.get(use.pattern.provider.name)
        if provider is None:
            return
        if use.kind == EXPANDED and use.compiled is not None:
            use.fits = self._known(use, provider).matching(use.compiled)
        for name in use.fits:
            earlier = self.claimed.get(name) or self.covered.covering(name, number)
            if earlier is None and name not in self.taken:
                self.claimed[name] = use.pattern
                use.names.append(name)
            use.behind = use.behind or earlier
        if provider.served and is_live(use, provider):
            for name in use.names:
                self._route(use.pattern, name, provider)

    def _known(self, use: PatternUse, provider: Provider) -> NameIndex:
        """The names that it is held against: what its provider could be asked for."""
        if provider.models and not use.pattern.backend_model:
            return NameIndex(provider.models)
        if self.everything is None:
            self.everything = NameIndex(one for one in self.own if not one.startswith(ON_TRIAL))
        return self.everything

    def _route(self, pattern: Pattern, name: str, provider: Provider) -> None:
        explicit = pattern.backend_model.name if pattern.backend_model else ""
        model = backend_model(provider, name, explicit)
        if model:
            new = self.draft.targets(provider, model, 0, pattern.place)
            others = placed(without(self.own.get(name), provider.name), pattern.rank, new)
            self.names[name] = Route(name, PATTERN, pattern.place, others)
            # A name that a pattern for many falls back to does not fall back to itself.
            self.draft.declared[name] = [one for one in pattern.fallbacks if one.name != name]
