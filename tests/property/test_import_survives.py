"""Whatever stands in a file, an import says something, writes no half registry and tells no key."""

from __future__ import annotations

import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import (
    Imported,
    import_config,
)
from ansible_collections.lab.llm.plugins.module_utils.importing.report import as_json, as_text
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

SEED = int(os.environ.get("LAB_LLM_SEED", "20260101"))
EXAMPLES = int(os.environ.get("LAB_LLM_EXAMPLES", "120"))
KEY = "Zx81SecretZx81Zx81"
GUIDE = Path(__file__).parents[1] / "registries" / "guide"
GOLDEN = Path(__file__).parents[1] / "golden"

SECTIONS = [
    *("model_list", "router_settings", "litellm_settings", "general_settings", "credential_list"),
    *("environment_variables", "include", "providers", "exact_matches", "patterns", "capabilities"),
    *("redundant_models", "fallback_chains", "rate_limit_settings", "budgets", "routing_rules"),
    *("health_checks", "metadata", "debug_router", "model_size_routing", "server_settings"),
]
KEYS = [
    *("model_name", "litellm_params", "model_info", "model", "api_base", "api_key", "weight"),
    *("order", "rpm", "tags", "extra_headers", "id", "mode", "fallbacks", "model_group_alias"),
    *("routing_groups", "group_name", "models", "routing_strategy", "provider", "type", "name"),
    *("base_url", "fallback", "chain", "default_fallbacks", "context_window_fallbacks", "limits"),
    *("Authorization", "master_key", "model_priorities", "num_retries", "timeout", "include"),
]
WORDS = ["a", "openai/*", "ollama/m", "*", "~p@h/m#x", "os.environ/X", "${X}", "http://h:1/v1", ""]

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, *WORDS]) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=14,
)
params = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([*WORDS, "openai/m", "azure/d", "bedrock/b", "hosted_vllm/v"])
        | trees,
        "api_base": st.sampled_from([*WORDS, "http://10.0.0.5:8000", "http://u:p@h/v1?x=1"])
        | trees,
        "api_key": st.sampled_from(["os.environ/K", "${K}", KEY]) | trees,
        "weight": st.integers(0, 3) | leaves,
        "order": st.integers(0, 3) | leaves,
        "rpm": st.integers(0, 9) | leaves,
        "extra_headers": st.dictionaries(st.sampled_from(["Authorization", "X-A"]), leaves) | trees,
        "aws_region_name": leaves,
        "wieght": leaves,
    },
)
entries = st.fixed_dictionaries(
    {"model_name": st.sampled_from([*WORDS, "a", "b"]), "litellm_params": params},
    optional={"model_info": trees, "rpm": leaves},
)
lists = st.lists(st.sampled_from(["a", "b", "*", "c"]) | trees, max_size=3)
routers = st.fixed_dictionaries(
    {},
    optional={
        "fallbacks": st.lists(st.dictionaries(st.sampled_from(["a", "b", "*"]), lists), max_size=3),
        "model_group_alias": st.dictionaries(st.sampled_from(["a", "t"]), lists | leaves | trees),
        "routing_groups": st.lists(trees, max_size=2) | trees,
        "routing_strategy": st.sampled_from(["least-busy", "x"]) | trees,
        "default_fallbacks": lists,
    },
)
configs = st.fixed_dictionaries(
    {"model_list": st.lists(entries | trees, max_size=4) | trees},
    optional={"router_settings": routers | trees, **dict.fromkeys(SECTIONS[2:], trees)},
)


def imported(text: str) -> Imported:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "litellm.yaml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        return import_config([str(file)])


def whole_or_nothing(result: Imported) -> None:
    """Either a registry that passes, or an error and no file."""
    assert bool(result.files) != bool(result.errors), result.errors
    if result.files:
        assert result.compiled
        assert not has_errors(result.compiled.problems)
        for text in result.files.values():
            yaml.safe_load(text)
    as_text(result, "registry")
    json.loads(as_json(result, "registry"))


