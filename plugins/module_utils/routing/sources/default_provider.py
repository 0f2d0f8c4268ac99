# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""routing_rules.default_provider: who answers a name that nothing else matches."""

from __future__ import annotations

from ...registry.provider_types import CHAT
from ..draft import Draft
from ..resolve import choose_model
from ..route_table import DEFAULT, Route

EVERYTHING = "*"


def default_provider(draft: Draft) -> dict[str, Route]:
    """The widest wildcard, where one is declared.

    The provider answers with its default model or its only one, since it has none of that name;
    where neither is to be told it is asked for the name itself.
    """
    reference = draft.registry.default_provider
    provider = draft.served(reference.name) if reference else None
    if reference is None or provider is None:
        return {}
    model = choose_model(provider, (), CHAT) or EVERYTHING
    targets = draft.targets(provider, model, 0, reference.place)
    return {EVERYTHING: Route(EVERYTHING, DEFAULT, reference.place, targets)}
