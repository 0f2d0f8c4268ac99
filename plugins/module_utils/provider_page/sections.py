# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One provider's part of the page, in the sections that the hand-kept page has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..registry.model import Model, Provider, Registry
from ..registry.slots import slot_of
from ..routing.backends import base_url, health_endpoint
from ..routing.resolve import Inventory, provider_hosts
from ..routing.route_table import CAPABILITY, MODEL, Route
from ..routing.waiting import COMMAND
from . import measured
from .escape import address, code, codes, link, text, texts
from .parts import Parts, further

MANY = 12  # names in one sentence
KINDS = {
    "exact_match": "exact match",
    "redundant_model": "shared name",
    "capability": "capability",
    "pattern": "pattern",
    "default": "any other name",
}


class Section:
    """What the registry, the routes and the last proof say of one provider."""

    def __init__(
        self,
        provider: Provider,
        registry: Registry,
        parts: Parts,
        inventory: Inventory,
        rows: Mapping[str, str],
    ) -> None:
        self.provider, self.registry = provider, registry
        self.inventory, self.rows, self.spec = inventory, rows, provider.spec
        self.first = list(parts.first.get(provider.name, {}).values())
        self.helps = list(parts.helps.get(provider.name, {}).values())
        self.ids = list(parts.ids.get(provider.name, ()))
        self.waits = parts.waiting.get(provider.name, [])

    def lines(self) -> Iterator[str]:
        """Markdown, beginning with the heading."""
        yield f"## {text(self.provider.name)}"
        if self.spec.get("description"):
            yield from ("", text(self.spec["description"]))
        parts = (
            ("Connection details", self.connection()),
            ("Features and capabilities", self.features()),
            ("Models available", self.models()),
            ("Performance characteristics", self.performance()),
            ("Best use cases", self.uses()),
            ("Integration notes", self.notes()),
        )
        for title, part in parts:
            yield from ("", f"### {title}", "")
            said = list(part)
            yield from said or ["Nothing is declared."]

    def connection(self) -> Iterator[str]:
        provider = self.provider
        yield f"- Type: {code(provider.type.name)}, {self.status()}"
        yield from self.slot()
        hosts = provider_hosts(provider, self.inventory) if provider.rendered else []
        for host in hosts:
            where = f" on {code(host)}" if host else ""
            base = base_url(provider, host, self.inventory)
            yield f"- Address{where}: {code(address(base)) if base else 'its vendor has one'}"
            if health := health_endpoint(self.registry, provider, host, self.inventory):
                yield f"- Health{where}: {code(address(health))}"
        variables = codes(provider.credentials.variables)
        yield f"- Key: {'the environment variable ' + variables if variables else 'none'}"
        limit = self.registry.limits.get(provider.name)
        if limit:
            of = ((limit.rpm, "requests"), (limit.tpm, "tokens"))
            told = [f"{count} {word}" for count, word in of if count is not None]
            yield f"- Limit: {' and '.join(told) or 'by model'} a minute"
        if self.spec.get("timeout_seconds"):
            yield f"- Timeout: {self.spec['timeout_seconds']:g} s"

    def slot(self) -> Iterator[str]:
        """Whether it runs or waits, where it shares GPUs in turn."""
        slot = self.registry.slots.get(slot_of(self.provider))
        if slot is None or self.provider.name not in slot.members:
            return
        others = [name for name in slot.members if name != slot.runs]
        if self.provider.name == slot.runs:
            waits = f"; {codes(others)} wait{'s' * (len(others) == 1)}" if others else ""
            yield f"- Slot: {code(slot.name)}, in which it runs{waits}"
            return
        yield f"- Slot: {code(slot.name)}, in which it waits while {code(slot.runs)} runs"
        yield f"- To have it run: {code(COMMAND.format(provider=self.provider.name))}"

    def status(self) -> str:
        if self.provider.traffic:
            return f"testing, with {self.provider.traffic * 100:.4g} % of the requests"
        return self.provider.status

    def features(self) -> Iterator[str]:
        for feature in self.spec.get("features") or ():
            yield f"- {text(feature)}"
        for route in [*self.first, *self.helps]:
            if route.kind == CAPABILITY:
                yield f"- The capability {code(route.name)}"

    def models(self) -> Iterator[str]:
        if not self.provider.models:
            return
        yield "| model | size | context | specialty | answers | about |"
        yield "|---|---|---|---|---|---|"
        for model in self.provider.models.values():
            yield f"| {' | '.join(self.cells(model))} |"

    def cells(self, model: Model) -> Iterator[str]:
        spec = model.spec
        yield code(model.name)
        for key in ("size", "context_length", "specialty"):
            yield texts(spec[key]) if spec.get(key) else "–"
        most = spec.get("max_output_tokens")
        yield model.mode + (f", at most {most} tokens" if most else "")
        about = [texts(spec[key]) for key in ("description", "notes") if spec.get(key)]
        about += [texts(list(spec[key])) for key in ("features", "tags") if spec.get(key)]
        yield "; ".join(about) or "–"

    def performance(self) -> Iterator[str]:
        yield from measured.table(self.rows, self.ids) or ["Not measured yet."]
        said = [f"{code(key)} {value:g}" for key, value in self.provider.performance.items()]
        if said:
            yield from ("", f"Declared as acceptable: {', '.join(said)}.")

    def uses(self) -> Iterator[str]:
        by_specialty: dict[str, list[str]] = {}
        for model in self.provider.models.values():
            words = model.spec.get("specialty") or []
            for word in words if isinstance(words, list) else [words]:
                by_specialty.setdefault(str(word), []).append(model.name)
        for word, models in by_specialty.items():
            yield f"- {text(word)}: {some(models)}"
        for kind, words in KINDS.items():
            mine = [route.name for route in self.first if route.kind == kind]
            if mine:
                yield f"- {words.capitalize()}: {some(mine)}"
        names = [route.name for route in self.first if route.kind == MODEL]
        if names:
            yield f"- By its own name: {some(names)}"

    def notes(self) -> Iterator[str]:
        ways: dict[tuple[str, ...], list[str]] = {}
        for route in self.first:
            ways.setdefault(tuple(self.next(route)), []).append(route.name)
        for others, names in ways.items():
            if others:
                yield f"- When it fails, requests for {some(names)} go on to {codes(others)}"
            else:
                yield f"- When it fails, nobody else answers requests for {some(names)}"
        if self.waits:
            yield f"- Answers when it runs: {some(self.waits)}"
        if self.helps:
            yield f"- Answers when others fail: {some(route.name for route in self.helps)}"
        for key in ("docs", "location"):
            if self.spec.get(key):
                yield f"- {key.capitalize()}: {link(self.spec[key])}"
        if self.spec.get("tags"):
            yield f"- Tags: {texts(list(self.spec['tags']))}"
        if self.spec.get("notes"):
            yield f"- {text(self.spec['notes'])}"

    def next(self, route: Route) -> list[str]:
        """Who else answers for a name, in order, each once."""
        others = [target.deployment.provider for target in route.targets]
        names = [name for name in others if name != self.provider.name]
        return list(dict.fromkeys([*names, *(one.name for one in further(route))]))


def undocumented(provider: Provider) -> list[str]:
    """What the page has no words for because nothing is declared, as keys; [] if all is said."""
    missing = [key for key in ("description", "features") if not provider.spec.get(key)]
    # Vendors do not say how large their models are.
    size = () if provider.type.own_base or provider.type.name == "azure" else ("size",)
    for key in (*size, "context_length", "specialty"):
        without = [one.name for one in provider.models.values() if not one.spec.get(key)]
        if without or not provider.models:
            missing.append(f"{key} of {', '.join(without) or 'its models'}")
    return missing


def some(names: Iterable[Any]) -> str:
    """Several names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - MANY} more" if len(listed) > MANY else ""
    return codes(listed[:MANY]) + more
