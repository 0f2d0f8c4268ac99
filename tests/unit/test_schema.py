"""The schemas themselves, and the checker that holds a registry to them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.registry import schema, yaml_reader
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import Problem
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import PROVIDER_TYPES
from ansible_collections.lab.llm.plugins.module_utils.registry.schema_files import registry_schema
from ansible_collections.lab.llm.plugins.module_utils.registry.schema_rules import Rule
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "schemas").glob("*.schema.json"))
SCHEMAS = {file.name: json.loads(file.read_text()) for file in FILES}
VALID = yaml.safe_load((ROOT / "tests/registries/valid/registry.yaml").read_text())
SECTIONS = {
    "providers", "exact_matches", "patterns", "capabilities", "redundant_models", "load_balancing",
    "fallback_chains", "model_size_routing", "rate_limit_settings", "health_checks", "budgets",
    "routing_rules", "metadata", "debug_router", "aliases", "slots",
}  # fmt: skip
KINDS = {"effective", "descriptive"}


def check(text: str) -> list[Problem]:
    reader = yaml_reader.TreeReader()
    root = reader.read("lab.yaml", text)
    assert reader.problems == []
    return schema.check_schema(root)[0]


# the schema files -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[name]["$id"] == name


def test_every_section_has_its_file() -> None:
    properties = SCHEMAS["registry.schema.json"]["properties"]
    assert set(properties) == SECTIONS
    refs = {one["$ref"] for one in properties.values() if "$ref" in one}
    assert refs | {"registry.schema.json", "common.schema.json"} == set(SCHEMAS)


def fields(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the registry knows, with its schema."""
    for key, one in node.get("properties", {}).items():
        if one is not False:
            yield f"{path}.{key}", one
            yield from fields(one, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from fields(node[key], f"{path}.{'[]' if key == 'items' else '<name>'}")


FIELDS = dict(fields(registry_schema()))


@pytest.mark.parametrize("path", FIELDS)
def test_a_field_is_described_and_has_its_kind(path: str) -> None:
    field = FIELDS[path]
    assert len(field["description"]) > 10
    assert field["description"].endswith(".")
    holds_fields = any(other.startswith(f"{path}.") for other in FIELDS)
    assert holds_fields or field["x-kind"] in KINDS
    for example in field.get("examples", ()):
        assert Rule(field).failure(example) is None


def test_the_provider_types_are_those_of_the_table() -> None:
    assert set(FIELDS[".providers.<name>.type"]["enum"]) == set(PROVIDER_TYPES)
    formats = {form for row in PROVIDER_TYPES.values() for form in row.api_formats}
    assert set(FIELDS[".providers.<name>.api_format"]["enum"]) == formats


def test_advice_leads_to_keys_that_there_are() -> None:
    for node in [registry_schema(), *FIELDS.values()]:
        for part in (node, node.get("items", {}), node.get("additionalProperties", {})):
            for advice in part.get("x-instead", {}).values() if isinstance(part, dict) else ():
                assert " " in advice or advice in part["properties"], advice


def test_a_provider_is_run_by_us_or_by_others() -> None:
    text = "providers:\n  a: {type: llama_cpp, base_url: http://a:1, deploy: {hosts: h}}\n"
    (problem,) = check(text)
    assert "providers.a has base_url and deploy" in str(problem)
    assert str(problem.place) == "lab.yaml:2:3"


@pytest.mark.parametrize("spec", [{"multipleOf": 2}, {"anyOf": []}, {"maxItems": 1}, {"if": {}}])
def test_a_keyword_that_is_not_checked_cannot_slip_in(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does not know"):
        Rule(spec)


# the checker ----------------------------------------------------------------------------------


def reference() -> jsonschema.Draft202012Validator:
    resources = [(name, Resource.from_contents(one)) for name, one in SCHEMAS.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    return jsonschema.Draft202012Validator(SCHEMAS["registry.schema.json"], registry=registry)


REFERENCE = reference()
MORE = {
    "patterns": [{"pattern": "^a/.*", "provider": "ollama", "fallback": ["x", "y"]}],
    "capabilities": {"code": {"routing_strategy": "direct", "min_model_size": "7B"}},
    "fallback_chains": {"a": {"chain": [{"primary": "a"}, "b"]}, "b": ["c", "d"]},
    "model_size_routing": [
        {"size": "< 8B", "provider": "a"},
        {"size": "8B - 13B", "provider": "b"},
    ],
    "budgets": {"openai": {"max_budget": 5.5, "budget_duration": "30d"}},
    "routing_rules": {
        "default_provider": "a",
        "request_metadata_routing": {"x": {"condition": {"tag": "t"}, "model": "m"}},
    },
    "load_balancing": {"m": {"providers": [{"provider": "a", "weight": 0.5}]}},
    "debug_router": True,
}
WHOLE = {**VALID, **MORE}
WHOLE["providers"]["own"] = {
    "type": "llama_cpp",
    "deploy": {
        "hosts": "gpu01",
        "port": 8001,
        "gpus": [0],
        "options": {"ctx_size": 2048, "lora": ["a", 1]},
    },
    "models": [{"name": "m", "source": {"url": "https://a.b/m.gguf", "sha256": "0" * 64}}],
    "traffic": "5%",
}
WORDS = ["type", "models", "ollama", "name", "x-mine", "7B", "/health", "http://a:1", "http://a:b"]
words = st.sampled_from(WORDS) | st.text(
    # No YAML holds the two that Unicode keeps for nothing.
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
    ),
    max_size=8,
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 100_000) | st.sampled_from([0.5, -1.5]) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def spots(node: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from spots(node[key])


COUNT = len(list(spots(WHOLE)))


@given(st.integers(0, COUNT - 1), st.sampled_from(["set", "drop", "add"]), words, values)
@settings(max_examples=1500)
def test_the_checker_agrees_with_the_reference(at: int, how: str, word: str, value: Any) -> None:
    data = copy.deepcopy(WHOLE)
    holder, key = list(spots(data))[at]
    if how == "drop":
        del holder[key]
    elif how == "add" and isinstance(holder, dict):
        holder[word] = value
    else:
        holder[key] = value
    if None in data.values():
        return  # an empty section is none, which JSON Schema cannot say
    found = {problem.code for problem in check(json.dumps(data, ensure_ascii=False))}
    wrong = found - {"not-yet-supported", "empty-section"}
    assert bool(wrong) == (not REFERENCE.is_valid(data)), (found, data)


@given(
    st.integers(0, COUNT - 1),
    st.booleans(),
    st.sampled_from(["sk-Zx81Zx81Zx81", "Bearer Zx81Zx81"]),
)
def test_no_secret_is_repeated_wherever_it_stands(at: int, as_key: bool, secret: str) -> None:
    data = copy.deepcopy(WHOLE)
    holder, key = list(spots(data))[at]
    if as_key and isinstance(holder, dict):
        holder[secret] = holder.pop(key)
    else:
        holder[key] = secret
    assert "Zx81" not in " ".join(
        str(problem) for problem in check(json.dumps(data, ensure_ascii=False))
    )


@pytest.mark.parametrize("key", ["api_key", "token", "password", "my_secret", "apikey"])
@pytest.mark.parametrize("section", ["providers", "exact_matches", "budgets", "health_checks"])
def test_what_is_called_a_secret_is_not_shown(section: str, key: str) -> None:
    report = " ".join(map(str, check(f"{section}:\n  a:\n    {key}: hunter2\n")))
    assert "literal-secret" in report
    assert "hunter2" not in report


def test_long_values_are_cut() -> None:
    (problem,) = check(f"providers: {{a: {{type: {'x ' * 500}}}}}\n")
    assert len(problem.message) < 120


def test_sections_without_content_declare_nothing() -> None:
    problems = check("providers:\npatterns:\nx-own:\n")
    assert [(one.code, one.severity) for one in problems] == [("empty-section", "warning")] * 2


NOT_YET = [
    ("providers:\n  a: {type: tgi, deploy: {hosts: h}}\n", "2:18", "providers.a.deploy"),
]


@pytest.mark.parametrize(("text", "place", "path"), NOT_YET)
def test_what_is_not_compiled_is_refused_at_its_place(text: str, place: str, path: str) -> None:
    (problem,) = check(text)
    assert str(problem).startswith(f"lab.yaml:{place}: error[not-yet-supported]: ")
    assert path in problem.message
    assert problem.expected


def test_a_list_is_text_or_mappings_and_items_go_by_their_names() -> None:
    models = "      - m\n      - {name: llama3, size: 7}\n"
    text = f"providers:\n  a:\n    type: vllm\n    models:\n{models}"
    (problem,) = check(text)
    assert str(problem).startswith("lab.yaml:6:30: error[wrong-type]: ")
    assert "providers.a.models.[name=llama3].size is 7" in problem.message


def test_names_of_broken_entries_are_known() -> None:
    reader = yaml_reader.TreeReader()
    root = reader.read(
        "lab.yaml",
        "providers:\n  a: {typ: vllm}\n  b: {type: vllm}\nc: {type: vllm}\n"
        "rate_limit_settings: {limits: {a: {rpm: x}, b: {rpm: 1}}}\nexact_matches: []\n",
    )
    _, broken = schema.check_schema(root)
    assert {("providers", "a"), ("providers", "c"), ("exact_matches",)} <= broken
    assert ("rate_limit_settings", "limits", "a") in broken
    assert not {("providers", "b"), ("rate_limit_settings", "limits", "b")} & broken
