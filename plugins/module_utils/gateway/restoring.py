# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore on its host, while nobody changes the gateway; and the way back from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .backup import Backup, BackupError
from .generation import Store
from .handover import SOCKET, UMBRELLA
from .lock import locked
from .manager import GatewayManager
from .restore import Given, Restore, bring_back, idle, put_aside, told
from .unit_set import public_address


def restore(
    store: Store,
    backup: Backup,
    secrets: Given,
    *,
    replace: bool = False,
    address: str = "",
    by: str = "",
    check: bool = False,
) -> dict[str, Any]:
    """Put a backup there; with `replace` in the place of other generations, which are put aside.

    Returns {changed, current, generations, not_to_go_back_to, new_master_key, aside}. With `check`
    nothing is written. Raises BackupError, LockedError, MissingVariablesError.
    """
    fits(backup, address)
    job, aside = Restore(store, backup, secrets), None
    changed = job.changed(replace)
    if not check:
        with alone(store, by):
            if job.others() and replace:
                stop(store)
                aside = put_aside(store, backup)
            job.place()
    return {"changed": changed, **told(job, aside)}


def undo(store: Store, aside: str, *, by: str = "", check: bool = False) -> dict[str, Any]:
    """Have again what was put aside: {changed, current}. Raises BackupError, LockedError."""
    if check:
        return {"changed": True}
    with alone(store, by):
        stop(store)
        return {"changed": True, "current": bring_back(store, aside)}


def fits(backup: Backup, address: str) -> None:
    """Raises BackupError where clients would look for it in vain."""
    unit = backup.files(backup.current).get(f"units/{SOCKET}", b"")
    listens = public_address(unit.decode())
    if address and listens != address:
        raise BackupError(
            f"generation {backup.current} listens at {listens}, this host's gateway is declared to "
            f"be at {address}: set gateway_bind and gateway_port of this host, or restore it with "
            "-e live=false and run site.yml, which makes a new generation"
        )


@contextlib.contextmanager
def alone(store: Store, by: str) -> Iterator[None]:
    """Nobody changes the gateway meanwhile. Raises LockedError or BackupError naming who does."""
    with locked(store.base, f"{by or 'ansible'} (restore)"):
        idle(store)
        yield


def stop(store: Store) -> None:
    """The gateway ends, and nobody waits at its address."""
    GatewayManager(store.base.parent).attempt("stop", SOCKET, UMBRELLA)
