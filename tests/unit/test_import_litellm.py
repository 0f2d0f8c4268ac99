# ruff: noqa: E501 - one line a case
"""What the import says of LiteLLM is what the real one does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import import_config
from tools.real_litellm import RealLiteLLM, real_litellm

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def litellm() -> RealLiteLLM:
    return real_litellm()


def entry(name: str, id_: str = "", **params: Any) -> dict[str, Any]:
    base = {"model": f"hosted_vllm/{name}", "api_base": "http://127.0.0.1:9/v1", "api_key": "k"}
    return {
        "model_name": name,
        "litellm_params": {**base, **params},
        "model_info": {"id": id_ or name, "mode": "chat"},
    }


def config(entries: list[dict[str, Any]] | None = None, **router: Any) -> dict[str, Any]:
    settings = {"num_retries": 0, **router}
    return {"model_list": entries or [entry("a"), entry("b")], "router_settings": settings}


def in_info(id_: str, order: int) -> dict[str, Any]:
    made = entry("a", id_)
    made["model_info"]["order"] = order
    return made


NEAR = [
    entry("a", "a1", order=1, weight=1),
    entry("a", "a2", order=1, weight=1),
    entry("a", "a3", order=2, weight=1),
]
# finding; what LiteLLM is given: it does not start with it
REFUSED = [
    ("fallbacks-shape", config(fallbacks=[{"model": "a", "fallback_models": ["b"]}])),
    ("fallbacks-shape", config(fallbacks={"a": ["b"]})),
    ("fallbacks-shape", config(fallbacks=["b"])),
    ("fallbacks-shape", config(fallbacks=[{"a": ["b"], "b": ["a"]}])),
    ("unknown-strategy", config(routing_strategy="least_busy")),
    ("two-routing-groups", config(routing_groups=[{"group_name": "g", "models": ["a"], "routing_strategy": "least-busy"}, {"group_name": "h", "models": ["a"], "routing_strategy": "least-busy"}])),
    ("unknown-router-setting", config(num_retrys=3)),
    ("deployment-dropped", config([entry("a", model="nobody/a")])),
    ("deployment-dropped", config([entry("a", model="some-model")])),
    ("deployment-dropped", config([entry("a", rpm="abc")])),
    ("deployment-dropped", config([entry("a", tags="fast")])),
    ("fallbacks-shape", config(content_policy_fallbacks=["b"])),
    ("bad-value-refused", config(model_group_alias=["a"])),
    ("bad-value-refused", config(routing_groups=3)),
    ("bad-value-refused", config(routing_strategy=7)),
    ("bad-value-refused", config(provider_budget_config=[])),
    ("bad-value-refused", config(optional_pre_call_checks=1)),
    ("deployment-dropped", config([entry("a", input_cost_per_token="abc")])),
    ("deployment-dropped", config([entry("a", max_budget="abc", budget_duration="1d")])),
    ("deployment-dropped", config([entry("a", stream_timeout=[])])),
    ("deployment-dropped", config([entry("a", tag_regex="x")])),
    ("deployment-dropped", config([entry("a", rpm=1.5)])),
    ("deployment-dropped", config([entry("a", custom_llm_provider="nobody")])),
    ("missing-part", config([{"model_name": "a", "model_info": {"id": "a"}}])),
    ("missing-part", config([{"model_name": "a", "litellm_params": {"api_key": "k"}, "model_info": {"id": "a"}}])),
]  # fmt: skip
# finding; what it is given; who is asked for; who is down; who can give the answer ("" for nobody)
ANSWERED = [
    ("fallback-string", config(fallbacks=[{"a": "b"}]), "a", ("a",), {"b"}),
    ("fallback-string", config([entry("a"), entry("bb")], fallbacks=[{"a": "bb"}]), "a", ("a",), {""}),
    ("context-fallbacks-shape", config(context_window_fallbacks={"a": ["b"]}), "a", ("a",), {""}),
    ("fallback-unknown", config(fallbacks=[{"a": ["c"]}]), "a", ("a",), {""}),
    ("fallback-from-unknown", config(fallbacks=[{"c": ["b"]}]), "a", (), {"a"}),
    ("fallback-cycle", config(fallbacks=[{"a": ["b"]}, {"b": ["a"]}]), "a", ("a", "b"), {""}),
    ("fallback-twice", config([entry("a"), entry("b"), entry("c")], fallbacks=[{"a": ["b"]}, {"a": ["c"]}]), "a", ("a", "b"), {""}),
    ("alias-to-list", config(model_group_alias={"t": ["a", "b"]}), "t", (), {""}),
    ("alias-unknown", config(model_group_alias={"t": "x"}), "t", (), {""}),
    ("alias-of-alias", config(model_group_alias={"t": "u", "u": "a"}), "t", (), {""}),
    ("alias-without-fallback", config(model_group_alias={"t": "a"}, fallbacks=[{"a": ["b"]}]), "t", ("a",), {""}),
    ("alias-hijacks", config(model_group_alias={"a": "b"}), "a", (), {"b"}),
    ("shared-name", config([entry("a", "a1"), entry("a", "a2")]), "a", (), {"a1", "a2"}),
    ("partial-weights", config([entry("a", "a1", weight=1), entry("a", "a2")]), "a", (), {"a1"}),
    ("limit-as-weight", config([entry("a", "a1", rpm=9000), entry("a", "a2")]), "a", (), {"a1"}),
    ("partial-order", config([entry("a", "a1", order=3), entry("a", "a2")]), "a", (), {"a1"}),
    ("partial-order", config([entry("a", "a1", order=3), entry("a", "a2")]), "a", ("a1",), {"", "a2"}),
    ("order-beside-weights", config(NEAR), "a", ("a1",), {"a2", "a3"}),
    ("wildcard-fallback", config([entry("c/*", "c", model="openai/*"), entry("b")], fallbacks=[{"c/*": ["b"]}]), "c/x", ("c",), {""}),
    ("default-fallback", config(default_fallbacks=["b"]), "nobody", (), {"b"}),
    ("bad-value-fails", config([entry("a", weight="abc")]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", timeout="abc")]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", max_parallel_requests="abc")]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", extra_headers=["X-A"])]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", max_parallel_requests="60")]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", rpm=-1)]), "a", (), {""}),
    ("bad-value-fails", config([entry("a", max_budget=-1, budget_duration="1d")]), "a", (), {""}),
    ("bad-value-fails", config(timeout="abc"), "a", (), {""}),
    ("bad-value-ignored", config(timeout=0), "a", (), {"a"}),
    ("bad-value-ignored", config(retry_policy=[]), "a", (), {"a"}),
    ("bad-value-ignored", config([entry("a", num_retries="abc")]), "a", (), {"a"}),
    ("bad-value-ignored", config([entry("a", litellm_credential_name="none")]), "a", (), {"a"}),
    ("order-of-info", config([in_info("a1", 2), in_info("a2", 1)]), "a", (), {"a2"}),
    ("base-url-counts", config([entry("a", base_url="http://127.0.0.1:9/v1")]), "a", (), {""}),
    ("bad-value-ignored", config([entry("a", order="abc")]), "a", (), {"a"}),
    ("bad-value-ignored", config([entry("a", weight=-1)]), "a", (), {"a"}),
    ("limits-not-enforced", config([entry("a", rpm=1)]), "a", (), {"a"}),
    ("budget-not-enforced", config([entry("a", max_budget=1e-9)]), "a", (), {"a"}),
    ("unknown-policy-key", config(retry_policy={"TimeoutErorRetries": 3}), "a", (), {"a"}),
]  # fmt: skip


@pytest.mark.litellm
@pytest.mark.parametrize(
    ("code", "given"), REFUSED, ids=[str(n) + row[0] for n, row in enumerate(REFUSED)]
)
def test_it_does_not_start_with_this(
    code: str, given: dict[str, Any], litellm: RealLiteLLM
) -> None:
    with pytest.raises(ValueError, match=r"."):
        litellm.load(given)


@pytest.mark.litellm
@pytest.mark.parametrize(
    ("code", "given", "name", "down", "who"),
    ANSWERED,
    ids=[str(n) + row[0] for n, row in enumerate(ANSWERED)],
)
def test_it_answers_like_this(
    code: str,
    given: dict[str, Any],
    name: str,
    down: tuple[str, ...],
    who: set[str],
    litellm: RealLiteLLM,
) -> None:
    told = {one["who"] for one in litellm.ask(given, name, 24 if len(who) > 1 else 4, down)}
    assert told <= who
    assert told == who or len(who) > 1


# finding; the parameters; variables that are set; what the upstream gets: header or path
SENT = [
    ("key-sent-literally", {"api_key": "${CK}"}, [], "Bearer ${CK}"),
    ("key-may-be-anothers", {"model": "openai/a", "api_key": None}, ["OPENAI_API_KEY"], "Bearer stray-OPENAI_API_KEY"),
    ("header-sent-literally", {"model": "openai/a", "extra_headers": {"X-A": "Bearer os.environ/CK"}}, [], "Bearer os.environ/CK"),
    ("base-without-version", {"api_base": "http://127.0.0.1:9"}, [], "/chat/completions"),
    ("ollama-generate", {"model": "ollama/a", "api_base": "http://127.0.0.1:9"}, [], "/api/generate"),
    ("version-in-base", {"model": "ollama_chat/a"}, [], "/v1/api/chat"),
    ("endpoint-in-base", {"model": "openai/a", "api_base": "http://127.0.0.1:9/v1/chat/completions"}, [], "/v1/chat/completions/chat/completions"),
]  # fmt: skip


@pytest.mark.litellm
@pytest.mark.parametrize(("code", "params", "strays", "part"), SENT, ids=[row[0] for row in SENT])
def test_it_sends_this(
    code: str, params: dict[str, Any], strays: list[str], part: str, litellm: RealLiteLLM
) -> None:
    requests = litellm.sent(config([entry("a", **params)]), strays)["a"]
    assert part in [*requests[0]["headers"].values(), requests[0]["path"]]


WORKING = """\
model_list:
  - {model_name: fast, litellm_params: {model: hosted_vllm/f, api_base: "http://a:1/v1", api_key: k, weight: 2}, model_info: {id: a1}}
  - {model_name: fast, litellm_params: {model: openai/f, api_base: "http://b:1/v1", api_key: k, weight: 1}, model_info: {id: b1}}
  - {model_name: safe, litellm_params: {model: hosted_vllm/s, api_base: "http://c:1/v1", api_key: k, order: 1}, model_info: {id: c1}}
  - {model_name: safe, litellm_params: {model: hosted_vllm/f, api_base: "http://a:1/v1", api_key: k, order: 2}, model_info: {id: a2}}
  - {model_name: even, litellm_params: {model: hosted_vllm/e, api_base: "http://c:1/v1", api_key: k}, model_info: {id: c2}}
  - {model_name: even, litellm_params: {model: hosted_vllm/e, api_base: "http://a:1/v1", api_key: k}, model_info: {id: a3}}
  - {model_name: big, litellm_params: {model: openai/big, api_base: "http://b:1/v1", api_key: k}, model_info: {id: b2}}
  - {model_name: "px/*", litellm_params: {model: "openai/*", api_base: "http://d:1/v1", api_key: k}, model_info: {id: d1}}
