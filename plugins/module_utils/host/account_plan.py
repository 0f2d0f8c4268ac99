# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would have to be done for the services' user, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .service_account import AccountProblem, Wish, steps
from .units import UnitError


def account_steps(user: str | None, account: Mapping[str, Any]) -> list[str]:
    """The words of each step that M(service_user) would take; empty where nothing is said of the
    user. For root. `account`: home, journal, stop_timeout."""
    if not user or not account.get("home"):
        return []
    wish = Wish(
        user,
        str(account["home"]),
        journal=bool(account.get("journal", True)),
        stop_timeout=int(account.get("stop_timeout", 20)),
    )
    try:
        return [step.words for step in steps(wish)]
    except (AccountProblem, UnitError, OSError) as problem:
        return [str(problem)]
