# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a name's deployments LiteLLM leaves a request with tags or a User-Agent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .explain_entries import Entry

DEFAULT = "default"  # its tag for requests that carry none
AGENT_LETTERS = 256  # of a User-Agent the gateway's doors give LiteLLM no more


class NotAllowedError(Exception):
    """No deployment of the name is there for such a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a request carries: its tags, and its User-Agent."""

    tags: tuple[str, ...] = ()
    agent: str = ""


@dataclass(frozen=True, slots=True)
class TagSettings:
    """router_settings.enable_tag_filtering, and whether one common tag is enough."""

    enabled: bool = False
    any_tag: bool = True


def filtered(
    candidates: Sequence[Entry],
    everyone: Sequence[Entry],
    request: Request,
    settings: TagSettings,
) -> list[Entry]:
    """Those that are left, of `candidates`; `everyone` is of the same name, busy or not.

    Raises NotAllowedError. A tag that begins with `!` must not be there, one with `&` must be.
    """
    if not candidates or not _enabled(everyone, settings):
        return list(candidates)
    required = {tag[1:] for tag in request.tags if tag.startswith("&") and len(tag) > 1}
    excluded = {tag[1:] for tag in request.tags if tag.startswith("!") and len(tag) > 1}
    wanted = [tag for tag in request.tags if tag[:1] not in ("!", "&")]
    allowed = [
        one for one in candidates if not excluded & set(one.tags) and required <= set(one.tags)
    ]
    by_agent = bool(request.agent) and any(one.agents for one in allowed) and not required
    if wanted or by_agent:
        return _matching(allowed, everyone, wanted, request.agent, settings)
    if required or excluded:
        pool = allowed if required else [one for one in _defaults(candidates) if one in allowed]
        if not pool:
            raise NotAllowedError
        return pool
    return _defaults(candidates)


def _matching(
    allowed: Sequence[Entry],
    everyone: Sequence[Entry],
    wanted: Sequence[str],
    agent: str,
    settings: TagSettings,
) -> list[Entry]:
    found = [one for one in allowed if _matches(one, wanted, agent, settings.any_tag)]
    defaults = [one for one in allowed if DEFAULT in one.tags]
    known = any(tag in one.tags for one in everyone for tag in wanted)
    if not found and (not defaults or known):
        raise NotAllowedError
    return found or defaults


def _matches(one: Entry, wanted: Sequence[str], agent: str, any_tag: bool) -> bool:
    if one.tags and wanted:
        common = set(wanted) & set(one.tags)
        if common if any_tag else common == set(wanted):
            return True
    if not agent or (one.tags and not any_tag):
        return False
    return any(_found(expression, f"User-Agent: {agent}") for expression in one.agents)


def _found(expression: str, text: str) -> bool:
    try:
        return re.search(expression, text) is not None
    except re.error:
        return False


def _defaults(candidates: Sequence[Entry]) -> list[Entry]:
    return [one for one in candidates if DEFAULT in one.tags] or list(candidates)


def _enabled(everyone: Sequence[Entry], settings: TagSettings) -> bool:
    """What the first of a name's deployments says of it, else what holds for all names."""
    said = (one.info.get("enable_tag_filtering") for one in everyone)
    return bool(next((one for one in said if one is not None), settings.enabled))
