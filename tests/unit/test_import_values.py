"""Every value of a file is carried over or told on its line: a sweep over all keys and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.importing import keys, keys_settings
from ansible_collections.lab.llm.plugins.module_utils.importing.entry_checks import CARRIED_INFO
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import (
    Imported,
    import_config,
)

VALUES: list[Any] = [
    *(-1, 0, 1, 7, 1.5, 10**15, True, False, "", "abc", "60", "2026-01-01"),
    *([], ["x"], [7], [{"x": 1}], {}, {"x": 1}, {"x": "y"}),
]
PRICES = ("input_cost_per_token", "output_cost_per_token")
# Where a key stands, and those that LiteLLM knows there or that the registry has a word for.
SECTIONS = {
    "litellm_params": sorted({*keys.PARAMS, *PRICES, "misspelt"} - {"model"}),
    "model_info": sorted({*keys.INFO, *CARRIED_INFO, *PRICES, "misspelt"}),
    "router_settings": sorted({*keys.ROUTER, "misspelt"}),
    "litellm_settings": sorted({*keys_settings.SETTINGS, "misspelt"}),
    "general_settings": sorted({*keys_settings.GENERAL, "misspelt"}),
}
# What says nothing: LiteLLM does the same without it, and so does the registry.
SAYS_NOTHING: dict[str, tuple[Any, ...]] = {
    # of a name with one deployment
    **dict.fromkeys(("weight", "order"), (-1, 0, 1, 7, 1.5)),
    "id": (-1, 0, 1, 7, 10**15, "", "abc", "60", "2026-01-01"),
    # of a configuration without limits and tags; the registry needs no such switch
    **dict.fromkeys(("enable_pre_call_checks", "enable_tag_filtering"), (True, False)),
    "enable_weighted_failover": (True,),
    # nothing is listed
    **dict.fromkeys(("tags", "tag_regex", "routing_groups", "optional_pre_call_checks"), ([],)),
    **dict.fromkeys(("model_group_alias", "provider_budget_config"), ({},)),
    **dict.fromkeys(("retry_policy", "allowed_fails_policy"), ({},)),
    **dict.fromkeys(("fallbacks", "content_policy_fallbacks"), ([], {})),
    "context_window_fallbacks": ([], {}),
    **dict.fromkeys(("api_key", "api_version", "base_url"), ("",)),
    "extra_headers": ({},),
}
ENTRY = {"model": "hosted_vllm/c", "api_base": "http://c:8000/v1"}


def entry(name: str, where: str = "", key: str = "", value: Any = None) -> str:
    """An entry of model_list, on one line."""
    made: dict[str, Any] = {"model_name": name, "litellm_params": dict(ENTRY)}
    made["litellm_params"]["model"] = f"hosted_vllm/{name}"
    if where:
        made.setdefault(where, {})[key] = value
    return f"  - {json.dumps(made)}\n"


def whole(where: str, given: list[str], value: Any) -> tuple[str, int]:
    """A configuration in which these keys have a value, and the line of the first of them."""
    if where in ("litellm_params", "model_info"):
        some = (entry(f"m{number}", where, key, value) for number, key in enumerate(given))
        return "model_list:\n" + "".join(some), 2
    lines = "".join(f"  {json.dumps({key: value})[1:-1]}\n" for key in given)
    return f"model_list:\n{entry('m0')}{where}:\n{lines}", 4


def imported(text: str, folder: Path) -> tuple[Imported, set[int], str]:
    """The outcome, the lines of which something is said, and the registry without comments."""
    file = folder / "litellm.yaml"
    file.write_text(text)
    result = import_config([str(file)])
    assert result.files, result.errors
    told = {one.place.line for one in (*result.findings, *result.left)}
    lines = "\n".join(result.files.values()).splitlines()
    return result, told, "\n".join(line for line in lines if not line.strip().startswith("#"))


@pytest.mark.parametrize("where", SECTIONS)
@pytest.mark.parametrize("value", VALUES, ids=[json.dumps(one) for one in VALUES])
def test_a_value_is_carried_over_or_told(where: str, value: Any, tmp_path: Path) -> None:
    text, first = whole(where, SECTIONS[where], value)
    told = imported(text, tmp_path)[1]
    untold = [key for at, key in enumerate(SECTIONS[where]) if at + first not in told]
    without = imported(f"model_list:\n{entry('m0')}", tmp_path)[2]
    vanished = []
    for key in untold:
        text, first = whole(where, [key], value)
        _result, told, registry = imported(text, tmp_path)
        if first not in told and registry == without and not says_nothing(key, value):
            vanished.append(key)
    assert vanished == []


def says_nothing(key: str, value: Any) -> bool:
    """Whether the value of a key means nothing anyway; 1 is not true here."""
    return any(one == value and type(one) is type(value) for one in SAYS_NOTHING.get(key, ()))
