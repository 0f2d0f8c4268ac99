# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the models whose files are on this host: sizes, headers, configurations."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .gguf import GgufError, parts_of, read_gguf

MOST_CONFIG = 1 << 20  # bytes
MOST_FILES = 2000
OLLAMA_MODEL = "application/vnd.ollama.image.model"


def look(wanted: Sequence[Mapping[str, Any]], home: Path | None) -> dict[str, dict[str, Any]]:
    """Name -> what is known of it, of those whose files are here; see known_of.

    `wanted`: [{name, places}]; a place may begin with `~/`, which is the services' home, and may
    be a pattern with `*` or `[]`. The first place that is there counts; `problem` says what is
    wrong with its file.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in wanted:
        for place in _places(one["places"], home):
            try:
                found[one["name"]] = {"path": str(place), **known_of(place)}
            except (GgufError, OSError) as error:
                found[one["name"]] = {"path": str(place), "problem": str(error)}
            break
    return found


def known_of(place: Path) -> dict[str, Any]:
    """{bytes, gguf?, config?}, JSON-ready: `bytes` of the weights; `gguf` as of read_gguf; `config`
    is the model's config.json."""
    if place.is_dir():
        return _folder(place)
    if "manifests" in place.parts:
        return _ollama(place)
    return _gguf(place)


def _gguf(place: Path) -> dict[str, Any]:
    files = [*parts_of(place)]
    missing = [one.name for one in files if not one.exists()]
    if missing:
        raise GgufError(f"{place} is a part of a split model, and {missing[0]} is not beside it")
    size = sum(one.stat().st_size for one in files)
    known = read_gguf(place)
    for other in files[1:]:
        known["tensor_bytes"] += read_gguf(other)["tensor_bytes"]
    return {"bytes": size, "gguf": known}


def _folder(place: Path) -> dict[str, Any]:
    """A folder as of Hugging Face: config.json beside *.safetensors; else its only GGUF."""
    config = place / "config.json"
    if config.exists():
        names = [*place.glob("*.safetensors")] or [*place.glob("*.bin")]
        return {"bytes": sum(one.stat().st_size for one in names[:MOST_FILES]), **_config(config)}
    ggufs = sorted(place.glob("*.gguf"))
    if not ggufs:
        raise GgufError(f"{place} holds neither a config.json nor a GGUF file")
    return _gguf(ggufs[0])


def _config(path: Path) -> dict[str, Any]:
    return {"config": _json(path, "configuration of a model")}


def _ollama(manifest: Path) -> dict[str, Any]:
    """The model that a manifest of Ollama names."""
    layers = _json(manifest, "manifest of Ollama").get("layers")
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == OLLAMA_MODEL:
            blob = str(layer.get("digest", "")).replace(":", "-")
            root = manifest.parents[[p.name for p in manifest.parents].index("manifests") + 1]
            return _gguf(root / "blobs" / Path(blob).name)
    raise GgufError(f"{manifest} names no model")


def _json(path: Path, what: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_CONFIG:
            raise GgufError(f"{path} is too large for a {what}")
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, GgufError):
            raise
        raise GgufError(f"{path} is no {what}, or damaged: {error}") from None
    if not isinstance(found, dict):
        raise GgufError(f"{path} is no {what}: it holds no mapping")
    return found


def _there(base: Path, rest: str) -> Path | None:
    """A name may hold brackets and stars, and then stands for itself before it is a pattern."""
    with contextlib.suppress(OSError, ValueError):  # closed to this user, or no pattern at all
        if (base / rest).exists():
            return base / rest
        if set("*[") & set(rest):
            return next(iter(sorted(base.glob(rest))), None)
    return None


def _places(places: Sequence[str], home: Path | None) -> Iterator[Path]:
    for place in places:
        if place.startswith("~/"):
            if home is None:
                continue
            base, rest = home, place[2:]
        else:
            base, rest = Path("/"), place.lstrip("/")
        found = _there(base, rest)
        if found:
            yield found
