# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists, shares, places and columns as explain writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

LABEL = 13  # characters of the first column
Row = tuple[str, ...]


def percent(share: float) -> str:
    """A share as people write it."""
    short = f"{share * 100:.3g}"
    return f"{share * 100:.6g} %" if short == "100" and share < 1 else f"{short} %"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    found = list(words)
    return f"{', '.join(found[:-1])} {last} {found[-1]}" if len(found) > 1 else "".join(found)


def aligned(rows: Sequence[Row]) -> list[str]:
    """In columns, without those that are empty; a row's last cell may be as long as it likes."""
    most = max((len(row) for row in rows), default=0)
    wide = [max((len(row[n]) for row in rows if len(row) > n + 1), default=0) for n in range(most)]
    wide[:1] = [LABEL]
    told = []
    for row in rows:
        cells = [cell.ljust(wide[n]) for n, cell in enumerate(row[:-1]) if wide[n]]
        told.append("  ".join([*cells, row[-1]]).rstrip())
    return told


def shortened(rule: str, directory: str) -> str:
    """A place without the directory that is told once."""
    return rule.removeprefix(directory + "/") if directory else rule


def common_directory(rules: Iterable[str]) -> str:
    """The directory of all of these places, "" if they have several."""
    directories = {str(Path(rule).parent) for rule in rules if rule}
    return directories.pop() if len(directories) == 1 else ""
