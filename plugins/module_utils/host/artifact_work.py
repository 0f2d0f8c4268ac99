# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All artefacts of a host in one go: what is missing, whether there is room for it, and then it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .account import AccountError
from .artifact_removal import remove
from .artifacts import ensure, only_mode, state_of
from .fetch import FetchError
from .room import check_room
from .wishes import Artifact, Outcome


def bring(
    wishes: Sequence[Artifact],
    gone: Sequence[str],
    home: str | None,
    check: bool,
    waiting: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Bring one after the other; the result in the form of the module.

    `gone` are paths to be removed. `waiting` says that there is no network, and which targets a
    bundle has, with their sizes: if one of these is missing, nothing is done, and `lacking` names
    all that are.
    """
    done: list[Outcome] = []
    failure = ""
    try:
        if home is None and not check:
            raise AccountError("there is no such user on this host: run lab.llm.user_service first")
        missing = [] if check else _missing(wishes)
        if waiting is not None:
            lacking = _lacking(missing, waiting)
            if lacking:
                check_room(missing, waiting)
                return {"failed": False, "msg": "", "changed": False, "lacking": lacking}
        check_room(missing)
        for wish in wishes:
            failure = f"{wish.name}: "
            done.append(ensure(wish, check))
        failure = ""
        done += [remove(Path(path), check) for path in gone]
    except (FetchError, AccountError, OSError) as problem:
        failure += str(problem)
    return {
        "failed": bool(failure),
        "msg": failure,
        "changed": any(item.changed for item in done),
        "artifacts": [{"name": i.name, "path": i.target, "changed": i.changed} for i in done],
        "diff": [_difference(item) for item in done if item.changed],
    }


def _missing(wishes: Sequence[Artifact]) -> list[Artifact]:
    """Those that have to be brought; what ensure says of a broken one, it says in its turn."""
    found = []
    for wish in wishes:
        try:
            before = state_of(wish, check=True)
        except (FetchError, OSError):
            continue
        if before and not only_mode(before):
            found.append(wish)
    return found


def _lacking(missing: Sequence[Artifact], waiting: Mapping[str, int]) -> list[str]:
    """The targets that wait for their copies from the bundle."""
    away = [wish for wish in missing if not wish.handed and not wish.path]
    strange = [wish.name for wish in away if str(wish.target) not in waiting]
    if strange:
        raise FetchError(
            f"the bundle lacks {', '.join(strange)}: make it anew with bundle.yml where there is a"
            " network"
        )
    return [str(wish.target) for wish in away]


def _difference(item: Outcome) -> dict[str, str]:
    return {
        "before_header": item.target,
        "after_header": item.target,
        "before": f"{item.before}\n",
        "after": f"{item.after}\n",
    }
