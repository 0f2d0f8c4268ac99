# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments grouped into providers: who is asked at one address with one key is one provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..registry.problems import Place
from ..registry.provider_types import PROVIDER_TYPES
from .addresses import Addresses
from .credentials_given import Sent, sent_by
from .entries import Deployment
from .models import declared_model
from .naming import Naming, ours
from .notes import Notes, listing
from .secret_values import LITERAL, NONE, PLACEHOLDER, VARIABLE
from .vendors import COMPATIBLE, Vendor, vendor_of

_SECONDS = {"timeout": "timeout_seconds", "stream_timeout": "stream_timeout_seconds"}
_LIMITS = {**_SECONDS, "max_parallel_requests": "max_parallel_requests"}


@dataclass
class Provider:
    """A provider as it will be declared. `models`: backend model -> the deployments of it."""

    vendor: Vendor
    base: str
    sent: Sent
    version: str
    name: str = ""
    declared: str = ""  # what a hand-kept file calls it
    deployments: list[Deployment] = field(default_factory=list)
    models: dict[str, list[Deployment]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return self.deployments[0].place

    @property
    def traffic(self) -> float:
        """The share of a canary of ours; 0 for everybody else."""
        told = [one.told("canary") for one in self.deployments]
        return max((float(x) for x in told if isinstance(x, (int, float))), default=0.0)


def group(
    deployments: Iterable[Deployment],
    addresses: Addresses,
    declared: Mapping[str, Any],
    notes: Notes,
) -> list[Provider]:
    """The providers, named, in the order of their first deployments; sets `provider` of each.

    `declared`: those that stand in a hand-kept file beside it, as they are there.
    """
    found: dict[tuple[object, ...], Provider] = {}
    for one in deployments:
        vendor = vendor_of(one.prefix, one.base)
        if not vendor.type or not one.mode:
            _left_out(one, vendor, notes)
            continue
        base = addresses.of(one, vendor.type) or vendor.base
        sent = sent_by(one, vendor, notes)
        version = _version(one, vendor, notes)
        our_id = ours(one.id)
        mark = (our_id[0], our_id[1]) if our_id else None
        same = (vendor.type, base.rstrip("/"), sent.identity(), version)
        key: tuple[object, ...] = mark or same
        provider = found.setdefault(key, Provider(vendor, base, sent, version))
        if provider.vendor.type == COMPATIBLE:  # a type of ours may have this prefix in one mode
            provider.vendor = vendor
        provider.deployments.append(one)
        if "*" not in one.model:
            provider.models.setdefault(one.model, []).append(one)
        if one.prefix == "vllm":
            notes.found(one.at("model"), "in-process-vllm", f"model: vllm/{one.model}")
    providers = list(found.values())
    for made in providers:
        made.declared = _declared(made, declared)
    Naming(providers, declared).give()
    for provider in providers:
        for one in provider.deployments:
            one.provider = provider.name
    return providers


def _declared(provider: Provider, declared: Mapping[str, Any]) -> str:
    """The hand-kept provider at the same address, or ""."""
    told = {str(one.told("provider") or "") for one in provider.deployments}
    for name, spec in declared.items():
        if isinstance(spec, dict):
            same_type = spec.get("type") == provider.vendor.type
            row = PROVIDER_TYPES.get(str(spec.get("type")))
            base = str(spec.get("base_url") or "")
            mine = provider.base or (row.default_base if row else "")
            base = base or (row.default_base if row else "")
            if _root(base) == _root(mine) and (base or same_type) and (same_type or base):
                return name
            if told == {name} and same_type:
                return name
    return ""


def _root(base: str) -> str:
    return base.rstrip("/").removesuffix("/v1").lower()


def _left_out(one: Deployment, vendor: Vendor, notes: Notes) -> None:
    if not one.prefix:
        why = "nobody knows whom to ask for it"  # found already
    elif not vendor.type:
        known = "no type of provider of the registry answers to this prefix"
        why = f"{known}: {one.prefix}/"
        if one.prefix == "openai":
            why = "it has no address"
    else:
        why = f"the registry has no mode {one.told('mode')}: chat, completion and embedding"
    notes.not_carried(one.place, f"{one.called} ({one.model})", why)


def _version(one: Deployment, vendor: Vendor, notes: Notes) -> str:
    """The API's version; Azure's newest known where it stands in a variable."""
    value = one.params.get("api_version")
    if isinstance(value, str) and value and "os.environ/" not in value and "$" not in value:
        return value
    if value is not None and not isinstance(value, str):
        return str(one.params.written("api_version"))  # a date, to YAML
    if vendor.type != "azure":
        return ""
    if value:
        notes.not_carried(one.at("api_version"), f"{one.called}.api_version", "it is a variable's")
    notes.by_hand(f"Write the api_version of {one.called} in place of 2024-10-21.")
    return "2024-10-21"


def declaration(provider: Provider, listed: Iterable[str], notes: Notes) -> dict[str, Any]:
    """The provider as the registry has it; `listed` are its models that have names of their own."""
    spec: dict[str, Any] = {"type": provider.vendor.type}
    if provider.base:
        spec["base_url"] = provider.base
    if provider.traffic:
        spec |= {"status": "testing", "traffic": provider.traffic}
    if provider.version:
        spec["api_version"] = provider.version
    spec |= _credentials(provider, notes)
    for key, ours_ in _LIMITS.items():
        value = _agreed(provider, key, notes)
        if value is not None:
            spec[ours_] = int(value) if value == int(value) else value
    models = [declared_model(name, provider.models[name], notes) for name in listed]
    if models:
        spec["models"] = models
    return spec


def _credentials(provider: Provider, notes: Notes) -> dict[str, Any]:
    row = PROVIDER_TYPES[provider.vendor.type]
    key, spec = provider.sent.key, dict[str, Any]()
    usual = provider.vendor.key_variable
    own = provider.name.upper().replace("-", "_").replace(".", "_")
    if key.kind == VARIABLE and key.variable != row.key_variable:
        spec["env_var"] = key.variable
    elif key.kind == LITERAL:
        name = usual if usual and provider.name == provider.vendor.type else f"{own}_API_KEY"
        spec["env_var"] = name
        notes.by_hand(f"Give {name} the key that stood in the file, after you have changed it.")
    elif key.kind == NONE and usual != row.key_variable:
        spec["env_var"] = usual
    elif key.kind == PLACEHOLDER and (row.key_variable or row.parameters):
        spec["requires_api_key"] = False
    signing = provider.sent.signing
    if signing:
        spec["env_vars"] = list(signing.values())
    signed = any("secret" in name or "key" in name for name in signing)
    if row.name == "bedrock" and not signed and key.kind not in (VARIABLE, LITERAL):
        spec["requires_api_key"] = False
    headers = {}
    for name, text in provider.sent.headers.items():
        variable = f"{own}_{name.upper().replace('-', '_')}"
        if text in ("", "Bearer "):
            text = f"{text}${{{variable}}}"
            notes.by_hand(f"Give {variable} the key that stood in the file, after you change it.")
        headers[name] = text
    if headers:
        spec["custom_config"] = {"headers": headers}
    return spec


def _agreed(provider: Provider, key: str, notes: Notes) -> float | None:
    """A number of all its deployments; the largest where they do not agree."""
    given = [one for one in provider.deployments if key in one.numbers]
    if not given:
        return None
    first = max(given, key=lambda one: one.numbers[key])
    most = first.numbers[key]
    for one in given:
        if one.numbers[key] != most:
            why = f"it is the provider's, and {first.called} has {most:g}"
            notes.not_carried(one.at(key), f"{one.called}.{key}", why)
    without = [one.called for one in provider.deployments if key not in one.numbers]
    if without and not all(one.id.startswith("~") for one in provider.deployments):
        what = f"that {listing(without)} had no {key} of its own"
        why = f"{most:g} is the provider's, {provider.name}, and holds there too"
        notes.not_carried(first.at(key), what, why)
    return most
