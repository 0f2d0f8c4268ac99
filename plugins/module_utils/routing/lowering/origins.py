# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where names and their fallbacks were declared; entries are noted where they are made."""

from __future__ import annotations

from ..route_table import rule
from .work import Work


def origins(work: Work) -> None:
    """The rule behind each name, and behind each of its fallbacks."""
    for route in work.table.routes.values():
        work.rules.setdefault(route.name, rule(route.place))
        for fallback in () if route.wildcard else route.fallbacks:
            for target in route.called_by(fallback):
                work.rules.setdefault(f"{route.name}->{target}", rule(fallback.place))
