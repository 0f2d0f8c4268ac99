# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be asked of a host before services are placed on its GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engines.common import safe
from ..engines.models import model_file, model_folder
from .places import asks_for_gpu
from .settings import settings_of

Spec = Mapping[str, Any]
HOME = {"home": "~"}
OLLAMA = ("~/ollama/models", "~/ollama/stores/*/models", "~/.ollama/models")


def questions(services: Sequence[Spec]) -> dict[str, Any]:
    """{asks, models}: whether any of a host's services asks for a GPU, without which nothing is
    looked at, and the models whose files may be there, as lab.llm.gpu_facts takes them."""
    asking = [spec for spec in services if asks_for_gpu(spec, settings_of(spec))]
    models = [
        {"name": f"{spec['provider']}/{model['name']}", "places": [*_places(model)]}
        for spec in asking
        for model in spec["models"]
    ]
    return {"asks": bool(asking), "models": [one for one in models if one["places"]]}


def _places(model: Mapping[str, Any]) -> Iterator[str]:
    """Where its file is: as it was written, or where the engines put it."""
    source = model.get("source") or {}
    if source.get("path"):
        yield str(source["path"])
    if source.get("huggingface") and not source.get("file"):
        yield model_folder(model, HOME, {})
        # As vLLM's engine names it: the repository and the sum of what is taken of it.
        repository = str(source["huggingface"]).rpartition("/")[2]
        yield f"{HOME['home']}/models/{safe(repository)}-{'[0-9a-f]' * 12}"
    elif source and not source.get("ollama"):
        yield model_file(model, HOME, {})
    if source.get("ollama"):
        yield from _ollama(str(source["ollama"]))


def _ollama(tag: str) -> Iterator[str]:
    name, _colon, version = tag.partition(":")
    owner = name if "/" in name else f"library/{name}"
    path = f"manifests/registry.ollama.ai/{owner}/{version or 'latest'}"
    yield from (f"{home}/{path}" for home in OLLAMA)
