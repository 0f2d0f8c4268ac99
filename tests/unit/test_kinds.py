"""What the schemas say of each key is true: the effective ones have an effect, no other has.

Each key of a registry that has them all is changed to another legal value.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils import compile as compiler
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from ansible_collections.lab.llm.plugins.module_utils.registry.schema_files import registry_schema

FULL = Path(__file__).parents[1] / "registries" / "full" / "registry.yaml"
DATA = yaml.safe_load(FULL.read_text())


def with_names(data: dict[str, Any]) -> dict[str, Any]:
    """The same with the conditions in their other form, a mapping."""
    found = copy.deepcopy(data)
    rules = found["routing_rules"]
    rules["request_metadata_routing"] = dict(enumerate_names(rules["request_metadata_routing"]))
    return found


def enumerate_names(items: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(items):
        yield f"condition-{number}", item


FORMS = [DATA, with_names(DATA)]
HOSTS = {"gw": "10.0.0.1", "gpu01": "10.0.0.2", "gpu02": "10.0.0.3"}
INVENTORY = compiler.Inventory({"gateway": ["gw"]}, HOSTS)

# Another legal value, by key; numbers get one more, texts one letter more, lists one item less.
OTHER = {
    "type": "tgi", "status": "disabled", "priority": "tertiary", "auth_method": "none",
    "mode": "completion", "api_format": "ollama", "size": "9B", "sha256": "1" * 64,
    "base_url": "http://10.0.0.99:99", "hosts": "gpu02", "bind": "10.0.0.99", "pypi": "other==2",
    "gpu_memory_utilization": 0.6, "endpoint": "/other", "budget_duration": "9d",
    "url": "https://other.lab/model.gguf", "fallback": "azure", "provider": "azure",
    "traffic": "7%", "when": "content_policy", "strategy": "usage_based", "tag": "other",
    "role": "assistant", "distributed": "none",
    "memory_high": "3G", "memory_max": "3G", "cpu_quota": "300%",
    "routing_strategy": "usage_based", "error_rate": "7%",
}  # fmt: skip

Path_ = tuple[Any, ...]


def leaves(node: Any, schema: dict[str, Any], path: Path_) -> Iterator[tuple[Path_, str, str]]:
    """(path, its name in the schema, its kind) of everything in DATA that has a kind."""
    if "x-kind" in schema:
        yield path, "", schema["x-kind"]
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        inner, word = _schema_of(key, schema)
        name = f".{word}"
        if isinstance(node[key], dict | list):
            yield from (
                (at, name + more, kind) for at, more, kind in leaves(node[key], inner, (*path, key))
            )
        elif "x-kind" in inner:
            yield (*path, key), name, inner["x-kind"]


def _schema_of(key: Any, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
    if isinstance(key, int):
        return schema.get("items", {}), "[]"
    if key in schema.get("properties", {}):
        return schema["properties"][key], key
    more = schema.get("additionalProperties")
    return (more, "<name>") if isinstance(more, dict) else ({}, "<name>")


def fields(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """The names in the schema of all that has a kind and is compiled."""
    if "x-not-yet" in node and "x-not-yet-unless" not in node:
        return
    if "x-kind" in node:
        yield path
    for key, one in node.get("properties", {}).items():
        if one is not False:
            yield from fields(one, f"{path}.{key}")
    for key, word in (("items", "[]"), ("additionalProperties", "<name>")):
        if isinstance(node.get(key), dict):
            yield from fields(node[key], f"{path}.{word}")


def meaning(data: dict[str, Any], directory: Path) -> str:
    """What a registry compiles to; "refused" if it does not."""
    (directory / "registry.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    result = compiler.compile_registry(str(directory), INVENTORY)
    if has_errors(result.problems):
        return "refused"
    found = result.as_dict()
    parts = ("gateway_config", "services", "variables", "composed", "probes", "environment")
    for variable in found["variables"]:
        variable.pop("place", None)
    return json.dumps([found[part] for part in parts], sort_keys=True)


def changed(form: int, path: Path_) -> dict[str, Any]:
    data = copy.deepcopy(FORMS[form])
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = _other(path[-1], holder[path[-1]])
    return data


def _other(key: Any, value: Any) -> Any:
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {}
    return value[:-1] if isinstance(value, list) else f"{value}x"


KEYS: dict[tuple[str, str], list[tuple[int, Path_]]] = defaultdict(list)
for _form, _data in enumerate(FORMS):
    for _path, _name, _kind in leaves(_data, registry_schema(), ()):
        if not _form or "routing_rules" in _path:
            KEYS[_name, _kind].append((_form, _path))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = [meaning(data, tmp_path_factory.mktemp("before")) for data in FORMS]
    assert "refused" not in found
    return found


def test_every_compiled_key_is_tried() -> None:
    assert {name for name, _ in KEYS} == set(fields(registry_schema()))


@pytest.mark.parametrize(("name", "kind"), KEYS)
def test_a_key_is_of_the_kind_that_it_is_said_to_be(
    name: str, kind: str, before: list[str], tmp_path: Path
) -> None:
    found = [
        meaning(changed(form, path), tmp_path) == before[form] for form, path in KEYS[name, kind]
    ]
    if kind == "effective":
        assert not all(found)
    else:
        assert all(found)
