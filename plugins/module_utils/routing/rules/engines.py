# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines: the options, variables and keys that they know, before any host is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...engines import ollama
from ...registry.model import Provider, Reference
from ...registry.problems import Problem
from .facts import Facts

# Engines whose options are those of all their models.
WITHOUT_OPTIONS_OF_A_MODEL = ("ollama", "vllm")


def _deployed(facts: Facts, *engines: str) -> Iterator[Provider]:
    return (one for one in facts.live() if one.deployed and one.type.name in engines)


def _options(provider: Provider) -> Mapping[str, Any]:
    return provider.deploy.get("options") or {}


def option_set_elsewhere(facts: Facts) -> Iterator[Problem]:
    """What a key of its own says is no option besides."""
    for provider in _deployed(facts, "ollama"):
        for key in (key for key in _options(provider) if key in ollama.OURS):
            message = f"providers.{provider.name}: options.{key} is set by {ollama.OURS[key]}"
            place = provider.at("deploy", "options", key)
            yield Problem(place, "option-set-elsewhere", message, f"no options.{key}")


def variable_set_elsewhere(facts: Facts) -> Iterator[Problem]:
    """A variable of Ollama's that we set, or one of its options, has one place to stand."""
    for provider in _deployed(facts, "ollama"):
        options = {f"OLLAMA_{key.upper()}": f"options.{key}" for key in _options(provider)}
        for name in provider.deploy.get("environment") or {}:
            setter = {**options, **ollama.OUR_VARIABLES}.get(name)
            if setter:
                message = f"providers.{provider.name}: {name} is set by {setter}"
                place = provider.at("deploy", "environment", name)
                yield Problem(place, "option-set-elsewhere", message, f"one of them, not {name}")


def unknown_option(facts: Facts) -> Iterator[Problem]:
    """Ollama passes over a variable that it does not know, and nobody is told."""
    for provider in _deployed(facts, "ollama"):
        for key in _options(provider):
            if key not in ollama.OPTIONS and key not in ollama.OURS:
                place = provider.at("deploy", "options", key)
                message = f"providers.{provider.name}: Ollama knows no option '{key}'"
                known = sorted(ollama.OPTIONS)
                yield facts.unknown(Reference(key, place), "unknown-option", message, known)


def option_of_a_model(facts: Facts) -> Iterator[Problem]:
    """Only llama-server takes options for one of its models."""
    for provider in _deployed(facts, *WITHOUT_OPTIONS_OF_A_MODEL):
        for model in provider.models.values():
            if model.spec.get("options"):
                engine = provider.type.name
                message = (
                    f"providers.{provider.name}: options have no effect on '{model.name}': "
                    f"{engine} has its options for all models"
                )
                expected = "deploy.options"
                if engine == "ollama":
                    expected += ", or source.modelfile.parameters"
                yield Problem(model.place, "option-without-effect", message, expected)


def key_without_effect(facts: Facts) -> Iterator[Problem]:
    """Ollama demands no keys: one that is declared protects nothing."""
    for provider in _deployed(facts, "ollama"):
        key = provider.credentials.key
        if key:
            message = (
                f"providers.{provider.name}: Ollama cannot demand a key ({key}), so whoever reaches"
                " its port is served"
            )
            place = provider.place_of_variable(key)
            expected = "no key; or a reverse proxy before it, and its base_url in place of deploy"
            yield Problem(place, "key-without-effect", message, expected)
