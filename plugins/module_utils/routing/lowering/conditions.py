# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions: tags and expressions on the entries of the names that have some.

A name's targets under a condition come first by weight, each a billion times the next. LiteLLM
leaves a request those that it matches, and the weighted failover takes them in turn. All others
carry every tag and expression as well: they are the last ones for a request that matches, and as
`default` the only ones for one that does not.
"""

from __future__ import annotations

from ..route_table import Route, Target
from .work import STEP, Entry

DEFAULT = "default"  # LiteLLM's tag for requests without one, or with one that nothing here has
# Matches nobody. Where all others are cooling down LiteLLM would give a request that does not match
# to those under a condition; it does not where it has an expression to hold its User-Agent against.
NOBODY = "^User-Agent: (?!)"


def has_some(route: Route) -> bool:
    """Whether some of its targets are there for some requests only."""
    return bool(route.targets) and route.targets[0].conditional


def weight(route: Route, target: Target, otherwise: float) -> float:
    """The weight of a target: `otherwise` is what it has among those without a condition."""
    if not target.conditional:
        last = max(one.rank for one in route.targets if one.conditional)
        return otherwise * STEP ** (last + 1)
    same = sum(one.conditional and one.rank == target.rank for one in route.targets)
    return float(STEP**target.rank / same)


def mark(entry: Entry, route: Route, target: Target) -> None:
    """Which requests an entry is there for."""
    tags, agents = target.tags, target.agents
    if not target.conditional:
        some = [one for one in route.targets if one.conditional]
        tags = [DEFAULT, *dict.fromkeys(tag for one in some for tag in one.tags)]
        agents = [*dict.fromkeys(agent for one in some for agent in one.agents)]
    if tags:
        entry["litellm_params"]["tags"] = [*tags]
    if agents or target.conditional:
        entry["litellm_params"]["tag_regex"] = [*agents] or [NOBODY]
    entry["model_info"]["enable_tag_filtering"] = True
