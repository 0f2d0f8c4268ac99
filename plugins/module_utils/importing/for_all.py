# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries and timeouts of LiteLLM's own settings, which are rules for all providers."""

from __future__ import annotations

from ..registry.yaml_tree import Mapping
from .draft import Draft
from .forms import ROUTER_FORMS
from .notes import Notes
from .values import is_good, number


def write_tries(draft: Draft, settings: Mapping, section: str, notes: Notes) -> None:
    """num_retries of a section; what is no number has been told."""
    value = settings.get("num_retries")
    if value is not None and is_good(ROUTER_FORMS["num_retries"], value):
        _rule(draft, "retry_attempts", value, settings, (section, "num_retries"), notes)


def write_timeouts(
    draft: Draft, settings: Mapping, section: str, keys: tuple[str, ...], notes: Notes
) -> None:
    """The timeouts of a section; what is no time has been told."""
    for key in keys:
        value = settings.get(key)
        if value is None or not is_good(ROUTER_FORMS[key], value):
            continue
        if key == "stream_timeout":
            why = "it stands at each provider"
            notes.not_carried(settings.key_place(key), f"{section}.{key}", why)
        else:
            seconds = number(value) or 0
            whole = int(seconds) if seconds == int(seconds) else seconds
            _rule(draft, "timeout_seconds", whole, settings, (section, key), notes)


def _rule(
    draft: Draft, name: str, value: float, settings: Mapping, at: tuple[str, str], notes: Notes
) -> None:
    """A rule for all, unless another section or file says it already."""
    rules = draft.sections.setdefault("routing_rules", {})
    place = settings.key_place(at[1])
    if rules.setdefault(name, value) != value:
        why = f"routing_rules.{name} is {rules[name]} already"
        notes.not_carried(place, ".".join(at), why)
        return
    draft.from_places(("routing_rules", name), [place])
