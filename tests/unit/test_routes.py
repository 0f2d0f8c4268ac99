# ruff: noqa: E501 - one line a case
"""Which name leads where: the table that everything else is a view of."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.routing.route_table import Route, RouteTable

INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["g1", "g2"]},
    {"gw": "10.0.0.1", "g1": "10.0.0.11", "g2": "10.0.0.12"},
)
BASE = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, a1, "x#y"]}
  b: {type: vllm, base_url: "http://b:8000", models: [m, b1], default_model: b1}
  c: {type: ollama, base_url: "http://c:11434", models: [only, {name: emb, mode: embedding}]}
  v: {type: openai}
  fleet: {type: llama_cpp, deploy: {hosts: gpus}, models: [{name: f, source: {path: /f}}]}
  single: {type: llama_cpp, deploy: {hosts: g1, port: 9000}, models: [{name: s, source: {path: /s}}]}
  trial: {type: vllm, status: testing, base_url: "http://t:8000", models: [m]}
  down: {type: vllm, status: disabled, base_url: "http://o:8000", models: [m]}
"""
E, R = "exact_matches:\n  ", "redundant_models:\n  "


def table(tmp_path: Path, rules: str = "") -> RouteTable:
    (tmp_path / "lab.yaml").write_text(BASE + rules)
    return compile_registry(str(tmp_path), INVENTORY).routes


def shown(route: Route) -> str:
    """Targets by rank or share, then the fallbacks."""
    targets = " ".join(
        f"{target.id}:{target.rank if target.share is None else f'*{target.share:g}'}"
        for target in route.targets
    )
    names = [one.called for fallback in route.fallbacks for one in fallback.deployments] or [
        fallback.name for fallback in route.fallbacks
    ]
    return f"{targets} > {' '.join(names)}" if names else targets


# rules, the name, what it leads to
CASES = [
    ("", "m", "~a/m:0 ~b/m:1"),
    ("", "testing/m", "~trial/m#testing/m:0"),
    ("", "f", "~fleet@g1/f:0 ~fleet@g2/f:0"),
    ("", "s", "~single/s:0"),
    ("", "x#y", "~a/x%23y:0"),
    (E + "m: {provider: b}", "m", "~b/m:0 ~a/m:1"),
    (E + "m: {provider: a, priority: secondary}", "m", "~b/m:0 ~a/m:1"),
    (E + "m: {provider: a, priority: tertiary}", "m", "~b/m:0 ~a/m:1"),
    (E + "m: {provider: c, backend_model: only}", "m", "~c/only#m:0 ~a/m:1 ~b/m:2"),
    (E + "m: {provider: c, backend_model: only, priority: secondary}", "m", "~a/m:0 ~c/only#m:1 ~b/m:2"),
    (E + "m: {provider: b, backend_model: b1}", "m", "~b/b1#m:0 ~a/m:1"),
    (E + "m: {provider: down, backend_model: m}", "m", "~a/m:0 ~b/m:1"),
    (E + "e: {provider: b}", "e", "~b/b1#e:0"),  # its default
    (E + "e: {provider: v}", "e", "~v/e:0"),  # lists none: the very name
    (E + "e: {provider: v, backend_model: gpt-4}", "e", "~v/gpt-4#e:0"),
    (E + "e: {provider: fleet}", "e", "~fleet@g1/f#e:0 ~fleet@g2/f#e:0"),
    (E + "f: {provider: a, backend_model: a1, priority: secondary}", "f", "~fleet@g1/f:0 ~fleet@g2/f:0 ~a/a1#f:1"),
    (E + "e: {provider: a, backend_model: m, fallback: b}", "e", "~a/m#e:0 > ~b/m"),  # its same model
    (E + "e: {provider: a, backend_model: a1, fallback: b}", "e", "~a/a1#e:0 > ~b/b1"),  # its default
    (E + "e: {provider: a, backend_model: a1, fallback: c}", "e", "~a/a1#e:0 > ~c/only"),  # its only chat model
    (E + "e: {provider: a, backend_model: a1, fallback: fleet}", "e", "~a/a1#e:0 > ~fleet@g1/f ~fleet@g2/f"),
    (E + "e: {provider: a, backend_model: a1, fallback: m}", "e", "~a/a1#e:0 > m"),
    (E + "e: {provider: a, backend_model: a1, fallback: [down, c]}", "e", "~a/a1#e:0 > ~c/only"),
    (R + "m: {providers: [{provider: a}, {provider: b}]}", "m", "~a/m:*1 ~b/m:*1"),
    (R + "r: {providers: [{provider: a, model: m, weight: 0.9}, {provider: b, weight: 0.1}], fallback: c}", "r", "~a/m#r:*0.9 ~b/b1#r:*0.1 > ~c/only"),
    (R + "r: {providers: [{provider: fleet, weight: 3}, {provider: b, weight: 1}]}", "r", "~fleet@g1/f#r:*1.5 ~fleet@g2/f#r:*1.5 ~b/b1#r:*1"),
    (R + "r: {providers: [{provider: fleet}, {provider: b}]}", "r", "~fleet@g1/f#r:*0.5 ~fleet@g2/f#r:*0.5 ~b/b1#r:*1"),
    (R + "r: {providers: [{provider: down, weight: 3}, {provider: b, weight: 1}]}", "r", "~b/b1#r:*1"),
    (E + "e: {provider: single}\nrate_limit_settings: {limits: {single: {rpm: 3}}}", "e", "~single/s:0"),  # one id under all names
]  # fmt: skip


