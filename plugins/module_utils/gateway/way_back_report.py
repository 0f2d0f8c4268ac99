# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback or a restore came to, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Result = Mapping[str, Any]


def rollback(result: Result) -> dict[str, Any]:
    """JSON-ready: `ok`, `changed`, `outcome`, `generation`, `previous`, `serves`, `reason`,
    `seconds` in all, `switched_after` until clients were answered by it, `phases`, `proof`."""
    known = ("changed", "outcome", "generation", "previous", "reason", "phases", "proof")
    told = {name: result.get(name) for name in known}
    at = {one["phase"]: one["at"] for one in result.get("phases") or ()}
    began = min(at.values(), default=0.0)
    return {
        "ok": not result.get("failed", False),
        **told,
        "serves": _serves(result),
        "seconds": _rounded(max(at.values(), default=began) - began),
        "switched_after": _rounded(at["serving"] - began) if "serving" in at else None,
    }


def _serves(result: Result) -> Any:  # noqa: ANN401 - a number, or None where nothing does
    stays = result.get("outcome") in ("planned", "undone")
    return result.get("previous" if stays else "generation")


def _rounded(seconds: float) -> float:
    return round(seconds, 2)


def rollback_lines(result: Result) -> list[str]:
    """For people: what was done, why, how long it took, and what serves."""
    told = rollback(result)
    number, before, why = told["generation"], told["previous"], told["reason"]
    because = f" Why: {why}." if why else ""
    if told["outcome"] == "stays":
        return [f"Generation {number} stays.{because}"]
    if told["outcome"] == "planned":
        return [f"Generation {number} would serve in the place of {before}.{because}"]
    if told["outcome"] == "unchanged" or not told["changed"]:
        return [f"Generation {number} serves already; nothing was changed."]
    took = f"It took {told['seconds']:g} s, with its proofs"
    if told["switched_after"] is not None:
        took += f"; it answered clients after {told['switched_after']:g} s"
    instead = f" in the place of {before}" if before is not None and before != number else ""
    return [f"Generation {number} serves{instead}.{because}", f"{took}."]


def restored(result: Result, change: Result, planned: bool = False) -> dict[str, Any]:
    """JSON-ready: `ok`, `changed`, `planned`, `current` (what served when the backup was made),
    `generations`, `serves`, `not_to_go_back_to`, `new_master_key`, `aside`, `proof`."""
    names = ("current", "generations", "not_to_go_back_to", "new_master_key", "aside")
    return {
        "ok": True,
        "changed": bool(result.get("changed") or change.get("changed")),
        "planned": planned,
        **{name: result.get(name) for name in names},
        "serves": change.get("generation"),
        "proof": change.get("proof"),
    }


def restored_lines(told: Mapping[str, Any]) -> list[str]:
    """For people: what serves, and what is not as it was."""
    current, have = told["current"], f"the generations {', '.join(map(str, told['generations']))}"
    if told["planned"]:
        lines = [f"The host would have {have}, and {current} would serve."]
    elif told["serves"] is None:
        go = f"rollback.yml -e generation={current} has it serve, site.yml makes a new one"
        lines = [f"The host has {have}; none serves. When it was backed up {current} did: {go}."]
    elif not told["changed"]:
        lines = [f"Generation {current} serves already; nothing was changed."]
    else:
        lines = [f"Generation {current} serves again. The host has {have}."]
    for number, names in (told["not_to_go_back_to"] or {}).items():
        lines.append(
            f"Generation {number} cannot be gone back to: no value for {', '.join(names)}."
        )
    if told["new_master_key"]:
        lines.append("LITELLM_MASTER_KEY is a new one: the clients need it.")
    if told["aside"]:
        lines.append(f"What the gateway had before is in {told['aside']}.")
    return lines
