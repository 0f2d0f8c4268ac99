# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host could be looked at, by the result of the task that was to do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def seen_by_us(found: Mapping[str, Any]) -> bool:
    """Whether the task came to its end there."""
    return bool(found) and not (found.get("unreachable") or found.get("failed"))


def unseen(results: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The hosts that could not be looked at, and why."""
    return {host: why_not(found) for host, found in results if not seen_by_us(found)}


def why_not(found: Mapping[str, Any]) -> str:
    """Why it did not, in one line."""
    said = str(found.get("msg", "it was not asked (a --limit?)"))
    words = said.strip().removeprefix("Task failed: ").splitlines()
    return words[0] if words else "it did not say why"
