# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From deployments to the registry's routing sections."""

from __future__ import annotations

from collections.abc import Mapping

from ..registry.problems import nearest
from ..registry.provider_types import CHAT
from .aliases import STRATEGIES, Aliases
from .conditions import Conditions
from .draft import Draft
from .entries import Deployment
from .fallbacks import FALLBACKS, LONG, REFUSED, Chain, read_chains
from .groups import SIMPLE, Member, groups_of
from .listing import by_rank
from .notes import NOWHERE, Notes
from .providers import Provider
from .reader import Sources
from .settings import rendered_here
from .shapes import Shapes
from .wildcards import Wildcards

_WHEN = {LONG: ("context_window", "long-prompts"), REFUSED: ("content_policy", "refused-content")}


class Routing:
    """Who answers to which name, and who next."""

    def __init__(
        self,
        draft: Draft,
        providers: list[Provider],
        deployments: list[Deployment],
        sources: Sources,
        notes: Notes,
    ) -> None:
        self.draft = draft
        self.providers = providers
        self.deployments = deployments
        self.notes = notes
        self.trials = {one.name: one.traffic for one in providers if on_trial(one)}
        settings = sources.settings("router_settings")
        self.strategy = str(settings.get("routing_strategy") or SIMPLE)
        self.conditions = Conditions(deployments, sources, notes)
        self.groups = groups_of(self.conditions.plain, self.trials, self.strategy, notes)
        names = (one.name for one in deployments if not one.wildcard)
        self.answered = {name for name in names if not name.startswith("~")}
        self.wildcards = Wildcards(deployments, notes)
        self.by_id = {one.id: one for one in deployments if one.id and one.provider}
        self.aliases = Aliases(self.groups, notes)
        self.providers = by_rank(providers, self.groups)
        self.chains = read_chains(sources, notes)
        self.sources = sources

    def write(self, listed: Mapping[str, list[str]]) -> None:
        """All of it. `listed`: provider -> the models under `models`."""
        self._materialise()
        self._common_end()
        self._attach(self.chains.by_kind.get(FALLBACKS, []))
        self.aliases.read(self.sources)
        self.answered |= self.aliases.answered
        self._attach_to_capabilities(self.chains.by_kind.get(FALLBACKS, []))
        self._cut_cycles()
        shapes = Shapes(self.draft, self.providers, self.groups, listed, self.trials, self.notes)
        shapes.strategy = self._strategy()
        shapes.write(self.aliases.capabilities.values())
        for name, alias in self.aliases.names.items():
            self.draft.put("aliases", name, alias.value, [alias.place])
        self.wildcards.write(self.draft, shapes.ref)
        self.conditions.write(self.draft, self.groups, shapes)
        for kind, (when, word) in _WHEN.items():
            for chain in self.chains.by_kind.get(kind, []):
                self._other_chain(chain, when, word, shapes)
        self._default()
        shapes.write_helpers()

    def _common_end(self) -> None:
        """In a configuration of ours, the name that ends all chains is the default fallback."""
        chains = self.chains.by_kind.get(FALLBACKS, [])
        ends = {chain.targets[-1] for chain in chains if chain.targets}
        for end in sorted(ends) if rendered_here(self.sources) else ():
            names = {chain.source for chain in chains if chain.targets[-1:] == [end]}
            mode = self.groups[end].mode if end in self.groups else ""
            others = {name for name, group in self.groups.items() if group.mode == mode} - {end}
            if len(names) > 1 and others and others == names - {end}:
                self.chains.default, self.chains.default_place = [end], chains[0].place
                for of in self.chains.by_kind.values():
                    for chain in of:
                        if chain.targets[-1:] == [end] and (len(chain.targets) > 1 or of is chains):
                            chain.targets.pop()

    def _strategy(self) -> str:
        """What chooses among the deployments of a name, in our word; "" for shares."""
        found = STRATEGIES.get(self.strategy, "")
        return "" if self.strategy == SIMPLE else found

    def _known(self, name: str) -> bool:
        return name in self.groups or name in self.aliases.capabilities

    def _materialise(self) -> None:
        """A name that fallbacks speak of and that only a wildcard covers gets a rule of its own."""
        for chains in self.chains.by_kind.values():
            for chain in chains:
                for name in (chain.source, *chain.targets):
                    if name not in self.groups and name not in self.by_id:
                        group = self.wildcards.covers(name)
                        if group is not None:
                            self.groups[name] = group

    def _attach(self, chains: list[Chain]) -> None:
        for chain in chains:
            if chain.source in self.wildcards.by_name:
                self.notes.found(chain.place, "wildcard-fallback", f"{chain.source}")
                named = self._targets(chain, names_only=True)
                self.wildcards.fallbacks[chain.source] = [x for x in named if isinstance(x, str)]
            elif chain.source == "*":
                self.notes.found(chain.place, "default-fallback", "a fallback of '*'")
                self.chains.default = self.chains.default or chain.targets
                self.chains.default_place = self.chains.default_place or chain.place
            elif chain.source in self.groups:
                self.groups[chain.source].follow(self._targets(chain), chain.place)

    def _attach_to_capabilities(self, chains: list[Chain]) -> None:
        for chain in chains:
            if chain.source in self.aliases.capabilities:
                capability = self.aliases.capabilities[chain.source]
                capability.fallbacks = capability.fallbacks or self._targets(chain)
            elif chain.targets and not self._source_known(chain.source):
                near = nearest(chain.source, self.groups)
                what = f"'{chain.source}' is no name here"
                self.notes.found(chain.place, "fallback-from-unknown", what, near=near)

    def _source_known(self, name: str) -> bool:
        known = self._known(name) or name in self.answered
        return known or name == "*" or name in self.wildcards.by_name

    def _targets(self, chain: Chain, names_only: bool = False) -> list[str | Member]:
        """What a chain names, as groups or as members by their ids."""
        found: list[str | Member] = []
        for name in chain.targets:
            one = self.by_id.get(name)
            if name in self.groups or name in self._alias_names():
                found.append(name)
            elif one is not None and not names_only:
                found.append(Member(one.provider, one.model))
            elif name != chain.source:
                what = f"'{chain.source}' falls back to '{name}', which is no name here"
                near = nearest(name, self.groups)
                self.notes.found(chain.place, "fallback-unknown", what, near=near)
        return found

    def _alias_names(self) -> set[str]:
        settings = self.sources.settings("router_settings")
        aliases, found = settings.get("model_group_alias"), set(self.aliases.capabilities)
        if isinstance(aliases, Mapping):
            found.update(name for name, to in aliases.items() if str(to) in self.groups)
        groups = settings.get("routing_groups")
        for one in groups if isinstance(groups, list) else ():
            if isinstance(one, Mapping) and isinstance(one.get("group_name"), str):
                found.add(one["group_name"])
        return found

    def _cut_cycles(self) -> None:
        """Takes out each step that leads back to where its chain came from."""
        done: set[str] = set()
        for start in list(self.groups):
            path: list[tuple[str, list[str]]] = [(start, self._next(start))]
            while path and start not in done:
                name, left = path[-1]
                if not left:
                    done.add(name)
                    path.pop()
                    continue
                to = left.pop(0)
                if to in {one for one, _left in path}:
                    self.groups[name].fallbacks.remove(to)
                    what = " -> ".join([*(one for one, _left in path), to])
                    self.notes.found(self.groups[name].place, "fallback-cycle", what)
                elif to not in done:
                    path.append((to, self._next(to)))

    def _next(self, name: str) -> list[str]:
        fallbacks = self.groups[name].fallbacks
        return [
            one for one in dict.fromkeys(fallbacks) if isinstance(one, str) and one in self.groups
        ]

    def _other_chain(self, chain: Chain, when: str, word: str, shapes: Shapes) -> None:
        """For prompts that are too long, or content that a provider refuses.

        One that is the same as for any failure says nothing: it is taken then as well.
        """
        if not self._source_known(chain.source):
            what = f"'{chain.source}' is no name here"
            self.notes.found(chain.place, "fallback-from-unknown", what)
            return
        group = self.groups.get(chain.source)
        if group is None:
            return
        found = group.others(self._targets(chain))
        if found == group.fallbacks:
            return
        targets = shapes.refs(group, found, group.ranks[0])
        if targets:
            spec = {"when": when, "chain": [chain.source, *targets]}
            self.draft.put("fallback_chains", f"{chain.source}-{word}", spec, [chain.place])

    def _default(self) -> None:
        chain = Chain("*", self.chains.default, self.chains.default_place or NOWHERE)
        targets = [one for one in self._targets(chain, names_only=True) if isinstance(one, str)]
        if targets:
            rules = self.draft.sections.setdefault("routing_rules", {})
            rules["default_fallback"] = targets[0] if len(targets) == 1 else targets
            self.draft.from_places(("routing_rules", "default_fallback"), [chain.place])


def on_trial(provider: Provider) -> bool:
    """Whether it was a canary or a testing provider of ours."""
    ours = all(one.id.startswith("~") for one in provider.deployments)
    names = all(one.name == f"testing/{one.model}" for one in provider.deployments)
    return ours and (provider.traffic > 0 or names)


def listed_models(routing: Routing) -> dict[str, list[str]]:
    """The models that each provider declares: all of them, for each is a name of its own then.

    A configuration of ours says which it had: names that it did not have are not made.
    """
    found = {}
    targets = {name for of in routing.chains.by_kind.values() for c in of for name in c.targets}
    for one in routing.providers:
        ours = all(d.id.startswith("~") for d in one.deployments)
        called = any(d.id in targets for d in one.deployments)
        named = called or any(d.name in (d.model, f"testing/{d.model}") for d in one.deployments)
        chat = all(d.mode == CHAT for d in one.deployments)
        found[one.name] = [] if ours and not named and chat else list(one.models)
    return found
