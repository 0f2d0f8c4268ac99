# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of deployments that LiteLLM knows and the registry has no word for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..registry.provider_types import PROVIDER_TYPES
from ..registry.yaml_tree import Mapping as Node
from .draft import Draft
from .entries import Deployment
from .entry_checks import CARRIED_INFO
from .groups import Group
from .keys import COST, INFO, PARAMS, words
from .notes import Notes, listing
from .vendors import vendor_of

# Read by the other parts of the import.
_READ = words(
    """
    model api_base base_url api_key api_version extra_headers weight order rpm tpm timeout
    stream_timeout max_parallel_requests max_budget budget_duration custom_llm_provider tags
    tag_regex litellm_credential_name num_retries input_cost_per_token output_cost_per_token
    """
)
_SIGNING = ("aws_", "vertex_")
_WHY = {
    "api_base": "LiteLLM takes the base_url that stands beside it",
    "organization": "give it as a header, OpenAI-Organization",
    "drop_params": "the registry has no word for parameters of requests",
    "mock_response": "a provider answers by itself",
    "max_retries": "see `retry_attempts`",
    "stream": "a client says whether it wants a stream",
    "cooldown_time": "LiteLLM's own default holds",
}
_PARAMETER = "the registry has no word for it; a client can send it with its request"
_INFO_READ = words(
    """
    id mode order enable_tag_filtering max_input_tokens max_output_tokens input_cost_per_token
    output_cost_per_token
    """
)
_RETRIES = 2  # what we render for a name with nowhere else to go


def leave(deployments: Iterable[Deployment], notes: Notes) -> None:
    """Says of each such parameter that it is left out, and why."""
    for one in deployments:
        if not one.provider or one.id.startswith("~"):
            continue
        if one.name.startswith("~"):
            notes.not_carried(one.place, one.called, "a name that begins with '~' is an id")
        for key, value in one.params.items():
            known = key in PARAMS or COST.search(key)
            read = key in _READ or (key.startswith(_SIGNING) and _is_signed(one))
            read = read and not (key == "api_base" and one.base_key != key)
            if known and not read and value is not None:
                why = "LiteLLM's own list of prices holds" if COST.search(key) else ""
                why = why or _WHY.get(key, _PARAMETER)
                notes.not_carried(one.params.key_place(key), f"{one.called}.{key}", why)
        if one.info is not None:
            _leave_info(one.called, one.info, notes)


def _is_signed(one: Deployment) -> bool:
    """Whether requests to its type of provider are signed with such parameters."""
    row = PROVIDER_TYPES.get(vendor_of(one.prefix, one.base).type)
    return row is not None and bool(row.parameters)


def _leave_info(called: str, info: Node, notes: Notes) -> None:
    for key in info:
        known = key in INFO or COST.search(key)
        if known and key not in _INFO_READ and key not in CARRIED_INFO:
            what = f"{called}.model_info.{key}"
            notes.not_carried(info.key_place(key), what, "the registry has no word for it")


def write_retries(
    draft: Draft, deployments: Iterable[Deployment], groups: Mapping[str, Group], notes: Notes
) -> None:
    """num_retries of deployments: one rule where all that have it agree, else the largest."""
    known = [one for one in deployments if one.provider]
    given = [one for one in known if "num_retries" in one.numbers]
    given = [one for one in given if not _as_rendered(one, groups)]
    if not given:
        return
    rules = draft.sections.setdefault("routing_rules", {})
    most = max(int(one.numbers["num_retries"]) for one in given)
    counts = rules.setdefault("retry_attempts", most)
    places = [one.at("num_retries") for one in given if one.numbers["num_retries"] == counts]
    draft.from_places(("routing_rules", "retry_attempts"), places)
    for one in given:
        if one.numbers["num_retries"] != counts:
            why = f"routing_rules.retry_attempts holds for all, and is {counts}"
            notes.not_carried(one.at("num_retries"), f"{one.called}.num_retries", why)
    others = (one for one in known if "num_retries" not in one.numbers)
    without = list(dict.fromkeys(one.called for one in others))
    if without and counts == most and not all(one.id.startswith("~") for one in known):
        what = f"that {listing(without)} had no num_retries"
        why = f"routing_rules.retry_attempts is {counts}, and holds there too"
        notes.not_carried(given[0].at("num_retries"), what, why)


def _as_rendered(one: Deployment, groups: Mapping[str, Group]) -> bool:
    """Whether it is what we render for a name with nowhere else to go."""
    group = groups.get(one.name)
    alone = group is None or (len(group.members) == 1 and not group.fallbacks)
    return one.id.startswith("~") and alone and one.numbers["num_retries"] == _RETRIES
