# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Redis in which gateways count together, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

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


def password_variable() -> dict[str, object]:
    """The variable that the gateways need for it, in the form of a provider's."""
    return {"name": PASSWORD, "needed_by": ["redis"], "place": ["inventory", 1, 1]}
