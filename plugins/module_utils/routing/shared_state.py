# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several gateways share: a Redis in which they count, and the key of their clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MASTER_KEY = "LITELLM_MASTER_KEY"
PASSWORD = "LLM_REDIS_PASSWORD"  # noqa: S105 - the name of a variable
PORT = 6379


@dataclass(frozen=True, slots=True)
class Redis:
    """Where it is, as seen from the gateways. `username` is that of an ACL, "" the default user's;
    `ca`: a file on the gateways with the authority of its certificate, "" for the system's."""

    host: str
    port: int = PORT
    username: str = ""
    tls: bool = False
    ca: str = ""


def shared_variables(gateways: Sequence[str], redis: Redis | None) -> list[dict[str, object]]:
    """The variables that need a value beside those of providers, in the form of these.

    One gateway makes a key for its clients if it is given none; several would make one each.
    """
    found = [password_variable()] if redis else []
    if len(gateways) > 1:
        found.append({"name": MASTER_KEY, "needed_by": [*gateways], "place": ["inventory", 1, 1]})
    return found


def password_variable() -> dict[str, object]:
    """The variable that the gateways need for it, in the form of a provider's."""
    return {"name": PASSWORD, "needed_by": ["redis"], "place": ["inventory", 1, 1]}
