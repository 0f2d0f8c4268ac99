# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that serves beside its configuration on the disk, and backends beside what is asked
of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..gateway.observation import PARAMS as LOOKED_AT
from ..gateway.probe_checks import provider_of
from ..routing.compare_flat import same
from ..routing.compare_params import WORDS
from ..routing.compare_view import label
from ..routing.compare_words import NONE, chain, listed, shown
from .findings import Finding
from .whereabouts import Whereabouts

Found = Mapping[str, Any]
PARAMS, INFO = "litellm_params", "model_info"
_REFERENCE = re.compile(r"os\.environ/(\w+)")
_VERSION = re.compile(r"/v\d+\w*/?$")
# Whose list of models is to be had by GET {base}/models, or /api/tags.
_LISTS = ("openai/", "hosted_vllm/", "lm_studio/")
_OLLAMA = ("ollama/", "ollama_chat/")


def of_process(found: Found, config: Mapping[str, Any], restart: str) -> Iterator[Finding]:
    """`found` as observe gives it; `config` is what is on the disk."""
    said, number = found["process"], found["current"]
    mend = {"fix": restart} if restart else {}
    if said.get("error"):
        text = f"generation {number} does not answer behind its private door: {said['error']}"
        yield Finding("process", str(number), "answers", said["error"], text, **mend)
        return
    yield from _names(found, said, mend)
    # What stands under a wildcard is told by the process under the names that it stands for.
    known = {(e["model_name"], e[INFO]["id"]): e for e in entries(config)}
    loaded = {(row["name"], row["id"]): row for row in said["deployments"]}
    ids = [{identity for _name, identity in side} for side in (known, loaded)]
    for key in [*known, *(key for key in loaded if key[1] not in ids[0])]:
        if key in loaded or key[1] not in ids[1] or key not in known or "*" not in key[0]:
            yield from _deployment(key, known.get(key), loaded.get(key), mend)
    yield from _settings(config, said["settings"], mend)


def _names(found: Found, said: Found, mend: dict[str, str]) -> Iterator[Finding]:
    """What /v1/models lists. Names under a wildcard are LiteLLM's own matter."""
    declared = dict.fromkeys(found["probes"].get("models", ()))
    listed_ = dict.fromkeys(said["models"])
    open_ = found["probes"].get("wildcards") or [name for name in declared if "*" in name]
    for name in declared:
        if name not in listed_ and "*" not in name:
            text = f"{name} was deployed, and the process that serves does not list it"
            yield Finding("name", name, "listed", "not listed", text, **mend)
    for name in () if open_ else listed_:
        if name not in declared:
            text = f"the process that serves lists {name}, which was not deployed"
            yield Finding("name", name, "not there", "listed", text, **mend)


