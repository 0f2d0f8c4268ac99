"""Chains, budgets, conditions, aliases and rules for all, as hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

RANKS = ["primary", "secondary", "tertiary", "quaternary"]
WHENS = ["error", "error", "context_window", "content_policy"]
CONDITIONS = [
    {"tag": "batch"}, {"tag": "größe"}, "tag: small", {"user_agent": "^curl/"},
    {"user_agent": "a|b"}, {"tag": "a,b"}, {"user_tier": "gold"}, {"tag": "a", "user_agent": "b"},
]  # fmt: skip
Draw = st.DrawFn


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def chains(draw: Draw, providers: list[str], names: list[str]) -> Any:
    """A list, or a mapping with ranks or plain names."""
    steps = draw(st.lists(st.sampled_from([*providers, *names]), min_size=1, max_size=3))
    form = draw(st.integers(0, 2))
    if form == 0:
        return steps
    ranked = [{rank: name} for rank, name in zip(RANKS, steps, strict=False)]
    found = {
        "chain": ranked if form == 1 else steps,
        "when": draw(maybe(st.sampled_from(WHENS))),
        "retry_attempts": draw(maybe(st.integers(0, 3))),
        "retry_delay_ms": draw(maybe(st.sampled_from([0, 200]))),
    }
    return {key: value for key, value in found.items() if value is not None}


@st.composite
def policies(draw: Draw, providers: list[str], names: list[str]) -> dict[str, Any]:
    """The sections beside the names; each of them half of the time."""
    one, fallback = st.sampled_from(providers), st.sampled_from([*providers, *names])
    budget = st.fixed_dictionaries(
        {"max_budget": st.integers(1, 9), "budget_duration": st.sampled_from(["1h", "30d", "1mo"])}
    )
    condition = st.fixed_dictionaries(
        {"condition": st.sampled_from(CONDITIONS), "provider": one},
        optional={"fallback": fallback},
    )
    rules = {
        "default_fallback": draw(maybe(fallback)),
        "retry_attempts": draw(maybe(st.integers(0, 2))),
        "retry_delay_ms": draw(maybe(st.just(200))),
        "timeout_seconds": draw(maybe(st.integers(1, 90))),
        "load_balancing": draw(
            maybe(st.fixed_dictionaries({"strategy": st.sampled_from(["load_balance", "ordered"])}))
        ),
        "request_metadata_routing": draw(maybe(st.lists(condition, max_size=3))),
    }
    keys = st.sampled_from([*names, *providers, "a-chain"])
    return {
        "fallback_chains": draw(st.dictionaries(keys, chains(providers, names), max_size=3)),
        "budgets": draw(st.dictionaries(one, budget, min_size=1, max_size=1)),
        "aliases": draw(st.dictionaries(st.just("nick"), st.sampled_from(names), max_size=1)),
        "debug_router": draw(st.booleans()),
        "routing_rules": {key: value for key, value in rules.items() if value is not None},
    }


def make_whole(
    tree: dict[str, Any], served: Mapping[str, set[str]], there: Callable[[str], str]
) -> None:
    """Takes out what would be refused, so that much of what is drawn is compiled."""
    if "fallback_chains" not in tree:
        return
    live = {name for models in served.values() for name in models}
    if not served:
        for section in ("fallback_chains", "budgets", "aliases", "routing_rules"):
            tree.pop(section, None)
        return
    found: dict[str, Any] = {}
    for number, chain in enumerate(tree["fallback_chains"].values()):
        _chain(found, chain, number, sorted(live), there)
    tree["fallback_chains"] = found
    tree["aliases"] = {name: to for name, to in tree["aliases"].items() if to in live}
    tree["budgets"] = {
        name: one | {"models": {model: {"max_budget": 1e-3} for model in served[name]}}
        for name, one in tree["budgets"].items()
        if name in served and _priced(tree["providers"][name])
    }
    rules = tree["routing_rules"]
    if rules.get("default_fallback"):
        rules["default_fallback"] = there(rules["default_fallback"])
    seen: list[Any] = []
    for one in rules.pop("request_metadata_routing", []):
        if one["condition"] in CONDITIONS[:5] and one["condition"] not in seen:
            seen.append(one["condition"])
            one["provider"] = there(one["provider"])
            if "fallback" in one:
                one["fallback"] = there(one["fallback"])
            rules.setdefault("request_metadata_routing", []).append(one)


def _chain(
    found: dict[str, Any], chain: Any, number: int, live: list[str], there: Callable[[str], str]
) -> None:
    """Steps are providers, which lead nowhere else; each primary has one chain."""
    steps = chain if isinstance(chain, list) else chain["chain"]
    plain = [next(iter(one.values())) if isinstance(one, dict) else one for one in steps]
    primary = live[number % len(live)]
    rest = list(dict.fromkeys(map(there, plain)))
    if isinstance(chain, list):
        found[primary] = rest
    else:
        ranked = [{rank: one} for rank, one in zip(RANKS, [primary, *rest], strict=False)]
        if all(primary != name for name in found):
            found[f"chain-{number}"] = {**chain, "chain": ranked, "retry_delay_ms": 200}


def _priced(spec: dict[str, Any]) -> bool:
    """Gives each of a provider's models a price."""
    spec["models"] = [
        {**(one if isinstance(one, dict) else {"name": one}), "input_cost_per_million_tokens": 1}
        for one in spec["models"]
    ]
    return "deploy" not in spec


def judge(config: dict[str, Any]) -> dict[str, bool]:
    """What holds of every configuration; what it has of all this."""
    entries, router = config["model_list"], config["router_settings"]
    ids = [entry["model_info"]["id"] for entry in entries]
    callable_names = {entry["model_name"] for entry in entries} | set(ids)
    special = [
        chain
        for key in ("context_window_fallbacks", "content_policy_fallbacks")
        for chain in router.get(key, ())
    ]
    for chain in special:
        for source, targets in chain.items():
            assert source in callable_names
            assert set(targets) <= callable_names
            assert source not in targets
    tagged = [entry for entry in entries if entry["model_info"].get("enable_tag_filtering")]
    for entry in tagged:
        group = [one for one in entries if one["model_name"] == entry["model_name"]]
        assert any("default" in one["litellm_params"].get("tags", ()) for one in group)
        assert all(one in tagged for one in group)
    budgets = [entry for entry in entries if "max_budget" in entry["litellm_params"]]
    called = {
        to for chain in router.get("fallbacks", ()) for list_ in chain.values() for to in list_
    }
    for entry in budgets:  # what is called by an id that is no name goes past its budget
        id_ = entry["model_info"]["id"]
        assert id_ not in called or any(one["model_name"] == id_ for one in entries)
    return {
        "special chains": bool(special),
        "conditions": bool(tagged),
        "budgets": bool(budgets),
        "retries": any("num_retries" in entry["litellm_params"] for entry in entries),
    }
