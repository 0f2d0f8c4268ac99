# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's model_list: each entry as a deployment, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..registry.problems import Place, nearest
from ..registry.provider_types import CHAT
from ..registry.yaml_tree import Mapping, Sequence, Source
from .entry_checks import check_info, checked_params
from .forms import INFO_FORMS
from .keys import ENTRY, PARAMS
from .notes import Notes
from .reader import Sources
from .values import is_good
from .vendors import bare_vendor, mode_of, split_model

SHUFFLED = ("rpm", "tpm")


@dataclass
class Deployment:
    """An entry of model_list. `base` is as it is written; `numbers` hold what was a number."""

    name: str
    place: Place
    prefix: str
    model: str
    mode: str
    base: str
    params: Mapping
    info: Mapping | None
    id: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    provider: str = ""

    @property
    def wildcard(self) -> bool:
        return "*" in self.name

    @property
    def called(self) -> str:
        return f"model_list[{self.name}]"

    @property
    def base_key(self) -> str:
        """Where its address stands: of the two LiteLLM takes base_url."""
        return "base_url" if _written(self.params, "base_url") else "api_base"

    def at(self, key: str) -> Place:
        """Where a parameter stands."""
        return self.params.value_place(key) if key in self.params else self.place

    def told(self, key: str) -> object:
        """What model_info says."""
        return self.info.get(key) if self.info is not None else None


def read_entries(sources: Sources, notes: Notes) -> list[Deployment]:
    """All deployments that can be read, in their order."""
    entries = sources.sequence("model_list")
    if entries is None:
        if sources.get("model_list") is not None:
            notes.found(sources.place("model_list"), "missing-part", "model_list is no list")
        return []
    found = []
    known = _credentials(sources, notes)
    for index, entry in enumerate(entries):
        deployment = _entry(entry, entries.item_place(index), index, known, notes)
        if deployment is not None:
            found.append(deployment)
    _same_ids(found, notes)
    return found


def _credentials(sources: Sources, notes: Notes) -> dict[str, Mapping]:
    """credential_list by name; what is no credential, or nobody's, is told."""
    listed = sources.sequence("credential_list") or Sequence([Source("")], 0)
    entries = sources.sequence("model_list") or ()
    params = [one.get("litellm_params") for one in entries if isinstance(one, Mapping)]
    used = {str(p.get("litellm_credential_name")) for p in params if isinstance(p, Mapping)}
    found = {}
    for index, item in enumerate(listed):
        values = item.get("credential_values") if isinstance(item, Mapping) else None
        name = str(item.get("credential_name")) if isinstance(item, Mapping) else ""
        if not isinstance(values, Mapping):
            what = f"credential_list[{index}] has no credential_values"
            notes.found(listed.item_place(index), "missing-part", what)
        elif name not in used:
            what = f"credential_list[{index}] ({name})"
            notes.not_carried(listed.item_place(index), what, "no deployment names it")
        else:
            found[name] = values
            if item.get("credential_info"):
                what = f"credential_list[{index}].credential_info"
                notes.not_carried(item.key_place("credential_info"), what, "nothing reads it")
    return found


def _with_credential(params: Mapping, known: dict[str, Mapping], notes: Notes) -> Mapping:
    """The parameters with those that its credential brings; its own come first."""
    name = params.get("litellm_credential_name")
    if name is None:
        return params
    values = known.get(str(name))
    if values is None:
        place = params.value_place("litellm_credential_name")
        what = f"litellm_credential_name: {name} is not declared"
        notes.found(place, "bad-value-ignored", what)
        return params
    whole = params.copied()
    for key, value in values.items():
        if key not in whole:
            whole.put(key, value, values.marks(key))
    return whole


