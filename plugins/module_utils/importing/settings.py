# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's own sections: what has no effect there, and what the registry has no word for."""

from __future__ import annotations

from collections.abc import Mapping as Table
from types import MappingProxyType
from typing import Any

from ..registry.problems import nearest
from ..registry.yaml_tree import Mapping, Sequence
from .aliases import SIMPLE_SHUFFLE, strategy_of
from .draft import Draft
from .for_all import write_timeouts, write_tries
from .forms import ROUTER_FORMS
from .keys import FAILS_POLICY, RETRY_POLICY, ROUTER, SECTIONS, words
from .keys_settings import GENERAL, SETTINGS
from .notes import Notes
from .reader import Sources
from .secret_values import LITERAL, NONE, PLACEHOLDER, given
from .values import is_good, told

# Read elsewhere in the import, or done by the renderer itself.
_CHAINS = "fallbacks context_window_fallbacks content_policy_fallbacks default_fallbacks "
_DONE_ROUTER = words(
    _CHAINS + "model_group_alias routing_groups routing_strategy provider_budget_config num_retries"
    " timeout stream_timeout enable_pre_call_checks enable_tag_filtering retry_policy"
    " allowed_fails_policy"
)
_DONE_LITELLM = words(_CHAINS + "num_retries request_timeout")
# Without effect in general_settings, and read all the same as it was meant.
_READ_GENERAL = words(_CHAINS + "num_retries timeout")
_CHECK = "enforce_model_rate_limits"
_LITELLM_FORMS = {key: ROUTER_FORMS[key] for key in ("num_retries", "request_timeout")}
_LEFT_OUT = "nothing: it is left out"
_ROLE = "it is the gateway's own: see the variables of the role `gateway`"
_WHY: Table[str, str] = MappingProxyType(
    {
        "retry_after": "a delay is given with `retry_delay_ms` of a fallback chain",
        "cooldown_time": "the registry has no word for it; LiteLLM's own default holds",
        "allowed_fails": "the registry has no word for it; LiteLLM's own default holds",
        "disable_cooldowns": "the registry has no word for it; LiteLLM's own default holds",
        "model_group_retry_policy": "it does not retry 503 and retries 401; see `retry_attempts`",
        "set_verbose": "`debug_router: true` logs each routing decision",
        "cache": "the registry has no word for answers that are kept",
        "callbacks": _ROLE,
        "success_callback": _ROLE,
        "failure_callback": _ROLE,
        "drop_params": "the registry has no word for parameters of requests",
        "database_url": _ROLE,
        "model_list": "the models stand at the top",
        "max_fallbacks": "as many are allowed as the rules need",
        "check_provider_endpoint": "a provider that hangs would hang /v1/models",
    }
)
_UNKNOWN_WHY = "the registry has no word for it"
_SECTION_WHY: Table[str, str] = MappingProxyType(
    {
        "callback_settings": _ROLE,
        "guardrails": "the registry has no word for guardrails",
        "server_settings": "port and address are variables of the role `gateway`",
        "lab_extensions": "what describes stands at the provider or under `metadata`",
    }
)
DECISIONS = "program.decisions.decisions"  # our own hook behind debug_router
# Sections that people keep in LiteLLM's file though only the registry reads them.
OURS = (
    "providers", "exact_matches", "aliases", "patterns", "capabilities", "redundant_models",
    "load_balancing", "fallback_chains", "model_size_routing", "rate_limit_settings",
    "health_checks", "budgets", "routing_rules", "metadata", "debug_router",
)  # fmt: skip


def read_settings(draft: Draft, sources: Sources, notes: Notes) -> None:
    """Everything but model_list, routing and what the registry's own sections say."""
    is_litellm = any(name in sources.sections for name in ("model_list", "router_settings"))
    for name, section in sources.sections.items():
        if name in SECTIONS or name.startswith("x-"):
            continue
        if is_litellm and (name not in OURS or name in ("rate_limit_settings", "debug_router")):
            near = nearest(name, SECTIONS)
            known = name in _SECTION_WHY or name in OURS
            said = "the same section, which counts here" if name in OURS else ""
            notes.found(section.place, "ignored-section", name, said, "" if known else near)
        if name not in OURS:
            why = _SECTION_WHY.get(name, "it is no section of the registry")
            notes.not_carried(section.place, f"section {name}", why)
    for name in ("router_settings", "litellm_settings", "general_settings", "credential_list"):
        _shape(name, sources, notes)
    _router(draft, sources, notes)
    _litellm(draft, sources, notes)
    _general(draft, sources, notes)
    for name in sorted(SECTIONS & set(sources.sections)):
        if name in ("environment_variables", "guardrails") or name not in _READ_SECTIONS:
            why = _SECTION_WHY.get(name, _UNKNOWN_WHY)
            if name == "environment_variables":
                why = "values come from the environment or a vault"
            notes.not_carried(sources.place(name), f"section {name}", why)


_READ_SECTIONS = ("model_list", "router_settings", "litellm_settings", "general_settings",
                  "credential_list", "include")  # fmt: skip


def _shape(name: str, sources: Sources, notes: Notes) -> None:
    """A section that is not what it must be."""
    value = sources.get(name)
    wanted, said = (Sequence, "a list") if name == "credential_list" else (Mapping, "a mapping")
    if value is not None and not isinstance(value, wanted):
        ignored = name == "router_settings" or not value
        code = "ignored-section" if ignored else "bad-value-refused"
        notes.found(sources.place(name), code, f"{name}, which is not {said}")


