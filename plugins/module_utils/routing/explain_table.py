# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All names of a configuration, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .explain import Explainer
from .explain_answer import Explanation, Step
from .explain_steps import STRATEGY
from .explain_text import common_directory, listed, percent, shortened
from .explain_words import STRATEGIES, answered_by, joined

WIDTHS = (30, 36, 30, 0)  # the most characters of a column, but the last one
WIDE = 100


def public_names(explainer: Explainer) -> list[str]:
    """Every name and pattern that a client may use: ids are not among them."""
    names = explainer.names
    known = (*names.by_name, *names.aliases, *filter(names.callable_group, names.groups))
    return [name for name in dict.fromkeys(known) if name[:1] != "~"]


def table(found: Sequence[Explanation]) -> list[str]:
    """The lines: a heading, a line a name, and what all of them come to."""
    if not found:
        return ["No name is served."]
    down = found[0].down
    directory = common_directory(map(_rule, found))
    heads = ("name", f"answered with {listed(down)} down", "asked first otherwise")
    rows = [(*(heads if down else ("name", "asked first", "then")), "rule")]
    rows += [_row(one, directory) for one in found]
    wide = [min(most, max(len(row[n]) for row in rows)) for n, most in enumerate(WIDTHS[:-1])]
    left = WIDE - sum(wide) - 2 * len(wide)
    lines = []
    for row in rows:
        cells = [_cut(cell, wide[n]).ljust(wide[n]) for n, cell in enumerate(row[:-1])]
        lines.append("  ".join([*cells, _end_of(row[-1], left)]).rstrip())
    rules = [f"Rules in {directory}."] if directory else []
    return [*lines, "", _summary(found), *_unanswered(found), *rules]


def _row(one: Explanation, directory: str) -> tuple[str, str, str, str]:
    first, *later = joined(one.steps) or [(Step("", "", [], ""), False)]
    usual = _first(first[0]) if first[0].targets else f"nobody{_waits(one)}"
    rule = shortened(_rule(one), directory)
    if one.down:
        return one.name, answered_by(one), usual, rule
    return one.name, usual, ", ".join(_later(later)), rule


def _rule(one: Explanation) -> str:
    return one.matched.rule or (one.waiting[0]["rule"] if one.waiting else "")


def _waits(one: Explanation) -> str:
    names = listed(dict.fromkeys(waits["provider"] for waits in one.waiting))
    return f": {names} waits" if names else ""


def _unanswered(found: Sequence[Explanation]) -> list[str]:
    """What a switch in a slot would bring, a line for each."""
    lost: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        for waits in one.waiting if not one.steps else ():
            who = (waits["provider"], waits["slot"], waits["runs"])
            lost.setdefault(who, []).append(one.name)
    return [
        f"Nobody answers {listed(names)} while {runs} runs in slot {slot} "
        f"(switch_model.yml -e provider={who})."
        for (who, slot, runs), names in lost.items()
    ]


def _first(step: Step) -> str:
    if step.how == STRATEGY:
        word = STRATEGIES.get(step.strategy, "by load").removeprefix("if ")
        return f"{word} of {_providers(step)}"
    shares: dict[str, float] = {}
    for target in step.targets:
        share = target.canary or target.share or 0.0
        shares[target.provider] = shares.get(target.provider, 0.0) + share
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{who} {percent(share)}" for who, share in shares.items())


def _later(steps: Iterable[tuple[Step, bool]]) -> list[str]:
    words: list[str] = []
    for step, others in steps:
        word = "the others" if others else _providers(step)
        if words[-1:] != [word]:
            words.append(word)
    return words


def _providers(step: Step) -> str:
    return listed(dict.fromkeys(target.provider for target in step.targets))


def _summary(found: Sequence[Explanation]) -> str:
    counted = f"{len(found)} name{'' if len(found) == 1 else 's'}"
    if found[0].down:
        lost = [one.name for one in found if one.nobody != 0.0 and one.steps]
        if not lost:
            return f"{counted}; each of them is still answered."
        return f"{counted}; not always answered any more: {listed(lost)}."
    alone = [one.name for one in found if len(one.targets) == 1]
    if not alone:
        return f"{counted}; each has more than one to answer it."
    return f"{counted}; with one deployment only: {listed(alone)}."


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _end_of(text: str, most: int) -> str:
    """A place is known by its end."""
    return text if len(text) <= most else "…" + text[len(text) - most + 1 :]
