"""Configurations with one point each, and who answers: for explain and for the real Router."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

Config = dict[str, Any]


def entry(name: str, id_: str, sent: str = "openai/m", **params: Any) -> dict[str, Any]:
    info = {"id": f"~{id_}", "mode": "chat"}
    for key in ("canary", "enable_tag_filtering"):
        if key in params:
            info[key] = params.pop(key)
    return {
        "model_name": name,
        "litellm_params": {"model": sent, "api_key": "k", **params},
        "model_info": info,
    }


def config(*entries: dict[str, Any], **settings: Any) -> Config:
    given = {"num_retries": 0, "enable_weighted_failover": True, **settings}
    return {
        "model_list": list(entries),
        "router_settings": given,
        "litellm_settings": {"callbacks": ["program.shares.shares"]},
    }


SHARED = (entry("r", "a/m", weight=3), entry("r", "b/m", weight=1))
RANKED = (entry("o", "a/m", order=1), entry("o", "b/m", order=2), entry("o", "c/m", order=3))
TRIAL = (entry("m", "a/m", weight=1), entry("m", "b/m", weight=1e-9))
CODE = (entry("code", "a/m#code"), entry("code", "b/m#code"))
FASTEST = {
    "routing_groups": [
        {"group_name": "code", "models": ["code"], "routing_strategy": "latency-based-routing"}
    ],
    "fallbacks": [{"code": ["~a/m#code", "~b/m#code", "~v/m"]}],
}

# (what it is about, configuration, name, down, answers, nobody)
ANSWERS: list[tuple[str, Config, str, tuple[str, ...], dict[str, float | None], float]] = [
    ("one", config(entry("x", "a/m")), "x", (), {"~a/m": 1}, 0),
    ("one that fails", config(entry("x", "a/m")), "x", ("a",), {}, 1),
    ("shares", config(*SHARED), "r", (), {"~a/m": 0.75, "~b/m": 0.25}, 0),
    ("shares go to the others", config(*SHARED), "r", ("a",), {"~b/m": 1}, 0),
    ("and else nowhere", config(*SHARED, enable_weighted_failover=False), "r", ("a",),
     {"~b/m": 0.25}, 0.75),
    ("of three, one down", config(*SHARED, entry("r", "c/m", weight=1)), "r", ("a",),
     {"~b/m": 0.5, "~c/m": 0.5}, 0),
    ("some without a weight", config(*SHARED, entry("r", "c/m")), "r", (),
     {"~a/m": 0.75, "~b/m": 0.25}, 0),
    ("no weights at all", config(entry("r", "a/m"), entry("r", "b/m")), "r", (),
     {"~a/m": 0.5, "~b/m": 0.5}, 0),
    ("rpm for want of weights", config(entry("r", "a/m", rpm=30), entry("r", "b/m", rpm=10)),
     "r", (), {"~a/m": 0.75, "~b/m": 0.25}, 0),
    ("weights of a billionth", config(*TRIAL), "m", (), {"~a/m": 1}, 0),
    ("and after them", config(*TRIAL), "m", ("a",), {"~b/m": 1}, 0),
    ("order", config(*RANKED), "o", ("a",), {"~b/m": 1}, 0),
    ("order to its end", config(*RANKED), "o", ("a", "b"), {"~c/m": 1}, 0),
    ("order beside shares leaves a peer out",
     config(*SHARED, entry("r", "c/m", order=2), fallbacks=[]), "r", (), {"~c/m": 1}, 0),
    ("a jump over the peers", config(
        entry("r", "a/m", weight=1, order=1), entry("r", "b/m", weight=1, order=1),
        entry("r", "c/m", order=2)), "r", ("a",), {"~b/m": 0.5, "~c/m": 0.5}, 0),
    ("a canary", config(*TRIAL, entry("m", "t/m", weight=0, canary=0.05)), "m", (),
     {"~a/m": 0.95, "~t/m": 0.05}, 0),
    ("a canary that fails", config(*TRIAL, entry("m", "t/m", weight=0, canary=0.05)), "m", ("t",),
     {"~a/m": 1}, 0),
    ("only a canary left", config(*TRIAL, entry("m", "t/m", weight=0, canary=0.05)), "m",
     ("a", "b"), {"~t/m": 1}, 0),
    ("a fallback to a name", config(entry("x", "a/m"), *SHARED, fallbacks=[{"x": ["r"]}]), "x",
     ("a",), {"~b/m": 1}, 0),
    ("a fallback to an id", config(entry("x", "a/m"), *RANKED, fallbacks=[{"x": ["~c/m"]}]), "x",
     ("a",), {"~c/m": 1}, 0),
    ("a fallback that is not there", config(entry("x", "a/m"), fallbacks=[{"x": ["gone"]}]), "x",
     ("a",), {}, 1),
    ("of two chains the first", config(entry("x", "a/m"), entry("y", "b/m"), entry("z", "c/m"),
     fallbacks=[{"x": ["y"]}, {"x": ["z"]}]), "x", ("a",), {"~b/m": 1}, 0),
    ("a circle", config(entry("x", "a/m"), entry("y", "b/m"),
     fallbacks=[{"x": ["y"]}, {"y": ["x"]}]), "x", ("a", "b"), {}, 1),
    ("openai/x takes x's", config(entry("openai/x", "a/m"), entry("y", "b/m"),
     fallbacks=[{"x": ["y"]}]), "openai/x", ("a",), {"~b/m": 1}, 0),
    ("not from an own prefix", config(entry("lab/x", "a/m"), entry("y", "b/m"),
     fallbacks=[{"x": ["y"]}]), "lab/x", ("a",), {}, 1),
    ("gpt-4 takes openai/gpt-4's", config(entry("gpt-4", "a/m"), entry("y", "b/m"),
     fallbacks=[{"openai/gpt-4": ["y"]}]), "gpt-4", ("a",), {"~b/m": 1}, 0),
    ("an empty list stops that", config(entry("gpt-4", "a/m"), entry("y", "b/m"),
     fallbacks=[{"openai/gpt-4": ["y"]}, {"gpt-4": []}]), "gpt-4", ("a",), {}, 1),
    ("a hop goes on with the first name's chain", config(
        entry("x", "a/m"), entry("y", "b/m"), entry("z", "c/m"), entry("w", "d/m"),
        fallbacks=[{"x": ["y", "w"]}, {"y": ["z"]}]), "x", ("a", "b", "c"), {"~d/m": 1}, 0),
    ("everybody by a strategy", config(*CODE, entry("~v/m", "v/m"), **FASTEST), "code", (),
     {"~a/m#code": None, "~b/m#code": None}, 0),
    ("one of them down", config(*CODE, entry("~v/m", "v/m"), **FASTEST), "code", ("a",),
     {"~b/m#code": 1}, 0),
    ("all of them down", config(*CODE, entry("~v/m", "v/m"), **FASTEST), "code", ("a", "b"),
     {"~v/m": 1}, 0),
    ("an alias", config(*SHARED, model_group_alias={"al": "r"}), "al", (),
     {"~a/m": 0.75, "~b/m": 0.25}, 0),
    ("an alias of an alias", config(*SHARED, model_group_alias={"al": "r", "all": "al"}), "all",
     (), {}, 1),
    ("an alias hijacks a name", config(*SHARED, entry("x", "c/m"),
     model_group_alias={"x": "r"}), "x", ("a",), {"~b/m": 1}, 0),
    ("a group in order", config(entry("x", "a/m"), entry("y", "b/m"), routing_groups=[
        {"group_name": "g", "models": ["x", "y"], "routing_strategy": "priority",
         "model_priorities": {"x": 2, "y": 1}}]), "g", ("b",), {"~a/m": 1}, 0),
]  # fmt: skip

WILD = config(
    entry("gpt-*", "a/*#gpt", "openai/gpt-*"),
    entry("gpt-4*", "b/*#gpt4", "openai/*", order=1),
    entry("gpt-4*", "c/m", "openai/spare", order=2),
    entry("lab/*/x-*", "d/m", "openai/*-*"),
    entry("openai/*", "e/m", "openai/*"),
    entry("gpt-4o", "f/m"),
)
# (name, kind of what matched, what matched, the model that is asked for)
NAMES = [
    ("gpt-3", "wildcard", "gpt-*", "gpt-3"),
    ("gpt-41", "wildcard", "gpt-4*", "1"),  # the longest one
    ("gpt-4o", "exact", "gpt-4o", "m"),
    ("lab/big/x-1", "wildcard", "lab/*/x-*", "big-1"),
    ("o3-mini", "wildcard", "openai/*", "o3-mini"),  # LiteLLM knows whose this is
    ("~f/m", "id", "~f/m", "m"),
    ("openai/m", "wildcard", "openai/*", "m"),
    ("GPT-3", "none", "", ""),
    ("llama", "none", "", ""),
]

TAGGED = config(
    entry("m", "fast/m", weight=1, tags=["gold"], enable_tag_filtering=True),
    entry("m", "agents/m", weight=1e-9, tag_regex=["^User-Agent: aider"]),
    entry("m", "rest/m", weight=1e-18, tags=["default", "gold"], tag_regex=["aider"]),
)
# (tags, User-Agent, who answers)
TAGS: list[tuple[tuple[str, ...], str, str]] = [
    ((), "", "~rest/m"),
    (("gold",), "", "~fast/m"),
    (("other",), "", "~rest/m"),
    (("!gold",), "", ""),
    (("&gold",), "", "~fast/m"),
    ((), "aider/1.0", "~agents/m"),
    ((), "curl/8", "~rest/m"),
]


def chain(names: str, most: int) -> Config:
    """Names that fall back one to the next, with so many hops allowed."""
    entries = [entry(name, f"{name}/m") for name in names]
    fallbacks = [{one: [two]} for one, two in pairwise(names)]
    return config(*entries, fallbacks=fallbacks, max_fallbacks=most)
