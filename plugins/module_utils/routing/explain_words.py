# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An explanation of one name, for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .explain_answer import Explanation, Step, TargetOf
from .explain_steps import FALLBACK
from .explain_tags import DEFAULT
from .explain_text import LABEL, Row, aligned, common_directory, listed, percent, shortened
from .waiting import COMMAND, LATER

FIRST, NEXT, THEN, LAST = "asked first", "if that fails", "then", "if all fail"
STRATEGIES = {
    "usage-based-routing-v2": "if least used",
    "usage-based-routing": "if least used",
    "latency-based-routing": "if fastest",
    "least-busy": "if least busy",
    "cost-based-routing": "if cheapest",
}
AGAIN = "again"
KINDS = {
    "long_prompt": "When a prompt is too long for the one who is asked first:",
    "refused": "When the one who is asked first refuses the content:",
}
NEVER = "(?!)"  # an expression that no User-Agent matches
AGENT = re.compile(r"(\(\?[a-zA-Z]+\))?\^User-Agent: (?:\.\*\(\?:(.*)\)|(.*))", re.S)
Who = tuple[str, str, str]


def lines(found: Explanation) -> list[str]:
    """What was asked, a line for each one who may be asked then, and how it ends."""
    told = [_line("name", _heading(found))]
    directory = _directory(found)
    if not found.steps:
        return [*told, *_unserved(found, directory)]
    told.append(_line("rule", _rule(found, directory)))
    told += aligned(_rows(found.steps, directory))
    told += [_line(word, text) for word, text in _endings(found)]
    for kind, steps in found.special.items():
        if steps:
            rows = _rows(steps, directory)[len(steps[0].targets) :]
            told += ["", KINDS[kind], *aligned([(_relabelled(row[0]), *row[1:]) for row in rows])]
            told += [] if rows else [_line(NEXT, "nobody")]
    return told


def _line(word: str, text: str) -> str:
    return f"{word:<{LABEL}}  {text}"


def _heading(found: Explanation) -> str:
    with_ = [f"with {listed(found.down)} down"] if found.down else []
    with_ += [f"for requests tagged {listed(found.tags)}"] if found.tags else []
    with_ += [f"from {found.agent}"] if found.agent else []
    return ", ".join([found.name, *with_])


def _unserved(found: Explanation, directory: str) -> list[str]:
    gets = found.client_gets or found.at_worst
    told = [_line("answered by", f"nobody: {gets.removeprefix('the client gets ')}")]
    if found.waiting:
        rule = shortened(found.waiting[0]["rule"], directory)
        told.insert(0, _line("rule", rule + (f" in {directory}" if directory else "")))
    told += [_line(word, text) for word, text in _waiting(found)]
    if found.nearest and not found.waiting:
        told.append(_line("did you mean", f"{listed(found.nearest, 'or')}?"))
    return told


def _rule(found: Explanation, directory: str) -> str:
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
    return said + (f" in {directory}" if directory and where else "")


def _rows(steps: Sequence[Step], directory: str) -> list[Row]:
    rows: list[Row] = []
    asked: dict[Who, None] = {}
    for number, (step, others) in enumerate(joined(steps)):
        if others:
            rows.append((_when(number), "the others of these, in this order"))
            continue
        for target in step.targets:
            rule = target.rule if step.how != FALLBACK else step.rule
            cells = (target.provider_at, target.model, _share(target, step, asked))
            when = _when(number) if target is step.targets[0] else ""
            rows.append((when, *cells, "; ".join(limits(target)), shortened(rule, directory)))
        asked |= dict.fromkeys(map(_who, step.targets))
    return rows


def joined(steps: Sequence[Step]) -> list[tuple[Step, bool]]:
    """Steps, and whether one stands for the others of the step before it: where LiteLLM does not go
    on to them by itself, they follow one by one, called by their ids."""
    found: list[tuple[Step, bool]] = []
    chosen: set[Who] = set()
    for step in steps:
        who = {_who(target) for target in step.targets}
        if step.name.startswith("~") and len(who) == 1 and who <= chosen:
            if not found[-1][1]:
                found.append((step, True))
            continue
        chosen = who if len(who) > 1 else set()
        found.append((step, False))
    return found


def _when(number: int) -> str:
    return (FIRST, NEXT)[number] if number < 2 else THEN


def _relabelled(when: str) -> str:
    return "asked next" if when == NEXT else when


def _share(target: TargetOf, step: Step, asked: Mapping[Who, None]) -> str:
    if not target.up:
        return "down"
    if target.canary and len(step.targets) > 1:
        return f"{percent(target.canary)} on trial"
    if _who(target) in asked:
        return AGAIN
    if len(step.targets) == 1:
        return ""
    return (
        STRATEGIES.get(step.strategy, "by load") if target.share is None else percent(target.share)
    )


def _endings(found: Explanation) -> list[tuple[str, str]]:
    told = []
    retries = [one.retries for one in found.steps[0].targets if one.retries]
    if retries:
        told.append(("tried", f"{retries[0] + 1} times before it counts as failed"))
    if found.down:
        told.append(("answered by", answered_by(found)))
    elsewhere = [f"with tag {tag} (-e tagged={tag})" for tag in found.conditions["tags"]]
    elsewhere += [f"from {one} (-e agent=...)" for one in agents(found.conditions["agents"])]
    if elsewhere:
        told.append(("another way", f"is taken by requests {listed(elsewhere, 'and')}"))
    if any(target.limited for step in found.steps for target in step.targets):
        told.append(
            ("over a limit", "counts as a failure; where nobody is next the client gets 429")
        )
    told.append((LAST, found.at_worst))
    return [*told, *_waiting(found)]


def _waiting(found: Explanation) -> Iterator[tuple[str, str]]:
    """Who would be asked, were it its turn, and how it gets it."""
    for one in found.waiting:
        later = ", to be asked when others fail," if one["asked"] == LATER else ""
        where = f"in slot {one['slot']} while {one['runs']} runs"
        yield "waits", f"{one['provider']} with {one['model']}{later} {where}"
        yield "to have it", COMMAND.format(provider=one["provider"])


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
    if len(real) == 1 and found.nobody == 0 and odds is found.answers:
        return dict.fromkeys(real, 1.0)
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
    if DEFAULT not in target.tags:  # else it is there for all requests
        told += [f"for tag {tag}" for tag in target.tags]
        told += [f"for User-Agent {agent}" for agent in agents(target.agents)]
    return told


def agents(expressions: Iterable[str]) -> list[str]:
    """What a User-Agent must hold, without what every such expression begins with."""
    return [_agent(one) for one in expressions if NEVER not in one]


def _agent(expression: str) -> str:
    ours = AGENT.fullmatch(expression)
    if not ours:
        return expression
    return (ours[1] or "") + (f"^{ours[3]}" if ours[2] is None else ours[2])


def _directory(found: Explanation) -> str:
    targets = found.targets.values()
    waits = [one["rule"] for one in found.waiting] if not found.steps else []
    return common_directory([found.matched.rule, *(one.rule for one in targets), *waits])


def _who(target: TargetOf) -> Who:
    return target.provider, target.host, target.model