router_settings:
  num_retries: 0
  fallbacks: [{fast: [safe]}, {big: [even, safe]}, {safe: [px/spare]}]
  model_group_alias: {quick: fast, other: {model: even, hidden: false}}
"""  # fmt: skip
ASKED = ["fast", "safe", "even", "big", "quick", "other", "px/any"]


def address(id_: str, config: dict[str, Any]) -> str:
    """Which of the upstreams a deployment is."""
    bases = {
        one["model_info"]["id"]: one["litellm_params"]["api_base"] for one in config["model_list"]
    }
    return bases.get(id_, "nobody").removesuffix("/v1")


@pytest.mark.litellm
@pytest.mark.parametrize("down", ["", "a", "c"])
def test_what_works_today_is_answered_by_the_same(
    down: str, litellm: RealLiteLLM, tmp_path: Path
) -> None:
    (tmp_path / "litellm.yaml").write_text(WORKING)
    result = import_config([str(tmp_path / "litellm.yaml")])
    assert result.compiled
    before = yaml.safe_load(WORKING)
    after = yaml.safe_load(result.compiled.gateway_config_text)
    seen = []
    for given in (before, after):
        ids = [one["model_info"]["id"] for one in given["model_list"]]
        gone = tuple(id_ for id_ in ids if address(id_, given) == f"http://{down}:1")
        seen.append(
            {
                name: {address(one["who"], given) for one in litellm.ask(given, name, 30, gone)}
                for name in ASKED
            }
        )
    before_it, after_it = seen
    for name in ASKED:
        # Today a failure leaves the name though another deployment of it is up; not any more.
        assert after_it[name] <= before_it[name], (name, seen)
        assert down or after_it[name] == before_it[name], (name, seen)


@pytest.mark.litellm
def test_the_tables_of_keys_are_litellms(litellm: RealLiteLLM) -> None:
    command = [
        ROOT / "build/venvs/litellm/bin/python",
        ROOT / "tests/tools/litellm_keys.py",
        "--check",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-500:]
