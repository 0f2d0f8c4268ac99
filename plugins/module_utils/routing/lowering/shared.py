# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several gateways, and several processes of one, count together: in Redis."""

from __future__ import annotations

from typing import Any

from ...registry.credentials import environ
from ..shared_state import PASSWORD
from .work import Work


def shared_state(work: Work) -> None:
    """Limits, budgets, cooling down and what strategies know; nothing where each counts alone."""
    store = work.inventory.redis
    if store is None:
        return
    settings: dict[str, Any] = {"redis_host": store.host, "redis_port": store.port}
    settings["redis_password"] = environ(PASSWORD)
    more: dict[str, Any] = {"username": store.username} if store.username else {}
    if store.tls:
        more["ssl"] = True
        more |= {"ssl_ca_certs": store.ca} if store.ca else {}
    work.settings.update(settings | ({"cache_kwargs": more} if more else {}))
