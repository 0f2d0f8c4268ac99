# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be asked about a provider, on which host; and what the registry itself says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..compile import Compiled
from ..registry.addresses import api_base, health_url, host_url, origin
from ..registry.model import Provider
from ..registry.problems import ERROR, Problem, has_errors, nearest
from ..registry.provider_types import ROOT, V1
from ..registry.slots import parked
from ..routing import backends
from ..routing.resolve import Inventory, provider_hosts
from . import refused, regions
from .rows import Row, row

# By the beginning of the type's LiteLLM prefix: how it is asked for its models.
_WAYS = ("ollama", "anthropic", "gemini", "azure", "bedrock", "vertex_ai")
_NO_LIST = ("bedrock", "vertex_ai")
_AZURE_LIST = "openai/models?api-version=2024-10-21"
_GEMINI = "https://generativelanguage.googleapis.com"
LISTS_KEYS = ("llama_cpp", "vllm")  # engines whose variable holds several keys


def questions(compiled: Compiled, inventory: Inventory, name: str, completion: bool) -> Any:  # noqa: ANN401
    """{problem, provider, rows, about, hosts}, JSON-ready.

    `problem` is a sentence where there is no such provider, and all there is then. `rows` are the
    registry's own checks; `hosts`: host -> {gateway, instance}, the options of
    lab.llm.provider_diagnose there, {} for what does not concern it.
    """
    provider = compiled.registry.providers.get(name)
    whys = [one for one in compiled.problems if _concerns(one, name)]
    if provider is None and (not whys or name not in compiled.registry.provider_names):
        return {"problem": _no_such(compiled, name)}
    if not inventory.gateways:
        return {"problem": "The group 'gateway' has no host: nothing could be asked from there."}
    if provider is None:
        return refused.questions(compiled, inventory, name, whys[0])
    return {
        "problem": "",
        "provider": name,
        "rows": list(_registry_rows(compiled, provider)),
        "about": _about(compiled, provider, inventory),
        "hosts": _hosts(compiled, provider, inventory, completion),
    }


def _no_such(compiled: Compiled, name: str) -> str:
    known = list(compiled.registry.provider_names)
    near = nearest(name, known)
    more = f"Did you mean '{near}'?" if near else f"There are: {', '.join(known) or 'none'}."
    return f"No provider '{name}' in the registry. {more}"


def _about(compiled: Compiled, provider: Provider, inventory: Inventory) -> dict[str, Any]:
    """What sentences say of it."""
    hosts = provider_hosts(provider, inventory)
    base = backends.base_url(provider, hosts[0], inventory)
    specs = _specs(compiled, provider.name)
    return {
        "provider": provider.name,
        "type": provider.type.name,
        "status": provider.status,
        "place": str(provider.place),
        "deployed": provider.deployed,
        "cloud": backends.is_vendors(provider, base),
        "variable": provider.credentials.key,
        "gateways": list(inventory.gateways),
        "hosts": list(dict.fromkeys([*hosts, *specs])) if provider.deployed else [],
    }


def _registry_rows(compiled: Compiled, provider: Provider) -> Iterator[Row]:
    """Its entry, its status, the names that lead to it."""
    name, place = provider.name, str(provider.place)
    mine = [p for p in compiled.problems if p.severity == ERROR and _concerns(p, name)]
    others = [p for p in compiled.problems if p.severity == ERROR and p not in mine]
    fault = "unsound" if mine else "others" if others else ""
    seen = str((mine or others)[0]) if fault else f"no error ({place})"
    yield row("entry", "the registry", "no error", seen, fault, place=place)
    said = provider.status
    share = f", {provider.traffic:.4g} of its names' requests" if provider.traffic else ""
    fault, slot = "" if provider.rendered else "not_served", parked(compiled.registry).get(name)
    about = {"slot": slot.name, "runs": slot.runs} if slot else {}
    fault, waits = ("parked", f", and waits in slot {slot.name}") if slot else (fault, "")
    expected, seen = "active or testing", f"{said}{share}{waits}"
    yield row("status", f"status of {name}", expected, seen, fault, place=place, **about)
    names = _names(compiled, name)
    expected = "a name at least"
    fault = "" if names or not provider.rendered else "unrouted"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    seen = ", ".join(names[:8]) + more if names else "none"
    yield row("routes", f"names that lead to {name}", expected, seen, fault, place=place)


def _concerns(problem: Problem, name: str) -> bool:
    """Whether a problem is about this provider, by the path that its message begins with."""
    words = problem.message.replace("'", " ").replace(":", " ").split()
    return any(
        word == f"providers.{name}" or word.startswith(f"providers.{name}.") for word in words
    )


def _names(compiled: Compiled, name: str) -> list[str]:
    found = []
    for route in compiled.routes.routes.values():
        behind = [target.deployment for target in route.targets]
        behind += [one for fallback in route.every_fallback for one in fallback.deployments]
        if any(one.provider == name for one in behind):
            found.append(route.name)
    return found


