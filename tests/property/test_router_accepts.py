"""A registry that the schema admits gives errors, or a config that the real Router takes."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import drawn_policies
import drawn_rules
import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import PROVIDER_TYPES
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from tools.real_litellm import real_litellm

pytestmark = pytest.mark.litellm

SEED = int(os.environ.get("LAB_LLM_SEED", "20260101"))
EXAMPLES = int(os.environ.get("LAB_LLM_EXAMPLES", "200"))
INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["g1", "g2", "g3"]},
    {"gw": "10.0.0.1", "g1": "10.0.0.11", "g2": "fd00::2", "g3": "g3.lab"},
)
SOURCE = {"path": "/srv/m.gguf"}
PROVIDER_NAMES = ["ollama", "vllm-1", "p.2", "X_3", "cloud", "1.5"]
MODEL_NAMES = ["llama3.1:8b", "gpt-4", "meta/llama-3", "on", "1e5", "größe", "a#b", "openai/gpt-4"]
PUBLIC_NAMES = [*MODEL_NAMES, "assistant", "fast", "x-ray"]

names = st.sampled_from
some = st.booleans()


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Half of the time nothing; None values are left out of mappings."""
    return st.none() | strategy


def mapping(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(keys).map(
        lambda drawn: {key: value for key, value in drawn.items() if value is not None}
    )


HEADERS = st.dictionaries(
    names(["Authorization", "X-API-Key", "X-Team"]),
    names(["Bearer ${KEY_1}", "${KEY_2}", "Token ${KEY_1}:${KEY_2}"]),
    max_size=2,
)
MODEL = names(MODEL_NAMES) | mapping(
    name=names(MODEL_NAMES),
    size=maybe(names(["7B", "8x7B", "270M"])),
    context_length=maybe(st.integers(1, 200_000)),
    mode=maybe(names(["chat", "completion", "embedding"])),
    source=maybe(st.just(SOURCE)),
)
DEPLOYED = mapping(
    type=st.just("llama_cpp"),
    deploy=mapping(
        hosts=names(["gw", "g1", "gpus"]),
        port=maybe(st.integers(8000, 8010)),
        options=maybe(st.just({"ctx_size": 4096})),
    ),
    status=maybe(names(["active", "testing"])),
    env_var=maybe(names(["KEY_1"])),
    models=names(MODEL_NAMES).map(lambda name: [{"name": name, "source": SOURCE}]),
)
HOSTED = mapping(
    type=names(sorted(PROVIDER_TYPES)),
    base_url=names(["http://h:8000", "https://h/v1/", "http://[fd00::1]:1/api/v3"]) | st.none(),
    status=maybe(names(["active", "active", "testing", "disabled", "template", "deprecated"])),
    env_var=maybe(names(["KEY_1", "KEY_2"])),
    requires_api_key=maybe(some),
    api_version=maybe(st.just("2024-10-21")),
    default_model=maybe(names(MODEL_NAMES)),
    timeout_seconds=maybe(st.floats(0.5, 600) | st.integers(1, 600)),
    max_parallel_requests=maybe(st.integers(1, 9)),
    custom_config=maybe(
        mapping(
            auth_method=maybe(names(["bearer_token", "header", "none"])), headers=maybe(HEADERS)
        )
    ),
    models=maybe(st.lists(MODEL, max_size=4)),
)
FALLBACK = maybe(
    names([*PROVIDER_NAMES, *PUBLIC_NAMES])
    | st.lists(names([*PROVIDER_NAMES, *PUBLIC_NAMES]), min_size=1, max_size=3, unique=True)
)
EXACT = mapping(
    provider=names(PROVIDER_NAMES),
    backend_model=maybe(names(MODEL_NAMES)),
    priority=maybe(names(["primary", "secondary", "tertiary"])),
    fallback=FALLBACK,
)
MEMBERS = st.lists(names(PROVIDER_NAMES), min_size=1, max_size=3, unique=True)


@st.composite
def shares(draw: st.DrawFn) -> dict[str, Any]:
    """Members with a weight each, or with none."""
    weighted = draw(some)
    members = []
    for name in draw(MEMBERS):
        member = {"provider": name, "model": draw(maybe(names(MODEL_NAMES)))}
        if weighted:
            member["weight"] = draw(names([0, 1, 3, 0.25]))
        members.append({key: value for key, value in member.items() if value is not None})
    fallback = draw(FALLBACK)
    return {"providers": members} | ({"fallback": fallback} if fallback else {})


NUMBERS = maybe(st.integers(1, 1000))
LIMIT = mapping(
    rpm=NUMBERS,
    tpm=NUMBERS,
    models=maybe(
        st.dictionaries(names(MODEL_NAMES), mapping(rpm=NUMBERS, tpm=NUMBERS), max_size=2)
    ),
)


@st.composite
def registries(draw: st.DrawFn) -> dict[str, Any]:
    """A part of them drawn freely, the others so that what they name is there."""
    tree: dict[str, Any] = {
        "providers": draw(
            st.dictionaries(
                names(PROVIDER_NAMES), HOSTED | HOSTED | DEPLOYED, min_size=1, max_size=5
            )
        ),
        "exact_matches": draw(st.dictionaries(names(PUBLIC_NAMES), EXACT, max_size=4)),
        "redundant_models": draw(st.dictionaries(names(PUBLIC_NAMES), shares(), max_size=2)),
        "rate_limit_settings": {
            "limits": draw(st.dictionaries(names(PROVIDER_NAMES), LIMIT, max_size=2))
        },
    }
    tree |= draw(drawn_rules.rules(PROVIDER_NAMES, MODEL_NAMES))
    beside = draw(drawn_policies.policies(PROVIDER_NAMES, MODEL_NAMES))
    rules = tree.get("routing_rules", {}) | beside["routing_rules"]
    tree |= beside | {"routing_rules": rules}
    if draw(st.integers(0, 3)):
        _make_whole(tree)
    return tree


def _make_whole(tree: dict[str, Any]) -> None:
    """Takes out what would be refused, so that much of what is drawn is compiled."""
    providers = tree["providers"]
    for number, spec in enumerate(providers.values()):
        _whole_provider(spec, 8000 + number)
    live = [name for name, spec in providers.items() if spec.get("status", "active") == "active"]
    served = {name: {_name(model) for model in providers[name]["models"]} for name in live}

    def there(name: str) -> str:
        return name if name in live else live[len(name) % len(live)]

    for section in ("exact_matches", "redundant_models"):
        if not live:
            tree[section] = {}
        for rule in tree[section].values():
            if "providers" in rule:
                members = {there(one["provider"]): one for one in rule["providers"]}
                rule["providers"] = [one | {"provider": name} for name, one in members.items()]
                if not any(one.get("weight", 1) for one in rule["providers"]):
                    rule["providers"][0]["weight"] = 1
            else:
                rule["provider"] = there(rule["provider"])
            for one in rule.get("providers", [rule]):
                for key in ("model", "backend_model"):
                    if one.get(key) not in served[one["provider"]]:
                        one.pop(key, None)
            drawn = rule.pop("fallback", [])
            if drawn:
                named = [drawn] if isinstance(drawn, str) else drawn
                rule["fallback"] = list(dict.fromkeys(map(there, named)))
    for name in set(tree["redundant_models"]) & set(tree["exact_matches"]):
        del tree["exact_matches"][name]
    drawn_rules.make_whole(tree, served, there)
    drawn_policies.make_whole(tree, served, there)
    limits = tree["rate_limit_settings"]["limits"]
    tree["rate_limit_settings"]["limits"] = {
        name: {"models": {one: {"rpm": 1 + (limit.get("rpm") or 9)} for one in served[name]}}
        for name, limit in limits.items()
        if name in live
    }


def _name(model: Any) -> str:
    return model if isinstance(model, str) else model["name"]


def _whole_provider(spec: dict[str, Any], port: int) -> None:
    if spec["type"] == "azure":
        spec["api_version"] = "2024-10-21"
    if "deploy" in spec:
        spec["deploy"]["port"] = port
        return
    spec.setdefault("base_url", "http://there:9000")
    spec.pop("requires_api_key", None)
    headers = spec.pop("custom_config", {}).get("headers", {})
    headers.pop("Authorization", None)
    if headers:
        spec["custom_config"] = {"headers": headers}
    models = {_name(model): model for model in spec.get("models") or ["gpt-4", "on"]}
    for model in models.values():
        if isinstance(model, dict):
            model.pop("mode", None)
    spec["models"] = list(models.values())
    spec["default_model"] = next(iter(models))


SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module")
def registry_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(tree=registries())
def test_errors_or_a_config_that_the_router_takes(
    registry_directory: Path, tree: dict[str, Any]
) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    note(f"seed {SEED}\n{text}")
    (registry_directory / "lab.yaml").write_text(text)
    found = compile_registry(str(registry_directory), INVENTORY)
    if has_errors(found.problems):
        assert found.gateway_config is None
        SEEN.update(["refused", *{problem.code for problem in found.problems}])
        return
    SEEN.update(["compiled"])
    config = found.gateway_config
    assert config is not None
    assert yaml.safe_load(found.gateway_config_text) == config
    assert compile_registry(str(registry_directory), INVENTORY).gateway_config_text == (
        found.gateway_config_text
    )
    json.dumps(found.as_dict())
    judge(config, real_litellm().load(config))


def judge(config: dict[str, Any], seen: dict[str, Any]) -> None:
    """Nothing dropped, nothing that leads nowhere, nobody's key to somebody else."""
    entries, router = config["model_list"], config["router_settings"]
    ids = [entry["model_info"]["id"] for entry in entries]
    assert seen["ids"] == ids
    callable_names = {entry["model_name"] for entry in entries} | set(ids)
    for chain in router.get("fallbacks", ()):
        for source, targets in chain.items():
            assert source in callable_names
            assert set(targets) <= callable_names
    for group in router.get("routing_groups", ()):
        assert group["models"] == [group["group_name"]]
        assert group["group_name"] in callable_names
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        params = entry["litellm_params"]
        groups.setdefault(entry["model_name"], []).append(params)
        signs = params["model"].split("/")[0] in ("bedrock", "vertex_ai")
        assert params.get("api_key") or signs
    for group in groups.values():
        assert len({"weight" in params for params in group}) == 1
        assert len({"order" in params for params in group}) == 1
        assert not any("weight" in params and "order" in params for params in group)
    for name in groups:
        # One with a limit keeps its id under each condition, too.
        members = [
            (entry["model_info"]["id"], repr(entry["litellm_params"].get("tags")),
             repr(entry["litellm_params"].get("tag_regex")))
            for entry in entries if entry["model_name"] == name
        ]  # fmt: skip
        assert len(set(members)) == len(members)
    same = {}
    for entry in entries:  # copies with one id must be one deployment
        kept = {
            k: v
            for k, v in entry["litellm_params"].items()
            if k not in ("weight", "order", "num_retries", "tags", "tag_regex")
        }
        assert same.setdefault(entry["model_info"]["id"], kept) == kept
    SEEN.update(
        key
        for key, there in {
            **drawn_policies.judge(config),
            "weights": any("weight" in p for group in groups.values() for p in group),
            "order": any("order" in p for group in groups.values() for p in group),
            "limits": any("rpm" in p or "tpm" in p for group in groups.values() for p in group),
            "headers": any("extra_headers" in p for group in groups.values() for p in group),
            "fallbacks": bool(router.get("fallbacks")),
            "hosts": any("@" in one for one in ids),
            "wildcards": any("*" in name for name in groups),
            "fallbacks of wildcards": any("*" in n and len(g) > 1 for n, g in groups.items()),
            "strategies": bool(router.get("routing_groups")),
            "testing": any(name.startswith("testing/") for name in groups),
        }.items()
        if there
    )


def test_the_registries_drawn_were_rich() -> None:
    """Runs after the test above, and says what it saw; a generator gone poor proves nothing."""
    if not SEEN:
        pytest.skip("the property test did not run")
    print(f"seed {SEED}: {dict(SEEN.most_common())}")
    wanted = ("compiled", "refused", "weights", "order", "limits", "fallbacks", "hosts", "testing",
              "wildcards", "fallbacks of wildcards", "strategies", "special chains", "conditions",
              "budgets", "retries")  # fmt: skip
    poor = {key: SEEN[key] for key in wanted if SEEN[key] < EXAMPLES / 200}
    assert not poor, f"{poor} of {EXAMPLES}"
