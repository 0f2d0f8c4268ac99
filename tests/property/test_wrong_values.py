"""Each key of the schemas with values that it cannot have: no traceback, a place and a way out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

SCHEMAS = {
    file.name: json.loads(file.read_text())
    for file in (Path(__file__).parents[2] / "schemas").glob("*.schema.json")
}
ROOT = SCHEMAS["registry.schema.json"]
SOME: list[Any] = [None, [], "x y ", {"x": None}]
OTHERS: list[Any] = [{}, -1, 0, 10**30, 1.5, "", True, ["x"], [None]]
INVENTORY = Inventory({"gateway": ["gw"], "gpus": ["g1"]}, {"gw": "10.0.0.1", "g1": "10.0.0.2"})
# An entry of each section, so that what is wrong beside it is seen by the rules too.
BASE = yaml.safe_load("""\
providers:
  one:
    type: vllm
    base_url: http://one:8000
    models: [{name: m, size: 7B, context_length: 8192, specialty: code}]
  two: {type: openai, models: [m, n]}
exact_matches: {a: {provider: one, backend_model: m, fallback: two}}
aliases: {b: a}
redundant_models: {s: {providers: [{provider: one, model: m}, {provider: two, model: m}]}}
patterns: [{pattern: '^gpt-.*', provider: two}]
capabilities: {code: {specialty: code}}
fallback_chains: {n: {chain: [n, a]}}
model_size_routing: [{size: '< 8B', provider: one}]
rate_limit_settings: {limits: {one: {rpm: 60}}}
budgets: {one: {max_budget: 5, budget_duration: 30d}}
health_checks: {one: {endpoint: /health}}
routing_rules: {request_metadata_routing: [{condition: {tag: x}, provider: two}]}
""")
Keys = tuple[str | int, ...]


def meant(schema: Any, file: str) -> Iterator[tuple[dict[str, Any], str]]:
    """A schema with its references followed, and its alternatives, each with its file."""
    if not isinstance(schema, dict):
        return
    yield schema, file
    if "$ref" in schema:
        name, _sharp, inside = schema["$ref"].partition("#")
        found = SCHEMAS[name or file]
        for step in filter(None, inside.split("/")):
            found = found[step]
        yield from meant(found, name or file)
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, ()):
            yield from meant(one, file)
    for key in ("then", "else"):
        yield from meant(schema.get(key), file)


def spots(schema: Any, file: str, holder: Any, path: Keys = ()) -> Iterator[Keys]:
    """All that can stand in a registry, by way of the entries that BASE has."""
    if len(path) > 7:
        return
    if path:
        yield path
    for one, where in meant(schema, file):
        inner: list[tuple[str | int, Any]] = list(one.get("properties", {}).items())
        named = isinstance(holder, dict) and next(iter(holder), "x")
        if isinstance(one.get("additionalProperties"), dict):
            inner.append((named or "x", one["additionalProperties"]))
        if isinstance(one.get("items"), dict):
            inner.append((0, one["items"]))
        for key, rule in inner:
            there = isinstance(holder, dict) and key in holder
            there = there or (isinstance(holder, list) and key == 0 and bool(holder))
            yield from spots(rule, where, holder[key] if there else None, (*path, key))


PATHS = sorted(set(spots(ROOT, "registry.schema.json", BASE)), key=str)
SECTIONS = sorted({str(path[0]) for path in PATHS})


def changed(path: Keys, value: Any) -> dict[str, Any]:
    """BASE with a value at a path; what is not there yet is made on the way."""
    root = copy.deepcopy(BASE)
    node: Any = root
    for key, after in pairwise(path):
        fresh: Any = [] if isinstance(after, int) else {}
        if isinstance(key, int):
            node[:] = node or [fresh]
        if not isinstance(node[key] if isinstance(key, int) else node.get(key), type(fresh)):
            node[key] = fresh
        node = node[key]
    if isinstance(path[-1], int):
        node[:] = [value]
    else:
        node[path[-1]] = value
    return root


def test_the_paths_are_those_of_the_schemas() -> None:
    assert len(SECTIONS) >= 15
    assert {len(path) for path in PATHS} >= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("values", [SOME, pytest.param(OTHERS, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("section", SECTIONS)
def test_a_value_that_cannot_be_is_told(section: str, values: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    for path in (one for one in PATHS if one[0] == section):
        for value in values:
            text = yaml.safe_dump(changed(path, value), sort_keys=False)
            file.write_text(text)
            problems = compile_registry(str(tmp_path), INVENTORY).problems
            for one in problems:
                assert one.place.line <= text.count("\n") + 1, (path, value, one)
                helped = one.expected or one.suggestion or one.severity != "error"
                assert helped, (path, value, one)
