# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fallbacks for prompts that are too long and for content that is refused.

As soon as LiteLLM has one such chain, a name without one has no fallback at all for that error,
neither its ordinary ones: so it is given these.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..route_table import ROUTE, Fallback, Route, rule
from .fallbacks import LITELLM_MAX_FALLBACKS, inheriting
from .work import Work

KINDS = {"context_window_fallbacks": "long_prompt", "content_policy_fallbacks": "refused"}


def special_fallbacks(work: Work) -> None:
    """A chain for each kind of error that has one, and for each name that would lose its own."""
    routes = [route for route in work.table.routes.values() if not route.wildcard]
    for key, kind in KINDS.items():
        own = {route.name: called(route, getattr(route, kind)) for route in routes}
        if not any(own.values()):
            continue
        chains = {route.name: own[route.name] or route.chain for route in routes}
        work.settings[key] = [{name: chain} for name, chain in chains.items() if chain]
        work.settings[key] += [{name: []} for name in inheriting(chains)]
        _allow(work, max(map(len, chains.values())))
        for route in routes:
            _note(work, route, getattr(route, kind))


def called(route: Route, fallbacks: Iterable[Fallback]) -> list[str]:
    """What LiteLLM calls next; also the name's other members, which it does not try then."""
    names: dict[str, None] = {}
    for fallback in fallbacks:
        ids = [one.called for one in fallback.deployments]
        names.update(dict.fromkeys([fallback.name] if fallback.kind == ROUTE else ids))
    names.pop(route.name, None)
    return list(names)


def _allow(work: Work, length: int) -> None:
    """As many hops as one request may take: each step may have fallbacks of its own."""
    now = work.settings.get("max_fallbacks", LITELLM_MAX_FALLBACKS)
    longest = max((len(route.chain) for route in work.table.routes.values()), default=0)
    if length * (1 + longest) > now:
        work.settings["max_fallbacks"] = length * (1 + longest)


def _note(work: Work, route: Route, fallbacks: Iterable[Fallback]) -> None:
    for fallback in fallbacks:
        for target in called(route, [fallback]):
            work.rules.setdefault(f"{route.name}->{target}", rule(fallback.place))
