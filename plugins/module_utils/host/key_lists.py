# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several keys in one variable, as a row of CSV: a service that takes any of them."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path


def beside(secrets: Mapping[str, str], names: Iterable[str], path: Path) -> dict[str, str]:
    """`secrets`, with what the environment file at `path` holds for these names kept behind."""
    kept = dict(secrets)
    for name in names:
        if name in kept:
            old = [key for key in keys_in(value_in(path, name)) if key != kept[name]]
            kept[name] = _row([kept[name], *old])
    return kept


def keys_in(row: str) -> list[str]:
    """The keys of a row."""
    return next(csv.reader([row]), [])


def _row(keys: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(keys)
    return out.getvalue()


def value_in(path: Path, variable: str) -> str:
    """A value as systemd would read it from an environment file that we wrote, or ""."""
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and name == variable:
                return _unescaped(value[1:-1] if value.startswith('"') else value)
    return ""


def _unescaped(value: str) -> str:
    out, escaped = [], False
    for char in value:
        if char == "\\" and not escaped:
            escaped = True
            continue
        out.append(char)
        escaped = False
    return "".join(out)