def entries(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The deployments of a configuration that have an id, as ours all have."""
    rows = config.get("model_list") or []
    good = isinstance(rows, list)
    return [row for row in rows if isinstance(row.get(INFO, {}).get("id"), str)] if good else []


def _deployment(
    key: tuple[str, str], entry: Found | None, row: Found | None, mend: dict[str, str]
) -> Iterator[Finding]:
    name, identity = key
    who = label(identity)
    if name != identity and not who.startswith(f"{name} at "):
        who += f" as {name}"
    if row is None:
        text = f"{who} is in config.yaml, and the process that serves has not loaded it"
        yield Finding("deployment", identity, "loaded", "not loaded", text, **mend)
        return
    if entry is None:
        text = f"the process that serves has {who}, which config.yaml does not hold"
        yield Finding("deployment", identity, "not there", "loaded", text, **mend)
        return
    for word, there in entry[PARAMS].items():
        if word not in LOOKED_AT or word not in WORDS or _REFERENCE.match(str(there)):
            continue
        here = row["params"].get(word)
        if not same(there, here):
            was, now = shown((PARAMS, word), there), shown((PARAMS, word), here)
            now = NONE if here is None else now
            called = f"{WORDS[word][1]} of {who}"
            text = f"{called}: {was} in config.yaml, {now} in the process that serves"
            yield Finding("deployment", identity, was, now, text, **mend)


def _settings(
    config: Mapping[str, Any], loaded: Mapping[str, Any], mend: dict[str, str]
) -> Iterator[Finding]:
    wanted = config.get("router_settings") or {}
    for key, word in (("fallbacks", "fallback"), ("context_window_fallbacks", "fallback")):
        if key not in loaded:
            continue
        old, new = _chains(wanted.get(key)), _chains(loaded[key])
        for name in [*old, *(name for name in new if name not in old)]:
            was, now = (chain([label(x) for x in side.get(name, ())]) for side in (old, new))
            if was != now:
                text = f"{word} of {label(name)}: {was} in config.yaml, {now} in the process"
                yield Finding("fallback", name, was, now, text, **mend)
    if "num_retries" in loaded and "num_retries" in wanted:
        was, now = str(wanted["num_retries"]), str(loaded["num_retries"])
        if was != now:
            text = f"retries: {was} in config.yaml, {now} in the process that serves"
            yield Finding("setting", "num_retries", was, now, text, **mend)


def _chains(rows: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows if isinstance(rows, list) else ():
        for name, targets in row.items() if isinstance(row, dict) else ():
            if targets:
                found[name] = [str(target) for target in targets]
    return found


def listings(config: Mapping[str, Any], probes: Found) -> list[dict[str, Any]]:
    """The backends' own lists of models to ask for: {provider, host, url, kind, key_variable,
    models}. Those of vendors are left out, and those whose list nobody can ask for."""
    providers, where = probes.get("providers", {}), Whereabouts(probes)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries(config):
        identity, params = entry[INFO]["id"], entry[PARAMS]
        provider, host = provider_of(identity), where.host(identity)
        known = providers.get(provider, {})
        base, model = params.get("api_base"), str(params.get("model", ""))
        silent = known.get("cloud") or known.get("probe") == "none" or "*" in model
        if not provider or not isinstance(base, str) or silent:
            continue
        way = _way(base, model)
        if way:
            key = _REFERENCE.fullmatch(str(params.get("api_key", "")))
            row = {"provider": provider, "host": host, "key_variable": key[1] if key else ""}
            row = found.setdefault((base, provider), {**row, **way, "models": []})
            name = model.split("/", 1)[1]
            if name not in row["models"]:
                row["models"].append(name)
    return list(found.values())


def _way(base: str, model: str) -> dict[str, str] | None:
    if model.startswith(_OLLAMA):
        return {"url": f"{base.rstrip('/')}/api/tags", "kind": "ollama"}
    if model.startswith(_LISTS) and _VERSION.search(base):
        return {"url": f"{base.rstrip('/')}/models", "kind": "openai"}
    return None


def of_backends(rows: Iterable[Found], stopped: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """`rows` as ask_listings gives them; `stopped` are (provider, host) of instances that are known
    not to run, of which nothing more is said."""
    down = list(stopped)
    for row in rows:
        provider, host, has = row["provider"], row["host"], row.get("has")
        who = f"{provider} on {host}" if host else provider
        fix = "" if host else f"see to {provider}: it is not ours to mend"
        mend = {"fix": fix} if fix else {}
        if has is None:
            if (provider, host) not in down:
                text = f"{who} does not say which models it has: {row['error']}"
                yield Finding("backend", who, "answers", row["error"], text, **mend)
            continue
        for model in row["models"]:
            latest = f"{model}:latest" if row["kind"] == "ollama" else model
            if model not in has and latest not in has:
                text = f"{who} does not have {model} any more: it lists {listed(has) or 'nothing'}"
                yield Finding("backend", who, model, listed(has), text, **mend)
        extra = [name for name in has if host and name not in row["models"]]
        if extra:
            text = f"{who} has {listed(extra)}, which was not deployed"
            yield Finding("backend", who, listed(row["models"]), listed(has), text)
