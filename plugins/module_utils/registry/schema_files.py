# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schemas of the registry, read from schemas/ and joined into one document."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[3] / "schemas"
_ANNOTATIONS = frozenset({"description", "examples", "default", "title"})


@functools.cache
def document(name: str) -> dict[str, Any]:
    """A schema file as it stands in schemas/. Raises OSError or ValueError if it is damaged."""
    loaded = json.loads((DIRECTORY / name).read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise ValueError(f"{name} is no JSON Schema")
    return loaded


@functools.cache
def registry_schema() -> dict[str, Any]:
    """The schema of a whole registry, with every `$ref` replaced by what it refers to.

    What is said beside a `$ref` describes the place where it stands, and wins.
    """
    joined = _joined(document("registry.schema.json"), "registry.schema.json")
    if not isinstance(joined, dict):
        raise ValueError("registry.schema.json is no JSON Schema")
    return joined


def _joined(node: Any, name: str) -> Any:  # noqa: ANN401 - any part of a JSON document
    if isinstance(node, list):
        return [_joined(item, name) for item in node]
    if not isinstance(node, dict):
        return node
    own = {key: _joined(value, name) for key, value in node.items() if key != "$ref"}
    if "$ref" not in node:
        return own
    clashing = [key for key in own if key not in _ANNOTATIONS and not key.startswith("x-")]
    if clashing:
        raise ValueError(f"{name}: {clashing} beside $ref {node['$ref']} would be lost")
    return {**_target(node["$ref"], name), **own}


def _target(reference: str, name: str) -> dict[str, Any]:
    file, _hash, pointer = reference.partition("#")
    found: Any = document(file or name)
    for part in filter(None, pointer.split("/")):
        found = found[part]
    joined: dict[str, Any] = _joined(found, file or name)
    return {key: value for key, value in joined.items() if key not in ("$schema", "$id")}