def _entry(
    entry: object, place: Place, index: int, known: dict[str, Mapping], notes: Notes
) -> Deployment | None:
    path = f"model_list[{index}]"
    if not isinstance(entry, Mapping):
        notes.found(place, "missing-part", f"{path} is no mapping")
        return None
    for key in entry:
        if key not in ENTRY:
            near = f"litellm_params.{key}" if key in PARAMS else nearest(key, ENTRY)
            notes.found(entry.key_place(key), "ignored-key", f"{path}.{key}", near=near)
    name, params = entry.get("model_name"), entry.get("litellm_params")
    lacks = "model_name" if name in (None, "") else "litellm_params" if not params else ""
    if not lacks and (not isinstance(params, Mapping) or not params.get("model")):
        lacks = "litellm_params.model"
    if lacks or not isinstance(params, Mapping):
        notes.found(place, "missing-part", f"{path} has no {lacks}")
        return None
    params = _with_credential(params, known, notes)
    info = entry.get("model_info")
    if info is not None and not isinstance(info, Mapping):
        what = f"{path}.model_info is no mapping"
        notes.found(entry.value_place("model_info"), "deployment-dropped", what)
    text = name if isinstance(name, str) else entry.written("model_name")
    made = _deployment(text, entry.key_place("model_name"), params, info, notes)
    made.numbers = checked_params(made.called, params, notes)
    if made.info is not None and not made.id.startswith("~"):
        check_info(made.called, made.info, notes)
    if "order" not in params and is_good(INFO_FORMS["order"], made.told("order")):
        made.numbers["order"] = float(made.info["order"]) if made.info is not None else 0
    return made


def _deployment(name: str, place: Place, params: Mapping, info: object, notes: Notes) -> Deployment:
    model = params["model"]
    if not isinstance(model, str):
        model = str(params.written("model"))
    base = _written(params, "base_url") or params.get("api_base") or ""
    custom = params.get("custom_llm_provider")
    prefix, rest = split_model(model, custom if isinstance(custom, str) else "")
    tree = info if isinstance(info, Mapping) else None
    if not prefix:
        prefix = _without_prefix(model, str(base), params.value_place("model"), notes)
    mode = mode_of(prefix, rest, tree.get("mode") if tree else None)
    id_ = tree.get("id") if tree else None
    ours = str(id_).startswith("~")
    if prefix == "ollama" and mode == CHAT and not ours and "*" not in rest:
        notes.found(params.value_place("model"), "ollama-generate", f"model: {model}")
    if prefix == "ollama_chat" and mode == "embedding":
        notes.found(params.value_place("model"), "embedding-prefix", model)
    return Deployment(
        name, place, prefix, rest, mode, str(base), params, tree,
        str(id_) if isinstance(id_, (str, int)) else "",
    )  # fmt: skip


def _without_prefix(model: str, base: str, place: Place, notes: Notes) -> str:
    """The prefix that was meant, "" if that is not to be told."""
    known = bare_vendor(model)
    if known:
        notes.found(place, "bare-model", model, f"it is read as {known}/{model}")
        return known
    read = f"it is read as openai/{model}" if base else "nothing: nobody knows whom to ask"
    what = f"model: {model} begins with no provider that LiteLLM knows"
    notes.found(place, "deployment-dropped", what, read)
    return "openai" if base else ""


def _same_ids(found: list[Deployment], notes: Notes) -> None:
    """Two deployments under one id. Ours may be: they are one, under several names."""
    seen: dict[str, Deployment] = {}
    for one in found:
        first = seen.setdefault(one.id, one) if one.id else one
        if first is not one and not one.id.startswith("~"):
            what = f"model_info.id of '{one.name}' is the one at {first.place}"
            notes.found(one.info.value_place("id") if one.info else one.place, "duplicate-id", what)


def _written(params: Mapping, key: str) -> str:
    value = params.get(key)
    return value if isinstance(value, str) else ""


def texts(value: object) -> Iterator[str]:
    """A text, or those of a list."""
    for item in value if isinstance(value, Sequence) else [value]:
        if isinstance(item, str) and item:
            yield item
