# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of deployments that LiteLLM knows and the registry has no word for."""

from __future__ import annotations

from collections.abc import Iterable

from ..registry.yaml_tree import Mapping
from .draft import Draft
from .entries import Deployment
from .entry_checks import CARRIED_INFO
from .keys import COST, INFO, PARAMS, words
from .notes import Notes

# Read by the other parts of the import.
_READ = words(
    """
    model api_base base_url api_key api_version extra_headers weight order rpm tpm timeout
    stream_timeout max_parallel_requests max_budget budget_duration custom_llm_provider tags
    tag_regex litellm_credential_name num_retries stream
    """
)
_SIGNING = ("aws_", "vertex_")
_WHY = {
    "organization": "give it as a header, OpenAI-Organization",
    "drop_params": "the registry has no word for parameters of requests",
    "mock_response": "a provider answers by itself",
    "max_retries": "see `retry_attempts`",
    "cooldown_time": "LiteLLM's own default holds",
}
_PARAMETER = "the registry has no word for it; a client can send it with its request"
_INFO_READ = words("id mode enable_tag_filtering max_input_tokens max_output_tokens max_tokens")
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
            read = key in _READ or key.startswith(_SIGNING)
            if known and not read and value is not None:
                why = "LiteLLM's own list of prices holds" if COST.search(key) else ""
                why = why or _WHY.get(key, _PARAMETER)
                notes.not_carried(one.params.key_place(key), f"{one.called}.{key}", why)
        if one.info is not None:
            _leave_info(one.called, one.info, notes)


def _leave_info(called: str, info: Mapping, notes: Notes) -> None:
    for key in info:
        known = key in INFO or COST.search(key)
        if known and key not in _INFO_READ and key not in CARRIED_INFO:
            what = f"{called}.model_info.{key}"
            notes.not_carried(info.key_place(key), what, "the registry has no word for it")


def write_retries(draft: Draft, deployments: Iterable[Deployment], notes: Notes) -> None:
    """num_retries of deployments: one rule where all that have it agree."""
    given = [one for one in deployments if one.provider and "num_retries" in one.numbers]
    ours = all(one.id.startswith("~") for one in given)
    values = {int(one.numbers["num_retries"]) for one in given}
    if ours:
        values.discard(_RETRIES)
    rules = draft.sections.get("routing_rules", {})
    if len(values) == 1 and "retry_attempts" not in rules:
        draft.sections.setdefault("routing_rules", {})["retry_attempts"] = min(values.pop(), 10)
        places = [one.at("num_retries") for one in given]
        draft.from_places(("routing_rules", "retry_attempts"), places)
    elif not ours:
        for one in given:
            why = "a number for each deployment is not to be said: see `retry_attempts` of a chain"
            notes.not_carried(one.at("num_retries"), f"{one.called}.num_retries", why)