@seed(SEED)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(config=configs)
def test_any_data_is_survived(config: dict[str, Any]) -> None:
    whole_or_nothing(imported(yaml.safe_dump(config, allow_unicode=True)))


@seed(SEED)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=200) | st.text("-: {}[]#&*!|>'\"\n\tab", max_size=200))
def test_any_text_is_survived(text: str) -> None:
    whole_or_nothing(imported(text))


def mangled(text: str, rng: random.Random) -> str:
    """A few lines lost, doubled, indented, cut or put together anew."""
    lines = text.splitlines()
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        line = lines[at]
        cut = rng.randrange(len(line) + 1)
        other = rng.choice(lines)
        lines[at : at + 1] = rng.choice(
            (
                [],
                [line, line],
                [" " + line],
                [line[1:]],
                [line[:cut]],
                [other],
                [line[:cut] + other],
            )
        )
        lines = lines or ["a: 1"]
    return "\n".join(lines)


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_mangled_files_are_survived(number: int) -> None:
    rng = random.Random(SEED + number)
    files = [*GUIDE.glob("*.yaml"), *GOLDEN.glob("*/config.yaml"), *GOLDEN.glob("*/registry/*")]
    whole_or_nothing(imported(mangled(rng.choice(sorted(files)).read_text(), rng)))


secret = st.sampled_from([KEY, f"Bearer {KEY}", f"sk-{KEY}", f"{KEY}=="])
holders = st.sampled_from(
    ["api_key", "azure_ad_token", "aws_secret_access_key", "vertex_credentials", "password"]
)
with_keys = st.fixed_dictionaries(
    {
        "model_list": st.lists(
            st.fixed_dictionaries(
                {
                    "model_name": st.sampled_from(["a", "b", "c/*"]),
                    "litellm_params": st.fixed_dictionaries(
                        {
                            "model": st.sampled_from(
                                ["openai/m", "azure/m", "bedrock/m", "vertex_ai/m", "m", "ollama/m"]
                            )
                        },
                        optional={
                            "api_key": secret,
                            "api_base": st.sampled_from([f"http://u:{KEY}@h:1/v1", "http://h:1"]),
                            "azure_ad_token": secret,
                            "aws_secret_access_key": secret,
                            "vertex_credentials": secret,
                            "extra_headers": st.dictionaries(
                                st.sampled_from(["Authorization", "X-Api-Key", "x-token"]), secret
                            ),
                        },
                    ),
                },
                optional={"model_info": st.dictionaries(holders, secret)},
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "general_settings": st.dictionaries(
            st.sampled_from(["master_key", "database_url"]), secret
        ),
        "litellm_settings": st.dictionaries(
            st.sampled_from(["cache_params", "openai_key"]),
            st.dictionaries(holders, secret) | secret,
        ),
        "environment_variables": st.dictionaries(st.sampled_from(["A_API_KEY", "B_TOKEN"]), secret),
        "credential_list": st.just(
            [
                {
                    "credential_name": "x",
                    "credential_values": {"api_key": KEY, "api_base": "http://h"},
                }
            ]
        ),
        "providers": st.just(
            {"own": {"type": "vllm", "base_url": "http://o:1", "models": ["m"], "api_key": KEY}}
        ),
        "server_settings": st.dictionaries(holders, secret),
    },
)


@seed(SEED)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(config=with_keys)
def test_no_key_is_told(config: dict[str, Any]) -> None:
    result = imported(yaml.safe_dump(config))
    whole_or_nothing(result)
    compiled = result.compiled.as_dict() if result.compiled else {}
    said = [*result.files.values(), as_text(result, "r"), as_json(result, "r"), str(compiled)]
    assert not [text for text in said if KEY in text]
    assert "literal-key" in {one.code for one in result.findings} or KEY not in str(config)
