# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be asked of a host before services are placed on its GPUs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from .places import asks_for_gpu
from .settings import settings_of

Spec = Mapping[str, Any]
MODELS = "~/models"
OLLAMA = ("~/ollama/models", "~/.ollama/models")


def questions(services: Sequence[Spec]) -> dict[str, Any]:
    """{asks, models}: whether any of a host's services asks for a GPU, without which nothing is
    looked at, and the models whose files may be there, as lab.llm.gpu_facts takes them."""
    asking = [spec for spec in services if asks_for_gpu(spec, settings_of(spec))]
    models = [
        {"key": f"{spec['provider']}/{model['name']}", "places": [*_places(model)]}
        for spec in asking
        for model in spec["models"]
    ]
    return {"asks": bool(asking), "models": [one for one in models if one["places"]]}


def _places(model: Mapping[str, Any]) -> Iterator[str]:
    """Where its file is: as it was written, or where the engines put it."""
    source = model.get("source") or {}
    if source.get("path"):
        yield str(source["path"])
    sum_of = source.get("sha256") or hashlib.sha256(str(source.get("path")).encode()).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", str(model["name"]).rpartition("/")[2]).lstrip(".")
    if source.get("sha256") or source.get("path"):
        yield f"{MODELS}/{name or '_'}-{sum_of[:12].lower()}.gguf"
    if source.get("huggingface"):
        yield from _huggingface(str(source["huggingface"]), str(source.get("file") or ""))
    if source.get("ollama"):
        yield from _ollama(str(source["ollama"]))


def _huggingface(repository: str, file: str) -> Iterator[str]:
    folder = "models--" + repository.replace("/", "--")
    for home in (f"{MODELS}/huggingface/hub", f"{MODELS}/hub", "~/.cache/huggingface/hub"):
        yield str(PurePosixPath(home) / folder / "snapshots" / "*" / file)
    flat = repository.replace("/", "--")
    yield from (f"{MODELS}/{name}*/{file}".rstrip("/") for name in (flat, f"huggingface/{flat}"))


def _ollama(tag: str) -> Iterator[str]:
    name, _colon, version = tag.partition(":")
    owner = name if "/" in name else f"library/{name}"
    path = f"manifests/registry.ollama.ai/{owner}/{version or 'latest'}"
    yield from (f"{home}/{path}" for home in OLLAMA)
