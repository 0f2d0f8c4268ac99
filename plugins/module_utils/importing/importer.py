# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any LiteLLM configuration, or a pair of hand-kept files, into a registry and a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..compile import Compiled
from ..routing.resolve import Inventory
from .addresses import Addresses
from .draft import Draft
from .entries import read_entries
from .leftovers import leave, write_retries
from .limits import write_budgets, write_limits
from .literal_keys import find_literal_keys
from .notes import Finding, Left, Notes
from .own_sections import read_own_sections
from .proof import prove
from .providers import declaration, group
from .reader import Sources, read_sources
from .routing import Routing, listed_models, on_trial
from .secret_values import Secrets
from .settings import OURS, read_settings
from .writing import texts_of


@dataclass
class Imported:
    """The outcome. `files`: name -> text, empty with `errors`; `names` as the registry has them,
    `new_names` those that the old configuration did not have, `gone` those that it had."""

    sources: list[str]
    files: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    new_names: list[str] = field(default_factory=list)
    gone_names: list[str] = field(default_factory=list)
    compiled: Compiled | None = None
    secrets: Secrets = field(default_factory=Secrets)


def import_config(
    paths: Iterable[str],
    addresses: Mapping[str, str] | None = None,
    inventory: Inventory | None = None,
) -> Imported:
    """Reads these files and what they include; writes nothing.

    `addresses`: variable -> the address that it holds, for an api_base that is read from one.
    Nothing is raised for what stands in the files.
    """
    notes, draft = Notes(), Draft()
    sources = read_sources(paths, notes)
    result = Imported(sources.files)
    result.secrets.learn_all(section.value for section in sources.sections.values())
    if not notes.errors:
        routing = _drafted(draft, sources, addresses or {}, notes)
        if not draft.sections:
            known = ", ".join(("model_list", *OURS[:4]))
            notes.errors.append(f"Nothing to import: none of the sections {known} ... is here.")
    if not notes.errors:
        _compiled(draft, result, inventory or Inventory(), notes)
        _names(result, routing.answered)
    result.findings, result.left = notes.in_order()
    result.todo, result.errors = list(notes.todo), notes.errors
    return result


def _drafted(draft: Draft, sources: Sources, addresses: Mapping[str, str], notes: Notes) -> Routing:
    """Fills the draft with all that can be carried over."""
    entries = read_entries(sources, notes)
    read_own_sections(draft, sources, notes)
    declared = dict(draft.sections.get("providers", {}))
    providers = group(entries, Addresses(notes, addresses), declared, notes)
    routing = Routing(draft, providers, entries, sources, notes)
    listed = listed_models(routing)
    for provider in routing.providers:
        spec = declaration(provider, listed[provider.name], notes)
        if on_trial(provider):
            spec["status"] = "testing"
        whole = _both(declared.get(provider.name), spec)
        places = [one.place for one in provider.deployments]
        draft.put("providers", provider.name, whole, places)
    routing.write(listed)
    write_limits(draft, providers, sources, notes)
    write_budgets(draft, providers, sources, notes)
    read_settings(draft, sources, notes)
    write_retries(draft, entries, routing.groups, notes)
    leave(entries, notes)
    find_literal_keys(sources, notes)
    return routing


def _both(declared: Any, spec: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """A provider that a hand-kept file declares too: what stands there counts."""
    if not isinstance(declared, dict):
        return spec
    models = list(declared.get("models") or []) if "models" in declared else []
    known = {one.get("name") if isinstance(one, dict) else one for one in models}
    for one in spec.pop("models", []):
        if (one["name"] if isinstance(one, dict) else one) not in known:
            models.append(one)
    if "env_var" in declared or "custom_config" in declared:
        spec.pop("env_var", None)
    return {**spec, **declared, **({"models": models} if models else {})}


def _compiled(draft: Draft, result: Imported, inventory: Inventory, notes: Notes) -> None:
    def texts() -> dict[str, str]:
        made = texts_of(draft, result.sources)
        return {name: result.secrets.scrubbed(text) for name, text in made.items()}

    result.compiled = prove(draft, texts, inventory, notes, result.secrets.scrubbed)
    if result.compiled is not None:
        result.files = texts()
    elif not notes.errors:
        notes.errors.append("Nothing that was read can be carried over.")


def _names(result: Imported, before: set[str]) -> None:
    if result.compiled is None:
        return
    result.names = [name for name in result.compiled.routes.routes if not name.startswith("~")]
    if before:
        new = (name for name in result.names if name not in before and "*" not in name)
        result.new_names = list(new)
    result.gone_names = sorted(before - set(result.names))


def as_dict(result: Imported, to: str) -> dict[str, Any]:
    """JSON-ready, without any text of a file and without any secret."""
    return {
        "ok": not result.errors,
        "sources": result.sources,
        "registry": to,
        "files": sorted(result.files),
        "findings": [one.as_dict() for one in result.findings],
        "not_carried_over": [one.as_dict() for one in result.left],
        "by_hand": result.todo,
        "errors": result.errors,
        "names": result.names,
        "new_names": result.new_names,
        "gone_names": result.gone_names,
    }
