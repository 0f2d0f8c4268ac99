# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of the gateway would come to, in sentences: what is, and what would be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..gateway.history import pinned
from ..gateway.wanted import unit_texts
from ..routing.compare_generations import compare_generations
from ..routing.compare_params import ADD, CHANGE, REMOVE, Change
from ..routing.compare_words import listed
from ..routing.shared_state import MASTER_KEY
from .whereabouts import Whereabouts

Load = Callable[[str], Any]
Found = Mapping[str, Any]
_REGISTRY = "registry/"


def plan_gateway(found: Found, args: Found, load: Load) -> dict[str, Any]:
    """What lab.llm.gateway_plan returns. `found` is what its module read (see foresee), `args` are
    the task's own, `load` reads a configuration's text."""
    changes = [*_first(found), *_meant(found, args, load), *_secrets(found), *_mended(found)]
    if found["changed"] and not changes:
        changes = [Change("gateway", "", "the gateway is not as it was deployed: it is put right")]
    return {
        "items": [change.as_dict() for change in changes] if found["changed"] else [],
        "current": found["current"],
        "next": found["next"],
        "missing": found["secrets"]["missing"],
        "refused": found["refused"],
        "notes": list(_notes(found)),
        "hosts": Whereabouts(side_now(found, load).get("probes", {})).every(),
    }


def side_now(found: Found, load: Load) -> dict[str, Any]:
    """The generation that serves, for a comparison; empty where none does."""
    made_of, current = found["made_of"], found["current"]
    known = made_of["generations"]
    side = known.get(current) or known.get(str(current))  # JSON has no numbers for keys
    if side is None:
        return {}
    packages = made_of["locks"].get(side["manifest"]["venv"], {})
    config = _parsed(made_of["texts"][side["config"]], load)
    return {**side, "config": config, "packages": packages}


def _parsed(text: str, load: Load) -> dict[str, Any]:
    """One that cannot be parsed is another than any that can."""
    try:
        parsed = load(text)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"config.yaml": "damaged"}


def _side_then(found: Found, args: Found, load: Load) -> dict[str, Any]:
    files = args["files"]
    return {
        "manifest": found["after"],
        "config": _parsed(str(files["config.yaml"]), load),
        "probes": json.loads(files.get("probes.json") or "{}"),
        "units": unit_texts(args.get("units") or {}),
        "packages": pinned(str(args["lock"])),
        "environment": str(files.get("environment", "")),
    }


def _first(found: Found) -> Iterator[Change]:
    """What comes before any generation can serve."""
    if found.get("account"):
        yield Change("user", "", f"the gateway's user: {'; '.join(found['account'])}", ADD)
    if found["new"]["program"]:
        known = found["current"] is not None
        text = "the program that changes the gateway is installed"
        yield Change("program", "", f"{text} anew" if known else text, CHANGE if known else ADD)


def _meant(found: Found, args: Found, load: Load) -> list[Change]:
    before, after = side_now(found, load), _side_then(found, args, load)
    changes = compare_generations(_told(before, found), _told(after, found))
    if not before:
        changes = [c for c in changes if c.kind not in _OF_NEW]
        text = f"the gateway serves for the first time, with LiteLLM {found['after']['litellm']}"
        return [Change("gateway", "", text, ADD), *changes]
    if found["new"]["venv"] and not any(c.kind in ("litellm", "packages") for c in changes):
        changes.append(Change("packages", "venv", "LiteLLM is installed anew: its venv is gone"))
    return changes


# Of a gateway that is new itself nobody wants to read these.
_OF_NEW = (
    *("unit", "litellm", "packages", "launcher", "file"),
    *("proof", "health", "setting", "order", "unknown"),
)


def _told(side: Found, found: Found) -> dict[str, Any]:
    """A side without what is told elsewhere: the registry's own text, and values of variables."""
    if not side:
        return {}
    manifest = dict(side["manifest"])
    files = manifest["files"].items()
    manifest["files"] = {name: sum_ for name, sum_ in files if not name.startswith(_REGISTRY)}
    manifest["secrets"] = ""
    if any(found["secrets"].values()) or found["mended"]:
        manifest["digest"] = ""  # that differs for a reason that is told
    return {**side, "manifest": manifest}


def _secrets(found: Found) -> Iterator[Change]:
    """Names alone; one that is needed now or no more is told by the comparison."""
    names = found["secrets"]
    now = set(found["after"]["variables"])
    before = set(side_now(found, lambda _text: {}).get("manifest", {}).get("variables", ()))
    for name in names["changed"]:
        yield Change("secret", name, f"the value of {name} changes")
    for name in names["added"]:
        if name == MASTER_KEY:
            yield Change("secret", name, "the gateway's own key is made", ADD)
        elif name in before or name not in now:
            yield Change("secret", name, f"{name} is put onto the host again", ADD)
    for name in names["dropped"]:
        text = f"{name} leaves the host: no generation there needs it any more"
        yield Change("secret", name, text, REMOVE)


_MENDED = {
    "file": "generation {} was changed on the host: it is written anew, as another one",
    "unit": "unit {} was changed on the host: it is put back",
    "state": "{} does not run, or not from boot on: it does again",
    "process": "what serves is not what `current` names: that serves again",
    "systemd": "the user's systemd does not answer: it is brought up",
    "unproven": "generation {} was not proven to its end: it is proven",
}


def _mended(found: Found) -> Iterator[Change]:
    for one in found["mended"]:
        text = _MENDED[one["kind"]].format(one["subject"])
        yield Change("host", one["subject"], text, CHANGE)


def _notes(found: Found) -> Iterator[str]:
    standing, current = found["standing"], found["current"]
    if standing["unconfirmed"]:
        yield (
            f"Generation {current} serves {standing['unconfirmed']}, which {standing['by']} added "
            "and no registry is known to hold."
        )
    for one in standing["canaries"]:
        names = listed(one["routes"])
        yield f"{one['provider']} is on trial: it gets {100 * one['share']:.4g} % of {names}."
    for number, (outcome, reason) in standing["failed"].items():
        why = f": {reason.splitlines()[0]}" if reason else ""
        yield f"Generation {number}, newer than the one that serves, is {outcome}{why}."
    if found["asked_elsewhere"]:
        yield "It is proven once more, for it is to be asked at another address from outside."
