# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An explanation of one name, for people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from .explain_answer import Explanation, Step, TargetOf

FIRST, NEXT, LAST = "asked first", "if that fails", "if all fail"
STRATEGIES = {
    "usage-based-routing-v2": "the least used of the minute",
    "usage-based-routing": "the least used of the minute",
    "latency-based-routing": "the one that has been fastest",
    "least-busy": "the one with the fewest requests under way",
    "cost-based-routing": "the cheapest one",
}
KINDS = {
    "long_prompt": "if a prompt is too long for the model",
    "refused": "if a provider refuses the content",
}
Row = tuple[str, ...]


def lines(found: Explanation) -> list[str]:
    """A heading, a line for each one who may be asked, and how it ends."""
    told = [_heading(found)]
    if not found.steps:
        return [*told, *_unserved(found)]
    directory = _directory(found)
    rows = [("rule", *_rule(found, directory))]
    rows += _rows(found, found.steps, directory)
    told += aligned(rows)
    told += [f"  {word:<15}{text}" for word, text in _endings(found)]
    for kind, steps in found.special.items():
        if steps:
            told += ["", f"  {KINDS[kind]}:", *aligned(_rows(found, steps, directory))]
    return told


def _heading(found: Explanation) -> str:
    with_ = [f"with {listed(found.down)} down"] if found.down else []
    with_ += [f"for requests tagged {listed(found.tags)}"] if found.tags else []
    with_ += [f"from {found.agent}"] if found.agent else []
    return ", ".join([found.name, *with_])


def _unserved(found: Explanation) -> list[str]:
    told = [f"  Nobody answers: {found.client_gets or found.at_worst}."]
    if found.matched.kind != "none":
        return told
    return [*told, f"  Did you mean {listed(found.nearest, 'or')}?"] if found.nearest else told


def _rule(found: Explanation, directory: str) -> Row:
    match = found.matched
    where = shortened(match.rule, directory)
    what = {
        "wildcard": f"the pattern {match.entry}",
        "alias": f"an alias of {match.entry}",
        "group": f"the routing group {match.entry}",
        "id": "the id of a deployment: it is called past all choices and fallbacks",
        "sent": "no public name, but what LiteLLM sends to a provider",
    }.get(match.kind, "")
    said = ", ".join(part for part in (what, where) if part) or "none that is known"
    return (said + (f" in {directory}" if directory and where else ""),)


def _rows(found: Explanation, steps: Sequence[Step], directory: str) -> list[Row]:
    rows: list[Row] = []
    members = {_who(one) for one in steps[0].targets} if steps else set()
    others = False
    for step in steps:
        if step is not steps[0] and {_who(one) for one in step.targets} <= members:
            if not others:
                rows.append((NEXT, "the others of these, in this order"))
            others = True
            continue
        by_order: dict[int | None, list[TargetOf]] = {}
        for target in step.targets:
            by_order.setdefault(target.order, []).append(target)
        for targets in by_order.values():
            word = NEXT if rows else FIRST
            for target in targets:
                rule = target.rule if step is steps[0] else step.rule
                rows.append(
                    (word, *_target(target, len(targets), step), shortened(rule, directory))
                )
                word = ""
    return rows


def _target(target: TargetOf, of: int, step: Step) -> Row:
    """(who, model, share, limits)."""
    return target.provider_at, target.model, _share(target, of), "; ".join(limits(target))


def _share(target: TargetOf, of: int) -> str:
    if not target.up:
        return "down"
    if target.canary:
        return f"{percent(target.canary)} on trial"
    if of == 1 or target.share is None or (target.order or 1) > 1:
        return ""
    return percent(target.share) if target.share else "only if the others fail"


def _endings(found: Explanation) -> list[tuple[str, str]]:
    told = []
    first = found.steps[0]
    if first.how == "strategy":
        told.append(("chosen", STRATEGIES.get(found.strategy, f"by {found.strategy}")))
    retries = [one.retries for one in first.targets if one.retries]
    if retries:
        told.append(("tried", f"{retries[0] + 1} times before it counts as failed"))
    if found.down:
        told.append(("answered by", answered_by(found)))
    told.append((LAST, found.at_worst))
    return told


def answered_by(found: Explanation) -> str:
    """Who, with which part of the requests."""
    if found.nobody == 1.0:
        return "nobody"
    parts = [
        who if share == 1.0 else f"{who} ({'by load' if share is None else percent(share)})"
        for who, share in by_provider(found, found.answers).items()
    ]
    if found.nobody:
        parts.append(f"nobody ({percent(found.nobody)})")
    elif found.nobody is None:
        parts.append("or nobody, by load")
    return ", ".join(parts)


def by_provider(found: Explanation, odds: Mapping[str, float | None]) -> dict[str, float | None]:
    """Odds of ids as odds of providers, the likeliest first."""
    targets = found.targets
    told: dict[str, float | None] = {}
    for id_, share in odds.items():
        who = targets[id_].provider if id_ in targets else id_
        before = told.get(who, 0.0)
        told[who] = None if share is None or before is None else before + share
    real = {who: share for who, share in told.items() if share is None or share > 0}
    return dict(sorted(real.items(), key=lambda pair: -(pair[1] or 0.0)))


def limits(target: TargetOf) -> list[str]:
    """What it may be asked."""
    told = []
    if target.rpm is not None:
        told.append(f"{target.rpm} requests a minute")
    if target.tpm is not None:
        told.append(f"{target.tpm} tokens a minute")
    if target.parallel is not None:
        told.append(f"{target.parallel} at once")
    if target.budget is not None:
        told.append(f"{target.budget:g} $ in {target.budget_duration}")
    if target.tags and target.tags != ["default"]:
        told.append(f"tags {listed([tag for tag in target.tags if tag != 'default'])}")
    if target.agents:
        told.append(f"User-Agent {listed(target.agents, 'or')}")
    return told


def percent(share: float) -> str:
    """A share as people write it."""
    return f"{share * 100:.4g} %"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    found = list(words)
    return f"{', '.join(found[:-1])} {last} {found[-1]}" if len(found) > 1 else "".join(found)


def aligned(rows: Sequence[Row], indent: str = "  ") -> list[str]:
    """In columns; a row's last cell may be as long as it likes."""
    most = max((len(row) for row in rows), default=0)
    wide = [max((len(row[n]) for row in rows if len(row) > n + 1), default=0) for n in range(most)]
    told = []
    for row in rows:
        cells = [cell.ljust(wide[n]) for n, cell in enumerate(row[:-1])]
        told.append((indent + "  ".join([*cells, row[-1]])).rstrip())
    return told


def shortened(rule: str, directory: str) -> str:
    """A place without the directory that is told once."""
    return rule.removeprefix(directory + "/") if directory else rule


def _directory(found: Explanation) -> str:
    rules = [found.matched.rule, *(one.rule for one in found.targets.values())]
    directories = {os.path.dirname(rule) for rule in rules if rule}
    return directories.pop() if len(directories) == 1 else ""


def _who(target: TargetOf) -> tuple[str, str, str]:
    return target.provider, target.host, target.model
