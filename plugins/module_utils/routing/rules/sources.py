# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources: where the models of what we run come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ...registry.model import Model, Provider
from ...registry.nodes import place_in
from ...registry.problems import WARNING, Place, Problem
from ...registry.yaml_tree import Mapping as Node
from .facts import Facts

KINDS = ("url", "path", "pypi", "huggingface", "ollama")
COMMIT = re.compile(r"[0-9a-f]{40}")
FOLDER = "a whole repository"
# What an engine serves; of an engine that is not here nothing is known.
SERVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "llama_cpp": ("url", "path", "pypi", "file"),
        "vllm": ("path", FOLDER),
        "ollama": ("url", "path", "pypi", "file", "ollama"),
    }
)
_WORDS = {
    "url": "{url, sha256}",
    "path": "{path}",
    "pypi": "{pypi, member, sha256}",
    "file": "{huggingface, file, sha256}",
    FOLDER: "{huggingface, revision}",
    "ollama": "{ollama: NAME:TAG}",
}
# A key, and what it says nothing of.
_WITHOUT_EFFECT = (
    ("sha256", (FOLDER, "ollama"), "a revision pins a repository, and Ollama checks what it pulls"),
    ("token_env", ("path", "pypi", "ollama"), "it is sent to `url` and `huggingface` only"),
)


def _sources(facts: Facts) -> Iterator[tuple[Provider, Model, Node]]:
    for provider in facts.live():
        for model in provider.models.values() if provider.deployed else ():
            source = model.spec.get("source")
            if isinstance(source, Node) and source:
                yield provider, model, source


def _kind(source: Node) -> str:
    if "huggingface" in source:
        return "file" if "file" in source else FOLDER
    return next((kind for kind in KINDS if kind in source), "")


def _at(source: Node, key: str, model: Model) -> Place:
    return place_in(source, (key,), model.place)


def choices(engine: str) -> str:
    """What may be written as the source of a model that this engine serves."""
    words = [_WORDS[kind] for kind in SERVES.get(engine, tuple(_WORDS))]
    return f"source: {', '.join(words[:-1])} or {words[-1]}"


def missing_source(facts: Facts) -> Iterator[Problem]:
    """What we run, we have to fetch."""
    for provider in facts.live():
        if not provider.deployed:
            continue
        if not provider.models:
            message = f"providers.{provider.name}: we are to run it, but it lists no model"
            yield Problem(provider.place, "missing-source", message, "a model with a source")
        for model in provider.models.values():
            if not model.spec.get("source"):
                message = f"providers.{provider.name}: nothing says where '{model.name}' is from"
                yield Problem(model.place, "missing-source", message, choices(provider.type.name))


def source_without_deploy(facts: Facts) -> Iterator[Problem]:
    """Nobody fetches a model for a backend that somebody else runs."""
    for provider in facts.registry.providers.values():
        for model in () if provider.deployed else provider.models.values():
            if isinstance(model.spec, Node) and model.spec.get("source"):
                message = (
                    f"providers.{provider.name}: nothing is fetched for '{model.name}', as somebody"
                    " else runs this provider"
                )
                place = model.spec.key_place("source")
                expected = "deploy, or no source"
                yield Problem(place, "source-without-deploy", message, expected, severity=WARNING)


def unfit_source(facts: Facts) -> Iterator[Problem]:
    """An engine serves files, or folders, or what it pulls itself."""
    for provider, model, source in _sources(facts):
        kind, engine = _kind(source), provider.type.name
        if kind and kind not in SERVES.get(engine, (kind,)):
            given = f"the file of '{kind}'" if kind in ("url", "pypi", "file") else kind
            what = {"ollama": "a tag of Ollama's library"}.get(kind, given)
            message = f"providers.{provider.name}: {engine} cannot serve {what} ('{model.name}')"
            yield Problem(
                _at(source, next((one for one in KINDS if one in source), ""), model),
                "unfit-source",
                message,
                choices(engine),
            )


def source_without_effect(facts: Facts) -> Iterator[Problem]:
    """A key of a source that says nothing of this kind of source is a mistake."""
    for provider, model, source in _sources(facts):
        for key, kinds, why in _WITHOUT_EFFECT:
            if key in source and _kind(source) in kinds:
                message = f"providers.{provider.name}: {key} has no effect on '{model.name}': {why}"
                place = source.key_place(key)
                yield Problem(place, "source-without-effect", message, f"no {key}")
        if "modelfile" in source and provider.type.name != "ollama":
            message = f"providers.{provider.name}: modelfile has no effect on '{model.name}'"
            expected = "a provider of type ollama, or no modelfile"
            place = source.key_place("modelfile")
            yield Problem(place, "source-without-effect", message, expected)


def unpinned_revision(facts: Facts) -> Iterator[Problem]:
    """A branch is another thing tomorrow, and on another host."""
    for provider, model, source in _sources(facts):
        revision = str(source.get("revision") or "main")
        if _kind(source) == FOLDER and not COMMIT.fullmatch(revision):
            message = (
                f"providers.{provider.name}: '{revision}' of {source['huggingface']} is what it is"
                " when a host first fetches it; another host may get another state"
            )
            place = _at(source, "revision" if "revision" in source else "huggingface", model)
            expected = "revision: the commit's 40 digits, as the repository's history shows them"
            yield Problem(place, "unpinned-revision", message, expected, severity=WARNING)