def _router(draft: Draft, sources: Sources, notes: Notes) -> None:
    settings = sources.mapping("router_settings")
    if settings is None:
        return
    ours = rendered_here(sources)
    bad = told("router_settings", settings, ROUTER_FORMS, notes)
    for key, value in settings.items():
        place, path = settings.key_place(key), f"router_settings.{key}"
        if key not in ROUTER:
            notes.unknown(place, "unknown-router-setting", "router_settings", key, tuple(ROUTER))
        elif key in _DONE_ROUTER or key in bad or value is None or ours:
            continue
        elif not _as_rendered(key, value):
            notes.not_carried(place, path, _WHY.get(key, _UNKNOWN_WHY))
    _policies(settings, notes)
    strategy = settings.get("routing_strategy")
    if isinstance(strategy, str) and strategy != SIMPLE_SHUFFLE:
        strategy_of(strategy, settings.value_place("routing_strategy"), notes)
        if "load_balancing" in draft.sections.get("routing_rules", {}):
            place = settings.key_place("routing_strategy")
            draft.from_places(("routing_rules", "load_balancing"), [place])
    if not ours:
        write_tries(draft, settings, "router_settings", notes)
    write_timeouts(draft, settings, "router_settings", ("timeout", "stream_timeout"), notes)


def _as_rendered(key: str, value: object) -> bool:
    """Whether it is what the renderer says too."""
    if key == "enable_weighted_failover":
        return value is True
    return key == "optional_pre_call_checks" and value in ([], [_CHECK])


def _policies(settings: Mapping, notes: Notes) -> None:
    for key, known in (("retry_policy", RETRY_POLICY), ("allowed_fails_policy", FAILS_POLICY)):
        policy = settings.get(key)
        path = f"router_settings.{key}"
        if isinstance(policy, Mapping):
            for name in policy:
                if name not in known:
                    place = policy.key_place(name)
                    notes.unknown(place, "unknown-policy-key", path, name, tuple(known))
            if policy:
                notes.not_carried(settings.key_place(key), path, _UNKNOWN_WHY)


def rendered_here(sources: Sources) -> bool:
    """Whether a configuration is one of ours: all of its ids are."""
    entries: list[Any] = sources.sequence("model_list") or []
    infos = [e.get("model_info") if isinstance(e, Mapping) else None for e in entries]
    ids = [str(info.get("id")) if isinstance(info, Mapping) else "" for info in infos]
    return bool(ids) and all(id_.startswith("~") for id_ in ids)


def _litellm(draft: Draft, sources: Sources, notes: Notes) -> None:
    settings = sources.settings("litellm_settings")
    ours = rendered_here(sources)
    for key in settings:
        place, path = settings.key_place(key), f"litellm_settings.{key}"
        if key == "master_key" or (key in ROUTER and key not in SETTINGS):
            where = "general_settings" if key == "master_key" else "router_settings"
            notes.found(place, "misplaced-key", path, _LEFT_OUT, f"{where}.{key}")
        elif key not in SETTINGS:
            notes.unknown(place, "ignored-key", "litellm_settings", key, tuple(SETTINGS))
        elif key not in _DONE_LITELLM and settings[key] is not None and not ours:
            notes.not_carried(place, path, _WHY.get(key, _UNKNOWN_WHY))
    callbacks = settings.get("callbacks")
    if ours and DECISIONS in (callbacks if isinstance(callbacks, list) else ()):
        draft.sections["debug_router"] = True
    if not ours:
        told("litellm_settings", settings, _LITELLM_FORMS, notes)
        write_tries(draft, settings, "litellm_settings", notes)
        write_timeouts(draft, settings, "litellm_settings", ("request_timeout",), notes)


def _general(draft: Draft, sources: Sources, notes: Notes) -> None:
    settings = sources.settings("general_settings")
    for key in settings:
        place, path = settings.key_place(key), f"general_settings.{key}"
        if key in GENERAL:
            if key != "master_key" and settings[key] is not None:
                notes.not_carried(place, path, _WHY.get(key, _ROLE))
        elif key in ROUTER:
            good = key in _READ_GENERAL and (
                key not in ROUTER_FORMS or is_good(ROUTER_FORMS[key], settings[key])
            )
            instead = "" if good else _LEFT_OUT
            notes.found(place, "misplaced-key", path, instead, f"router_settings.{key}")
        else:
            notes.unknown(place, "ignored-key", "general_settings", key, tuple(GENERAL))
        if key == "master_key":
            _master_key(settings, notes)
    write_tries(draft, settings, "general_settings", notes)
    write_timeouts(draft, settings, "general_settings", ("timeout",), notes)


def _master_key(settings: Mapping, notes: Notes) -> None:
    key, place = given(settings["master_key"]), settings.value_place("master_key")
    if key.kind in (NONE, PLACEHOLDER):
        notes.found(place, "weak-master-key", "general_settings.master_key")
    elif key.unread:
        notes.found(place, "key-sent-literally", "general_settings.master_key")
    elif key.kind == LITERAL:
        what = f"general_settings.master_key: a key stands in the file at line {place.line}"
        notes.found(place, "literal-key", what, "the role `gateway` makes a key of its own")
