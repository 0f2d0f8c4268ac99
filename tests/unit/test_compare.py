# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed from one configuration to another, in sentences: true, whole, no secret in it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare, few_words
from ansible_collections.lab.llm.plugins.module_utils.routing.compare_generations import (
    compare_generations,
)
from ansible_collections.lab.llm.plugins.module_utils.routing.compare_params import Change
from hypothesis import given, settings
from hypothesis import strategies as st

Config = dict[str, Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CONFIGS = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in GOLDEN.glob("*/config.yaml")
}
EXAMPLES = int(os.environ.get("LAB_LLM_EXAMPLES", "150"))


def guide() -> Config:
    return copy.deepcopy(CONFIGS["guide"])


def texts(before: Config, after: Config) -> list[str]:
    return [change.text for change in compare(before, after)]


def params(config: Config, name: str, place: int = 0) -> Config:
    found = [one for one in config["model_list"] if one["model_name"] == name]
    return found[place]["litellm_params"]


def of(config: Config, provider: str) -> list[Config]:
    start = f"~{provider}/"
    return [one for one in config["model_list"] if one["model_info"]["id"].startswith(start)]


def deployment(name: str, id_: str, **more: object) -> Config:
    given = {"model": f"openai/{name}", "api_base": "http://10.0.0.9/v1", "api_key": "os.environ/K"}
    return {
        "model_name": name,
        "litellm_params": {**given, **more},
        "model_info": {"id": id_, "mode": "chat"},
    }


def fallback(config: Config) -> None:
    config["router_settings"]["fallbacks"][1] = {"gpt-4": ["~ollama/llama3.1", "popular"]}


def no_fallback(config: Config) -> None:
    del config["router_settings"]["fallbacks"][1]


def another_fallback(config: Config) -> None:
    config["router_settings"]["fallbacks"].append({"mistral": ["gpt-4"]})


def provider(config: Config) -> None:
    config["model_list"] += [deployment("new-a", "~new/new-a"), deployment("new-b", "~new/new-b")]


def name_with_fallback(config: Config) -> None:
    config["model_list"].append(deployment("extra", "~ollama/extra"))
    config["router_settings"]["fallbacks"].append({"extra": ["gpt-4"]})


def gone(config: Config) -> None:
    config["model_list"] = [one for one in config["model_list"] if one["model_name"] != "gpt-4"]
    no_fallback(config)


def shares(config: Config) -> None:
    params(config, "popular")["weight"], params(config, "popular", 1)["weight"] = 9, 1


def same_shares(config: Config) -> None:
    params(config, "popular")["weight"], params(config, "popular", 1)["weight"] = 7, 7


def member(config: Config) -> None:
    params(config, "mistral")["order"] = 1
    config["model_list"].append(deployment("mistral", "~gpu@h1/mistral", order=2))


def limit_of_all(config: Config) -> None:
    for one in of(config, "ollama"):
        one["litellm_params"]["rpm"] = 3


def limit_of_one(config: Config) -> None:
    params(config, "llama3.1")["tpm"] = 100


def address(config: Config) -> None:
    for one in of(config, "ollama"):
        one["litellm_params"]["api_base"] = "http://me:pass@10.0.0.5:11434/v1?key=abc"


def retries(config: Config) -> None:
    params(config, "llama3.1")["num_retries"] = 5


def header(config: Config) -> None:
    params(config, "llama3.1")["extra_headers"] = {"X-Team": "os.environ/TEAM"}


def literal_key(config: Config) -> None:
    params(config, "gpt-4")["api_key"] = "sk-canary"


def alias(config: Config) -> None:
    config["router_settings"]["model_group_alias"] = {"best": "gpt-4"}


def strategy(config: Config) -> None:
    config["router_settings"]["routing_strategy"] = "least-busy"


def unknown(config: Config) -> None:
    config["general_settings"]["what"] = [{"is": "canary"}, {"that": 3}]


def reordered(config: Config) -> None:
    config["model_list"].reverse()
    config["router_settings"]["fallbacks"].reverse()


