# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change would come to, without making it: looked at on the gateway's host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..host.units import UnitError
from ..host.user_manager import ManagerError
from . import change_journal, history, secrets_file, venvs
from .content import sha256
from .handover import SOCKET, UMBRELLA
from .install import is_installed
from .installed import Installed
from .sealed import GenerationError
from .staging import Staging, Wanted
from .submit import is_asked_there
from .venv import Lock

Found = dict[str, Any]


def foresee(
    gateway: Installed, wanted: Wanted, program: Mapping[str, str], params: Mapping[str, Any]
) -> Found:
    """What the gateway is now and what `wanted` would make of it; JSON-ready, without any secret.

    `params`: lock, python, address. The result: `current`, `next` (numbers), `changed` (whether a
    change would be made), `made_of` (the current one, see history.sides), `after` (the manifest
    that would be), `new` (program, venv: whether these are installed), `secrets` (names, see
    `_secrets`), `refused` (why it would not be begun), `mended` (what on the host is not as
    deployed, and would be), `standing` (how it stands, see there).
    """
    store, held = gateway.store, gateway.held.values()
    needed = secrets_file.needed(wanted.variables, wanted.composed)
    missing = sorted(name for name in needed if not (held.get(name) or wanted.given.get(name)))
    # As if they had been given: all else can be told all the same.
    given = {**wanted.given, **dict.fromkeys(missing, "?")}
    staging = Staging(gateway, replace(wanted, given=given), check=True)
    current = store.current()
    mended = list(_mended(gateway, staging, current))
    lock = Lock(params["lock"])
    new = {"program": _new_program(gateway, program, params["python"])}
    new["venv"] = not venvs.is_whole(store.base / "venvs", lock.name)
    return {
        "current": current,
        "next": staging.number(),
        "changed": bool(mended or missing or any(new.values())) or not _is_served(staging),
        "made_of": history.sides(store, [current] if current else []),
        "after": _manifest(staging, lock),
        "new": new,
        "secrets": _secrets(staging, held, missing),
        "refused": list(_refused(gateway, staging)),
        "mended": mended,
        "asked_elsewhere": staging.found == current and not _is_asked(gateway, current, params),
        "standing": standing(gateway),
    }


def standing(gateway: Installed) -> Found:
    """How the gateway stands, whatever is wanted: {under_way, unconfirmed, canaries, failed}.

    `under_way` says who changes it just now; `unconfirmed` is a file that the controller has never
    said to have; `failed` is the number of a newer generation that did not come to serve.
    """
    store, current = gateway.store, gateway.store.current()
    journal = change_journal.read(store.base)
    said = store.outcome(current) if current else {}
    outcomes = {number: store.outcome(number) for number in store.numbers()}
    newer = [n for n, one in outcomes.items() if n > (current or 0) and one.get("outcome")]
    return {
        "under_way": journal.words() if journal is not None and not journal.over else "",
        "unconfirmed": said.get("unconfirmed", ""),
        "by": store.manifest(current).by if current else "",
        "canaries": store.probes(current).get("canaries", []) if current else [],
        "failed": {n: [outcomes[n]["outcome"], outcomes[n].get("reason", "")] for n in newer[-1:]},
    }


def _manifest(staging: Staging, lock: Lock) -> Found:
    content = staging.content
    return {
        "digest": content.digest(),
        "files": {name: sha256(text) for name, text in content.files.items()},
        "units": {name: sha256(text) for name, text in content.units.items()},
        "venv": content.venv,
        "variables": sorted(content.variables),
        "secrets": content.secrets,
        "litellm": lock.litellm,
    }


def _secrets(staging: Staging, held: Mapping[str, str], missing: list[str]) -> dict[str, list[str]]:
    """Names: `missing` here and there, `changed` to another value, `added` to the host, `dropped`
    from it since nothing needs them any more."""
    values, composed = staging.values, staging.wanted.composed
    parts = {name: secrets_file.needed((), {name: text}) for name, text in composed.items()}
    other = {name for name in held if name in values and held[name] != values[name]}
    # What is made of variables follows from these.
    changed = {name for name in other if not parts.get(name, set()) & other}
    return {
        "missing": missing,
        "changed": sorted(changed),
        "added": sorted(set(values) - set(held) - set(parts) - set(missing)),
        "dropped": sorted(set(held) - set(values)),
    }


def _is_served(staging: Staging) -> bool:
    try:
        return staging.is_served()
    except (ManagerError, UnitError):
        return False


def _new_program(gateway: Installed, program: Mapping[str, str], python: str) -> bool:
    try:
        return not is_installed(gateway, program, python)
    except (ManagerError, UnitError):
        return True


def _refused(gateway: Installed, staging: Staging) -> Iterator[str]:
    """Why the change would end before it began; in the words in which it would say so."""
    journal = change_journal.read(gateway.store.base)
    if journal is not None and not journal.over:
        yield f"the gateway is being changed by {journal.words()}: wait for it to end"
    try:
        staging.refuse()
    except GenerationError as problem:
        yield str(problem)
    try:
        gateway.units.differing(staging.wanted.units)
    except UnitError as problem:
        yield str(problem)


def _mended(gateway: Installed, staging: Staging, current: int | None) -> Iterator[Found]:
    """{kind, subject} of what is not as the current generation was deployed."""
    if current is None:
        return
    if not gateway.store.is_whole(current):
        yield {"kind": "file", "subject": str(current)}
    try:
        for change in gateway.differing(current):
            yield {"kind": "unit", "subject": change.wish.unit}
    except UnitError:
        return  # somebody else's: that is a reason to refuse
    try:
        states = gateway.manager.states([SOCKET, UMBRELLA])
        for name, state in states.items():
            if not (state.is_running and state.is_enabled):
                yield {"kind": "state", "subject": name}
        serving = [one.number for one in gateway.manager.instances() if one.serves]
        if serving != [current]:
            yield {"kind": "process", "subject": ", ".join(map(str, serving))}
    except ManagerError:
        yield {"kind": "systemd", "subject": ""}
    if not gateway.store.proven(current) and staging.found == current:
        yield {"kind": "unproven", "subject": str(current)}


def _is_asked(gateway: Installed, current: int | None, params: Mapping[str, Any]) -> bool:
    """Whether it was proven where it is to be asked from outside; else it is proven once more."""
    return current is None or is_asked_there(gateway, current, params)
