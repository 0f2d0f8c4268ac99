# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What generations that are not current any more have begun, and the wait for its end."""

from __future__ import annotations

import time

from .generation import Store
from .manager import GatewayManager, unit

LOOK_SECONDS = 1.0  # between two looks


def unfinished(store: Store, manager: GatewayManager) -> list[str]:
    """The units in which answers go on that another generation than the current one has begun: its
    own, or the scope that a restart of it has left. Raises ManagerError."""
    current = store.current()
    own = [unit(one.number) for one in manager.instances() if one.finishes]
    found = [*own, *manager.scopes()]
    ours = () if current is None else (unit(current), f"litellm-{current}-")
    return [name for name in found if not (ours and name.startswith(ours))]


def wait(store: Store, manager: GatewayManager, seconds: float) -> list[str]:
    """What is left after so many seconds at the latest; the processes bound it themselves."""
    until = time.monotonic() + seconds
    while (left := unfinished(store, manager)) and time.monotonic() < until:
        time.sleep(min(LOOK_SECONDS, max(until - time.monotonic(), 0)))
    return left