SHARES = "llama3.1 at ollama {} %, mistral-7b-instruct at text_gen_webui {} %"
ROWS: list[tuple[Callable[[Config], None], list[str]]] = [
    (
        fallback,
        ["gpt-4: the fallback changes from mistral-7b to llama3.1 at ollama, then popular"],
    ),
    (no_fallback, ["gpt-4: the fallback to mistral-7b is gone"]),
    (another_fallback, ["mistral: the fallback is gpt-4 now, before nobody"]),
    (provider, ["provider new is new: 2 deployments, called new-a, new-b"]),
    (
        name_with_fallback,
        ["extra is new: answered by extra at ollama, with gpt-4 as the fallback"],
    ),
    (gone, ["gpt-4 is gone"]),
    (
        shares,
        [f"popular: answered by {SHARES.format(90, 10)}; before by {SHARES.format(50, 50)}"],
    ),
    (same_shares, ["popular: written anew; who answers, and in which order, stays"]),
    (
        member,
        [
            "provider gpu is new: 1 deployment",
            "mistral: answered by mistral at ollama, then mistral at gpu on h1; "
            "before by mistral at ollama",
        ],
    ),
    (limit_of_all, ["limit of ollama: none -> 3 requests a minute"]),
    (limit_of_one, ["limit of llama3.1 at ollama: none -> 100 tokens a minute"]),
    (address, ["address of ollama: http://127.0.0.1:11434 -> http://10.0.0.5:11434/v1"]),
    (retries, ["retries of llama3.1: 2 -> 5"]),
    (header, ["header X-Team of llama3.1 at ollama: none -> the value of TEAM"]),
    (
        literal_key,
        ["key of gpt-4 at openai: the value of OPENAI_API_KEY -> (not shown)"],
    ),
    (alias, ["alias best is new: it leads to gpt-4"]),
    (strategy, ["router_settings.routing_strategy: simple-shuffle -> least-busy"]),
    (
        unknown,
        [
            "general_settings.what[0].is: none -> (not shown)",
            "general_settings.what[1].that: none -> 3",
        ],
    ),
    (
        reordered,
        [
            "the deployments are listed in another order",
            "the fallbacks are listed in another order",
        ],
    ),
]


@pytest.mark.parametrize(("change", "said"), ROWS, ids=[row[0].__name__ for row in ROWS])
def test_a_change_is_a_sentence(change: Callable[[Config], None], said: list[str]) -> None:
    after = guide()
    change(after)
    assert texts(guide(), after) == said
    assert compare(after, guide()) != []


def test_a_limit_that_changes_names_both_values() -> None:
    before, after = guide(), guide()
    limit_of_all(before)
    for one in of(after, "ollama"):
        one["litellm_params"]["rpm"] = 10
    assert texts(before, after) == ["limit of ollama: 3 -> 10 requests a minute"]


def test_ranks_that_are_written_as_weights_are_told_as_ranks() -> None:
    before, after = {"model_list": []}, {"model_list": []}
    for config, weights in ((before, (1, 1)), (after, (1, 1e-9))):
        ids = ("~a@h1/m", "~b@h1/m")
        config["model_list"] = [
            deployment("m", id_, weight=weight) for id_, weight in zip(ids, weights, strict=True)
        ]
    assert texts(before, after) == [
        "m: answered by m at a on h1, then m at b on h1; before by m at a on h1 50 %, "
        "m at b on h1 50 %"
    ]


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_the_same_is_no_change(name: str) -> None:
    again = yaml.safe_load(yaml.safe_dump(CONFIGS[name], sort_keys=True))
    assert compare(CONFIGS[name], again) == []


