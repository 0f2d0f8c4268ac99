# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The generations of a gateway as people and programs read them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .routing.compare import few_words
from .routing.compare_generations import compare_generations
from .routing.compare_params import Change

Load = Callable[[str], Any]
COLUMNS = ("#", "state", "made", "by", "LiteLLM", "commit", "what changed")
WIDTHS = (0, 0, 0, 16, 12, 9, 64)  # the most characters of a column; 0: as they are
REASON = 160


class History:
    """What the module has found on the host, with the changes between any two of them.

    `found`: {current, generations, between, made_of} as lab.llm.gateway_generations gives it.
    `load` reads a configuration's text.
    """

    def __init__(self, found: Mapping[str, Any], load: Load) -> None:
        self.found, self.load = found, load
        self.made_of = found["made_of"]
        self.configs: dict[str, Any] = {}

    def report(self) -> dict[str, Any]:
        """JSON-ready: `current`, `generations` newest first, each with `changes` against the one
        before it, `from`, `to`, and the `changes` between these."""
        first, last = self.found["between"]
        return {
            "current": self.found["current"],
            "generations": [self.entry(one) for one in self.found["generations"]],
            "from": first,
            "to": last,
            "changes": [change.as_dict() for change in self.changes(first, last)],
        }

    def entry(self, one: Mapping[str, Any]) -> dict[str, Any]:
        changes = self.changes(one["before"], one["number"])
        # A registry's file differs whenever anything does: alone it is worth a word.
        worth = [change for change in changes if change.kind != "registry"] or changes
        said = few_words(worth) if one["before"] else "the first one"
        return {
            **one,
            "made": local(one["at"], "%Y-%m-%dT%H:%M:%S%z"),
            "summary": said,
            "changes": [change.as_dict() for change in changes],
        }

    def changes(self, first: int | None, last: int | None) -> list[Change]:
        """From one generation to another; nothing where one of them is none."""
        if first is None or last is None:
            return []
        return compare_generations(self.side(first), self.side(last))

    def side(self, number: int) -> dict[str, Any]:
        known = self.made_of["generations"]
        side = known.get(number) or known[str(number)]  # JSON has no numbers for keys
        packages = self.made_of["locks"].get(side["manifest"]["venv"], {})
        return {**side, "config": self.config(side["config"]), "packages": packages}

    def config(self, key: str) -> Any:  # noqa: ANN401 - whatever the text holds
        """A configuration, parsed once; one that cannot be parsed is known by its hash."""
        if key not in self.configs:
            try:
                parsed = self.load(self.made_of["texts"][key])
            except ValueError:
                parsed = None
            self.configs[key] = parsed if isinstance(parsed, dict) else {"config.yaml": key}
        return self.configs[key]


def as_lines(report: Mapping[str, Any], between: bool) -> list[str]:
    """For people: the table and the last change, or with `between` the changes that were asked
    for."""
    first, last = report["from"], report["to"]
    if not report["generations"]:
        return ["There is no generation yet."]
    if first is None:
        told = [] if between else table(report["generations"])
        return [*told, f"There is nothing before generation {last} to compare it with."]
    texts = [change["text"] for change in report["changes"]] or ["nothing: they serve the same"]
    diff = [f"From generation {first} to {last}:", *(f"- {text}" for text in texts)]
    return diff if between else [*table(report["generations"]), "", *diff]


def table(generations: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a generation, and one with the reason below those that failed."""
    rows = [COLUMNS, *(_row(one) for one in generations)]
    cut = [[short(cell, most) for cell, most in zip(row, WIDTHS, strict=True)] for row in rows]
    places = [n for n in range(len(COLUMNS)) if any(row[n] for row in cut[1:])]
    wide = {n: max(len(row[n]) for row in cut) for n in places}
    lines = ["  ".join(row[n].ljust(wide[n]) for n in places).rstrip() for row in cut]
    told = [lines[0]]
    for line, one in zip(lines[1:], generations, strict=True):
        told.append(line)
        if one["reason"] and one["state"] != "current":
            told.append(f"└ because: {short(one['reason'], REASON)}")
        if one["unconfirmed"]:
            told.append(f"└ holds {one['unconfirmed']}, which no registry has yet")
    return told


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    made = local(one["at"], "%Y-%m-%d %H:%M")
    known = (one["by"], one["litellm"], one["commit"])
    return (str(one["number"]), one["state"], made, *known, one["summary"])


def local(seconds: float, form: str) -> str:
    """A time in this machine's own zone, "" for none."""
    return time.strftime(form, time.localtime(seconds)) if seconds else ""


def short(text: str, most: int) -> str:
    """The first line, cut off where it is too long."""
    line = text.strip().partition("\n")[0]
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"
