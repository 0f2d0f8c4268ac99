# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured of each deployment, as it stands in the page.

A page is the only place where older figures are kept: whoever writes it anew takes over the rows
of what was not measured meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .escape import code

HEADER = "| deployment | first token | tokens/s | failed | measured |"
Rows = dict[str, str]  # the cell of a deployment's id -> its whole row


def rows_in(page: str) -> Rows:
    """The rows of a page; none where it has none."""
    found = {}
    inside = False
    for line in page.splitlines():
        if line == HEADER or (inside and line.startswith("|")):
            inside = True
            found[line[2:].partition(" | ")[0]] = line
        else:
            inside = False
    return found


def new_rows(performance: Iterable[Mapping[str, Any]], at: str) -> Rows:
    """Rows of what a proof has measured `at` a time such as 2026-11-22T23:50:00Z."""
    found = {}
    for one in performance:
        first, speed = one["first_token_ms"], one["tokens_per_second"]
        cells = [
            code(one["deployment"]),
            "–" if first is None else f"{first / 1000:.2f} s",
            "–" if speed is None else f"{speed:.3g}",
            f"{one['errors']} of {one['requests']}",
            at[:10],
        ]
        found[cells[0]] = f"| {' | '.join(cells)} |"
    return found


def table(rows: Mapping[str, str], identities: Iterable[str]) -> list[str]:
    """The table of these deployments; [] where none was measured."""
    mine = [rows[code(one)] for one in identities if code(one) in rows]
    return [HEADER, "|---|---|---|---|---|", *mine] if mine else []