def test_any_two_of_the_golden_ones_differ() -> None:
    for one, before in CONFIGS.items():
        for other, after in CONFIGS.items():
            assert (compare(before, after) == []) == (one == other)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "nothing"),
        (["gpt-4 is gone"], "gpt-4 is gone"),
        (["a is new", "b", "c"], "a is new and 2 more"),
        (["x" * 80, "b"], "x" * 48 + "… and 1 more"),
    ],
)
def test_a_few_words_fit_a_table(found: list[str], said: str) -> None:
    assert few_words([Change("", "", text) for text in found]) == said
    assert len(said) <= 60


# --- whatever differs is told -----------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, width=16),
    st.sampled_from(
        ["", "a", "~p/m", "~p@h/m#x", "os.environ/A", "http://u:p@h/x", "no-key-needed"]
    ),
)
SECTIONS = ["model_list", "router_settings", "litellm_settings", "fallbacks", "model_group_alias"]
INNER = ["litellm_params", "model_info", "model_name", "id", "model", "weight", "order", "rpm"]
KEYS = st.sampled_from([*SECTIONS, *INNER, "x"])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
ANY_CONFIG = st.dictionaries(KEYS, ANY, max_size=4)


def canonical(value: object) -> str:
    """Equal for what means the same: 1 and 1.0, not 1 and true; not in the order of keys."""
    if isinstance(value, dict):
        return f"m{sorted((str(k), canonical(v)) for k, v in value.items())}"
    if isinstance(value, list):
        return str([canonical(item) for item in value])
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"n{float(value) + 0.0}"
    return repr(value)


