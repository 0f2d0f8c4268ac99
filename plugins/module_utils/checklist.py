# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checklist of a provider that was added: each line is ticked by what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .gateway.performance import figures
from .gateway.probe_checks import CHAINS, HEALTH, LISTING, NEW, PERFORMANCE, ROUTING, provider_of

Tick = tuple["bool | None", str]  # whether it is so, None where nobody asked; the evidence
Row = Mapping[str, Any]
SIGNS = {True: "✅", False: "❌", None: "➖"}
FEW = 3  # names in one line


class Checklist:
    """What is known after a run of add_provider.yml.

    `facts`: `providers` (the new ones), `file` (of the registry), `routes` as the registry gives
    them, `gateway` (a change's result), `page` (provider_page's result), `git`
    (registry_commit's result, empty where nobody asked).
    """

    def __init__(self, facts: Row) -> None:
        self.facts, self.new = facts, list(facts["providers"])
        self.proof: Row = facts["gateway"].get("proof") or {}
        self.checks: Sequence[Row] = self.proof.get("checks", ())
        self.routes = [one for one in facts["routes"] if self.mine(one["targets"])]

    def rows(self) -> list[dict[str, Any]]:
        """The guide's eleven lines, JSON-ready: `item`, `ok` (None: not asked) and `evidence`."""
        lines = (
            ("Provider added to registry", self.registry()),
            ("Routing rules defined", self.rules()),
            ("LiteLLM configuration updated", self.generation()),
            ("Provider page updated", self.page()),
            ("Health check endpoint verified", self.health()),
            ("Model list includes new provider models", self.listed()),
            ("Routing test successful", self.answered()),
            ("Fallback chain tested", self.fallbacks()),
            ("Performance metrics acceptable", self.performance()),
            ("Documentation complete", self.documentation()),
            ("Configuration committed to git", self.git()),
        )
        return [{"item": item, "ok": ok, "evidence": said} for item, (ok, said) in lines]

    def mine(self, targets: Iterable[Row]) -> bool:
        return any(target["provider"] in self.new for target in targets)

    def registry(self) -> Tick:
        """As the registry was read once more after the file was put there."""
        there = self.facts["page"].get("providers", {})
        lost = [name for name in self.new if name not in there]
        return (False, f"it has no {', '.join(lost)}") if lost else (True, self.facts["file"])

    def rules(self) -> Tick:
        names = [f"{one['name']} ({one['rule'].rpartition('/')[2]})" for one in self.routes]
        return (True, few(names)) if names else (False, "no name leads to it")

    def generation(self) -> Tick:
        result = self.facts["gateway"]
        before, now = result.get("previous"), result.get("generation")
        if result.get("outcome") not in ("live", "unchanged"):
            return False, "no generation serves it"
        return True, f"generation {now} serves" + (f", {before} before" if before != now else "")

    def page(self) -> Tick:
        found = self.facts["page"]
        if found.get("problem"):
            return False, found["problem"]
        return (True, found["page"]) if found.get("page") else (None, "no page is wanted")

    def health(self) -> Tick:
        rows = [one for one in self.of(HEALTH) if one["target"] in self.new]
        return told(
            rows,
            "it has no endpoint that can be asked",
            lambda one: f"{one['asked']}: {one['seen']}",
        )

    def listed(self) -> Tick:
        rows = self.of(LISTING)
        names = [one["name"] for one in self.routes if "*" not in one["name"]]
        if not rows or not names:
            return None, "a wildcard is not listed" if self.routes else "not asked"
        missing = [name for name in names if name in rows[0].get("missing", ())]
        said = f"{len(names) - len(missing)} of {len(names)}"
        return not missing, said + (f", not {few(missing)}" if missing else "")

    def answered(self) -> Tick:
        own = {one["name"] for one in self.routes}
        rows = [one for one in self.of(NEW) if provider_of(one["check"]) in self.new]
        rows = [one for one in self.of(ROUTING) if one["check"] in own and self.by(one)] + rows
        rows += [one for one in self.of(ROUTING) if one["check"] in own and not one["ok"]]
        return told(rows, "it is asked for no completions", answer)

    def fallbacks(self) -> Tick:
        """Those of its names, and those that lead to it."""
        own = {one["name"] for one in self.routes}
        rows = [one for one in self.of(CHAINS) if one["check"] in own or self.by(one)]
        return told(rows, "no fallback is declared for its names", answer)

    def performance(self) -> Tick:
        rows = [one for one in self.of(PERFORMANCE) if {*one["providers"]} & {*self.new}]
        if rows:
            return told(rows, "", lambda one: f"{one['check']}: {one['seen']}")
        timed = [one for one in self.proof.get("performance", ()) if one["provider"] in self.new]
        timed = [one for one in timed if one["answers"]]
        if not timed:
            return None, "nothing was measured"
        return None, f"{figures(timed[0])}; nothing is declared as acceptable"

    def documentation(self) -> Tick:
        there = self.facts["page"].get("providers", {})
        missing = [f"{name}: {', '.join(there[name])}" for name in self.new if there.get(name)]
        if not {*self.new} <= {*there}:
            return False, "the registry has it not"
        if missing:
            return False, f"nothing is declared of {'; '.join(missing)}"
        return True, "description, features and what each model is good for"

    def git(self) -> Tick:
        found = self.facts["git"]
        if not found:
            return None, "not asked: -e commit=true"
        if found.get("problem"):
            return False, found["problem"]
        tag = f", tagged {found['tag']}" if found.get("tag") else ""
        return (True, found["commit"] + tag) if found.get("commit") else (None, f"only{tag[1:]}")

    def of(self, line: str) -> list[Row]:
        return [one for one in self.checks if one["line"] == line]

    def by(self, row: Row) -> bool:
        """Whether one of the new providers answered."""
        return provider_of(row.get("by", "")) in self.new


def told(rows: Sequence[Row], nothing: str, say: Callable[[Row], str]) -> Tick:
    """The first that failed, else the first of all and how many there are."""
    bad = [row for row in rows if not row["ok"]]
    if not rows:
        return None, nothing
    if bad:
        return False, f"{bad[0]['check']}: {bad[0]['seen']}"
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return True, say(rows[0]) + more


def answer(row: Row) -> str:
    """Who answered to what, and how soon."""
    return f"{row['check']} {row['seen']} in {row['milliseconds'] / 1000:.1f} s"


def few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def as_lines(rows: Iterable[Row]) -> list[str]:
    """For people, one line each."""
    return [f"{SIGNS[row['ok']]} {row['item']}: {row['evidence']}" for row in rows]


def recorded(page: Row, git: Row) -> list[str]:
    """What else was done after another change of the registry: what provider_page and
    registry_commit return, each empty where it was not asked."""
    found = []
    if page.get("problem"):
        found.append(f"The page of the providers is as before: {page['problem']}.")
    elif page.get("changed"):
        found.append(f"{page['page']} says so.")
    if git.get("commit"):
        new = "Committed as" if git["committed"] else "There was nothing to commit after"
        found.append(f"{new} {git['commit']}.")
    if git.get("tag"):
        found.append(f"Tagged {git['tag']}.")
    if git.get("problem"):
        what = "tagged" if git.get("commit") else "committed"
        found.append(f"Not {what}: {git['problem']}. The change itself stands.")
    return found