def _hosts(
    compiled: Compiled, provider: Provider, inventory: Inventory, completion: bool
) -> dict[str, dict[str, Any]]:
    targets = [
        _target(compiled, provider, host, inventory) for host in provider_hosts(provider, inventory)
    ]
    ours = (f"~{provider.name}/", f"~{provider.name}@")
    rows = compiled.probes.get("deployments", ())
    declared = {r["id"]: r["configured"] for r in rows if str(r["id"]).startswith(ours)}
    asked = {
        "provider": provider.name,
        "variables": sorted(provider.credentials.variables),
        "key_variable": provider.credentials.key,
        # With errors there is nothing that what serves could be compared with.
        "deployments": None if has_errors(compiled.problems) else declared,
        "targets": targets,
        "completion": completion,
    }
    found = {host: {"gateway": asked, "instance": {}} for host in inventory.gateways}
    for host, instance in _instances(compiled, provider, targets, inventory).items():
        found.setdefault(host, {"gateway": {}, "instance": {}})["instance"] = instance
    return found


def _instances(
    compiled: Compiled,
    provider: Provider,
    targets: list[dict[str, Any]],
    inventory: Inventory,
) -> dict[str, dict[str, Any]]:
    """Host -> see Instance. A host that only works for another one of its cluster is not asked."""
    asked = [one for one in targets if one["host"]]
    found = {str(one["host"]): _instance(provider, one, inventory) for one in asked}
    for host, spec in _specs(compiled, provider.name).items():
        besides = (spec.get("ray") or {}).get("unit")
        if host not in found:
            rest = {"units": [spec["unit"]], "answers": False, "gateways": []}
            found[host] = _instance(provider, {**asked[0], "host": host}, inventory) | rest
            found[host]["unit"] = spec["unit"]
        elif besides:
            found[host]["units"] = [*found[host]["units"], besides]
    return found


def _specs(compiled: Compiled, name: str) -> dict[str, dict[str, Any]]:
    """Host -> its service spec."""
    rows = compiled.services.items()
    return {host: one for host, specs in rows for one in specs if one["provider"] == name}


def _target(
    compiled: Compiled, provider: Provider, host: str, inventory: Inventory
) -> dict[str, Any]:
    """See FromGateway: where the gateway asks it."""
    parameters = provider.credentials.parameters
    way, base = _way(provider), backends.base_url(provider, host, inventory)
    base = base or (_GEMINI if way == "gemini" else "")
    health = backends.health_endpoint(compiled.registry, provider, host, inventory)
    return {
        "host": host,
        "url": base,
        "health": health,
        "own_health": bool(base) and bool(health) and origin(health) == origin(base),
        "region": "" if base else parameters.get(regions.PARAMETERS.get(way, ""), ""),
        "models_url": _models_url(provider, base, way),
        "way": way,
        "models": list(provider.models),
        "headers": dict(provider.credentials.headers),
    }


def _way(provider: Provider) -> str:
    prefix = next(iter(provider.type.prefixes.values()), "")
    return next((way for way in _WAYS if prefix.startswith(way)), "openai")


def _models_url(provider: Provider, base: str, way: str) -> str:
    """Where its list of models is, "" if it has none."""
    if not base or way in _NO_LIST:
        return ""
    if way == "azure":
        return _azure_list(provider, base)
    if way == "ollama":
        return f"{api_base(base, ROOT)}/api/tags"
    if way == "anthropic":
        return f"{api_base(base, ROOT)}/v1/models?limit=1000"
    if way == "gemini":
        return f"{api_base(base, ROOT)}/v1beta/models?pageSize=1000"
    if provider.type.default_base and provider.type.health_path.endswith("/models"):
        return health_url(base, provider.type.health_path)
    return f"{api_base(base, V1)}/models"


def _azure_list(provider: Provider, base: str) -> str:
    """It tells of the key; its names are models, and deployments have names of their own. Who comes
    without a key comes with a token that LiteLLM fetches by itself."""
    path = urlsplit(base).path.rstrip("/")
    if not provider.credentials.key or path not in ("", "/openai/v1"):
        return ""
    return f"{base.rstrip('/')}/{'models' if path else _AZURE_LIST}"


def _instance(
    provider: Provider, target: Mapping[str, Any], inventory: Inventory
) -> dict[str, Any]:
    """See Instance: how it is asked on its own host."""
    host, way = str(target["host"]), str(target["way"])
    bind, port = backends.bind(provider, host, inventory), backends.port(provider)
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104
    gpus = provider.deploy.get("gpus")
    gateways = [inventory.addresses.get(one, one) for one in inventory.gateways]
    return {
        "unit": backends.unit(provider),
        "units": [backends.unit(provider)],
        "answers": True,
        "bind": bind,
        "address": backends.address(provider, host, inventory),
        "port": port,
        "base": host_url(local, port),
        "health_path": urlsplit(str(target["health"])).path or provider.type.health_path,
        "models_path": "/api/tags" if way == "ollama" else "/v1/models",
        "way": way,
        "models": list(provider.models),
        "key_variable": provider.credentials.key,
        "key_list": provider.type.name in LISTS_KEYS,
        "gpus": None if gpus is None else list(gpus),
        "gateways": gateways,
    }