@settings(max_examples=EXAMPLES)
@given(ANY_CONFIG, ANY_CONFIG)
def test_two_that_differ_are_never_the_same(before: Config, after: Config) -> None:
    assert (compare(before, after) == []) == (canonical(before) == canonical(after))
    assert compare(before, copy.deepcopy(before)) == []


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a configuration."""
    found = [path] if path else []
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            found += places(inner, (*path, key))
    return found


@st.composite
def mutated(draw: Any) -> tuple[Config, Config]:
    """A real configuration, and the same with a few places removed, replaced or swapped."""
    before = CONFIGS[draw(st.sampled_from(sorted(CONFIGS)))]
    after = copy.deepcopy(before)
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(places(after) or [("x",)]))
        holder: Any = after
        for part in way:
            holder = holder[part]
        if draw(st.booleans()) or last not in holder:
            holder[last] = draw(ANY)
        elif isinstance(holder, list):
            holder.insert(0, holder.pop())
        else:
            del holder[last]
    return before, after


@settings(max_examples=EXAMPLES)
@given(mutated())
def test_no_change_of_a_real_configuration_is_missed(pair: tuple[Config, Config]) -> None:
    before, after = pair
    assert (compare(before, after) == []) == (canonical(before) == canonical(after))
    assert (compare(after, before) == []) == (canonical(before) == canonical(after))


SECRET_PLACES = st.sampled_from(
    [
        ("litellm_params", "api_key"),
        ("litellm_params", "aws_secret_access_key"),
        ("litellm_params", "extra_headers", "Authorization"),
        ("litellm_params", "extra_headers", "X-Anything"),
        ("litellm_params", "wieght"),
        ("litellm_params", "vertex_credentials"),
        ("model_info", "note"),
    ]
)
SECRET_SETTINGS = st.sampled_from(
    [
        ("general_settings", "master_key"),
        ("general_settings", "database_url"),
        ("router_settings", "redis_password"),
        ("router_settings", "redis_url"),
        ("environment_variables", "SOME_KEY"),
        ("litellm_settings", "callbacks_token"),
        ("credential_list", "model"),
    ]
)


def put(holder: Config, path: tuple[str, ...], value: str) -> None:
    for part in path[:-1]:
        holder = holder.setdefault(part, {})
    holder[path[-1]] = value


@settings(max_examples=EXAMPLES)
@given(SECRET_PLACES, SECRET_SETTINGS, st.booleans())
def test_no_secret_is_told(place: tuple[str, ...], setting: tuple[str, ...], both: bool) -> None:
    before, after = guide(), guide()
    for config, mark in ((before, "canary-old"), (after, "canary-new")):
        if config is after or both:
            put(config["model_list"][1], place, mark)
            put(config, setting, mark)
    said = " ".join(texts(before, after))
    assert "canary" not in said
    assert len(compare(before, after)) == 2
    hidden = after["model_list"][1]["litellm_params"]
    hidden["api_base"] = "https://canary:canary@host/v1?canary"
    assert "canary" not in " ".join(texts(before, after))


# --- two generations --------------------------------------------------------------------------


def side(**more: Any) -> Config:
    manifest = {
        "litellm": "1.106.2",
        "venv": "a",
        "variables": ["OPENAI_API_KEY"],
        "secrets": "1",
        "files": {"config.yaml": "1", "program/launcher.py": "1", "registry/cloud.yaml": "1"},
        "digest": "1",
    }
    health = {"provider": "gpu", "host": "", "url": "http://gpu/health", "interval_seconds": 60}
    health |= {"timeout_seconds": 10, "attempts": 2}
    found = {"config": guide(), "manifest": manifest, "probes": {"health": [health]}, "units": {}}
    return copy.deepcopy({**found, **more})


def changed(**manifest: Any) -> Config:
    found = side()
    found["manifest"] |= manifest
    return found


def health(**more: Any) -> Config:
    found = side()
    found["probes"]["health"][0] |= more
    return found


GENERATIONS = [
    (side(), changed(litellm="1.107.1", venv="b"), ["LiteLLM 1.106.2 -> 1.107.1"]),
    (
        side(packages={"litellm": "1", "openai": "1", "x": "2"}),
        changed(venv="b") | {"packages": {"litellm": "1", "openai": "2"}},
        ["packages: openai 1 -> 2, x 2 -> none"],
    ),
    (
        side(),
        changed(secrets="2"),
        ["a value of these changed: OPENAI_API_KEY, LITELLM_MASTER_KEY"],
    ),
    (
        changed(variables=[]),
        changed(variables=[], secrets="2"),
        ["the value of LITELLM_MASTER_KEY changed"],
    ),
    (
        side(),
        changed(variables=["GROQ_API_KEY"], secrets="2"),
        [
            "the variable GROQ_API_KEY is needed now",
            "the variable OPENAI_API_KEY is not needed any more",
        ],
    ),
    (side(), health(interval_seconds=30), ["health check of gpu every 30 s"]),
    (side(), health(interval_seconds=0), ["health check of gpu at no interval of its own"]),
    (
        side(),
        health(timeout_seconds=3, attempts=4),
        ["health check of gpu for 3 s, 4 times"],
    ),
    (side(), side(probes={}), ["health check of gpu is gone"]),
    (
        side(units={"litellm.socket": "[Socket]\nListenStream=127.0.0.1:4000\n"}),
        side(units={"litellm.socket": "[Socket]\nListenStream=0.0.0.0:4000\n"}),
        ["unit litellm.socket: ListenStream=127.0.0.1:4000 -> ListenStream=0.0.0.0:4000"],
    ),
    (
        side(),
        changed(files={"config.yaml": "2", "program/launcher.py": "2", "registry/x.yaml": "1"}),
        ["the launcher is another one", "registry files that differ: cloud.yaml, x.yaml"],
    ),
    (
        side(probes={"providers": {"gpu": {"probe": "full", "watch": "full"}}}),
        side(probes={"providers": {"gpu": {"probe": "full", "watch": "none"}}}),
        ["how much gpu is asked: watch full -> none"],
    ),
    (
        side(),
        side(probes={**side()["probes"], "models": ["x"]}),
        ["what the proof asks is another: models"],
    ),
    (side(), changed(digest="2"), ["something changed that nobody has words for: compare by hand"]),
    (side(), side(), []),
    ({}, {}, []),
]


@pytest.mark.parametrize(("before", "after", "said"), GENERATIONS, ids=range(len(GENERATIONS)))
def test_two_generations_are_compared(before: Config, after: Config, said: list[str]) -> None:
    assert [change.text for change in compare_generations(before, after)] == said