@pytest.mark.parametrize(("rules", "name", "leads_to"), CASES)
def test_a_name_leads_where_its_rule_says(
    tmp_path: Path, rules: str, name: str, leads_to: str
) -> None:
    assert shown(table(tmp_path, rules).routes[name]) == leads_to


def test_what_is_not_served_has_no_name(tmp_path: Path) -> None:
    routes = table(tmp_path, E + "gone: {provider: down}\n  lost: {provider: nobody}").routes
    assert "gone" not in routes
    assert "lost" not in routes
    assert list(table(tmp_path).routes) == [
        "m",
        "a1",
        "x#y",
        "b1",
        "only",
        "emb",
        "f",
        "s",
        "testing/m",
    ]


def test_names_with_a_rule_come_first(tmp_path: Path) -> None:
    assert next(iter(table(tmp_path, E + "only: {provider: c}").routes)) == "only"


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("{rpm: 60, tpm: 9}", (60, 9)),
        ("{rpm: 60, models: {s: {tpm: 1000}}}", (60, 1000)),
        ("{rpm: 60, models: {s: {rpm: 6}}}", (6, None)),
        ("{tpm: 9, models: {s: {rpm: 6}}}", (6, 9)),
        ("{models: {s: {rpm: 6}}}", (6, None)),
    ],
)
def test_what_the_only_model_has_not_itself_is_its_providers(
    tmp_path: Path, limit: str, told: tuple[int | None, int | None]
) -> None:
    text = f"rate_limit_settings: {{limits: {{single: {limit}}}}}"
    deployments = {one.id: one for one in table(tmp_path, text).deployments.values()}
    assert (deployments["~single/s"].rpm, deployments["~single/s"].tpm) == told


def test_a_limit_is_shared_by_hosts_and_split_by_models(tmp_path: Path) -> None:
    limits = "rate_limit_settings: {limits: {fleet: {rpm: 9, tpm: 100}, b: {rpm: 10, models: {m: {rpm: 4}, b1: {rpm: 6}}}}}"
    found = {one.id: (one.rpm, one.tpm) for one in table(tmp_path, limits).deployments.values()}
    assert found["~fleet@g1/f"] == found["~fleet@g2/f"] == (4, 50)
    assert (found["~b/m"], found["~b/b1"], found["~a/m"]) == ((4, None), (6, None), (None, None))


def test_every_part_of_a_route_knows_its_rule(tmp_path: Path) -> None:
    rules = "exact_matches:\n  e:\n    provider: a\n    backend_model: m\n    fallback:\n      - b\n      - only\n"
    told = table(tmp_path, rules).routes["e"].as_dict()
    first = BASE.count("\n") + 2
    assert told["rule"].endswith(f"lab.yaml:{first}")
    assert told["targets"][0]["rule"] == told["rule"]
    assert [one["rule"].split(":")[-1] for one in told["fallbacks"]] == [
        str(first + 4),
        str(first + 5),
    ]


def test_ids_are_unique_within_a_name_and_stable_under_new_neighbours(tmp_path: Path) -> None:
    before = table(tmp_path).routes
    after = table(
        tmp_path,
        "  new: {type: vllm, base_url: 'http://n:1', models: [m, a1]}\n"
        + E
        + "z: {provider: c, backend_model: only}",
    ).routes
    for name, route in before.items():
        ids = [target.id for target in route.targets]
        assert len(set(ids)) == len(ids)
        assert ids == [target.id for target in after[name].targets][: len(ids)]
