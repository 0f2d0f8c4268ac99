"""Patterns, capabilities and sizes as a generator of registries draws them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

EXPRESSIONS = ("^gpt-4.*", "^gpt-", "^openai/.*", "^vllm-1/.*", "^new-", "^zz/(.*)$", ".*", "o",
               "^(on|1e5)$", "(?i)GPT", "[0-9]$", "^größe$", "^helper$", "llama|a#b")  # fmt: skip
STRATEGIES = ("load_balance", "usage_based", "fastest_response", "least_loaded", "lowest_cost",
              "direct", "ordered", "priority")  # fmt: skip
SIZES = ("< 7B", "7B - 13B", "> 13B", "<= 1T", "8x7B - 1T")
TASKS = ("code", "chat", "größer/als")


def some(values: Any, key: str) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with that key, or an empty one."""
    strategy = values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)
    return st.just({}) | strategy.map(lambda value: {key: value})


@st.composite
def rules(draw: st.DrawFn, providers: list[str], models: list[str]) -> dict[str, Any]:
    """The sections `patterns`, `capabilities`, `model_size_routing` and `routing_rules`."""

    def pattern(expression: str) -> dict[str, Any]:
        return (
            {"pattern": expression, "provider": draw(st.sampled_from(providers))}
            | draw(some(models, "backend_model"))
            | draw(some(["primary", "secondary", "tertiary"], "priority"))
            | draw(some([*providers, *models], "fallback"))
        )

    def task() -> dict[str, Any]:
        chosen = st.lists(st.sampled_from(models), min_size=1, max_size=3, unique=True)
        return (
            {"routing_strategy": draw(st.sampled_from(STRATEGIES))}
            | draw(some(chosen, "preferred_models"))
            | draw(some(providers, "provider"))
            | draw(some([1, 4096], "min_context"))
            | draw(some(["270M", "7B"], "min_model_size"))
            | draw(some(providers, "fallback"))
        )

    expressions = draw(st.lists(st.sampled_from(EXPRESSIONS), max_size=4, unique=True))
    ranges = draw(st.lists(st.sampled_from(SIZES), max_size=2, unique=True))
    tasks = draw(st.lists(st.sampled_from(TASKS), min_size=1, max_size=2, unique=True))
    return {
        "patterns": [pattern(one) for one in expressions],
        "capabilities": {name: task() for name in tasks},
        "model_size_routing": [
            {"size": one, "provider": draw(st.sampled_from(providers))} for one in ranges
        ],
        "routing_rules": draw(some(providers, "default_provider")),
    }


def make_whole(
    tree: dict[str, Any], served: dict[str, set[str]], there: Callable[[str], str]
) -> None:
    """Takes out what would be refused; `served`: live provider -> its models."""
    everything = set().union(*served.values()) if served else set()
    tree["model_size_routing"] = tree["model_size_routing"][:1]
    whole = [*tree["patterns"], *tree["capabilities"].values(), *tree["model_size_routing"]]
    for entry in whole:
        for key in ("provider", "fallback") if served else ():
            if key in entry:
                entry[key] = there(entry[key])
    tree["patterns"] = list(_patterns(tree, served, everything)) if served else []
    for name, task in list(tree["capabilities"].items()):
        fitting = served.get(task.get("provider", ""), everything)
        task["preferred_models"] = [
            one for one in task.get("preferred_models", ()) if one in fitting
        ]
        for key in ("min_context", "min_model_size"):
            task.pop(key, None)
        if not task["preferred_models"]:
            task.pop("preferred_models")
            if "provider" not in task:
                del tree["capabilities"][name]
    rules_ = tree["routing_rules"]
    if rules_.get("default_provider") and served:
        rules_["default_provider"] = there(rules_["default_provider"])
    if not served or any(one["pattern"] == ".*" for one in tree["patterns"]):
        rules_.pop("default_provider", None)


def _patterns(tree: dict[str, Any], served: dict[str, set[str]], everything: set[str]) -> Any:
    taken = {*tree["exact_matches"], *tree["redundant_models"], *tree["capabilities"]}
    ordered = sorted(
        tree["patterns"], key=lambda one: (one["pattern"] == ".*", -len(one["pattern"]))
    )
    for entry in ordered:
        mine = served[entry["provider"]]
        if entry.get("backend_model") not in mine:
            entry.pop("backend_model", None)
        known = everything if "backend_model" in entry else mine
        found = {name for name in known if re.search(entry["pattern"], name)} - taken
        if re.fullmatch(r"\^[a-z0-9/.-]+(\.\*)?|\^zz.*|\.\*|\^helper\$", entry["pattern"]):
            yield entry
        elif found:
            taken |= found
            yield entry
