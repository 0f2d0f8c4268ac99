"""Whether what happened is what was explained: sentences about where it is not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation

Seen = list[dict[str, Any]]
Odds = dict[str, float | None]
UNLIKELY = 1e-6
ENOUGH = 400  # requests for a share to be judged


def disagreements(said: Explanation, how: str, seen: Seen) -> list[str]:
    """What one question showed. `how` is that of tools/many_requests.py."""
    found: list[str] = []
    if how == "counted":
        return found
    for one in seen:
        found += _answer(said, one)
        if how != "cooling":
            found += _way(said, one)
    if len(seen) >= ENOUGH and how != "cooling":
        first = [one["asked"][0] if one["asked"] else "" for one in seen]
        found += _shares("is asked first", first, said.first or {"": 1.0})
        found += _shares("answers", [one["who"] for one in seen], _with_nobody(said))
    about = f"{said.name!r}, down {list(said.down)}, {[*said.tags, said.agent]}: "
    return [about + one for one in dict.fromkeys(found)]


def _answer(said: Explanation, one: dict[str, Any]) -> Iterator[str]:
    """Who answered, and what the client got where nobody did."""
    if not possible(_with_nobody(said), one["who"]):
        yield f"{one['who'] or 'nobody'} answered, explained was {_with_nobody(said)}"
    if one["who"]:
        return
    status = next((int(w[:3]) for w in said.client_gets.split() if w[:3].isdigit()), 500)
    if one["status"] != status:
        yield f"the client got {one['status']}, explained was {said.client_gets!r}"


def _way(said: Explanation, one: dict[str, Any]) -> Iterator[str]:
    """Who was asked, in which order, and for which model."""
    asked = one["asked"]
    if said.certain and asked != said.tries:
        yield f"{asked} were asked, explained was {said.tries}"
    if asked and not possible(said.first, asked[0]):
        yield f"{asked[0]} was asked first, explained was {said.first}"
    unknown = [id_ for id_ in asked if id_ not in said.targets]
    if unknown:
        yield f"{unknown} were asked, explained were {[*said.targets]}"
    else:
        yield from _order(said, asked)
        for id_, sent in zip(asked, one["sent"], strict=True):
            if said.targets[id_].model != sent:
                yield f"{id_} was asked for {sent!r}, explained was {said.targets[id_].model!r}"


def _order(said: Explanation, asked: list[str]) -> Iterator[str]:
    """Nobody of a later step before one of an earlier step; where a canary stands is luck."""
    if said.down and not said.certain and said.matched.kind != "none":
        step = {t.id: n for n, one in reversed([*enumerate(said.steps)]) for t in one.targets
                if not t.canary}  # fmt: skip
        steps = [step[id_] for id_ in dict.fromkeys(asked) if id_ in step]
        if steps != sorted(steps):
            yield f"{asked} were asked, against the order of the steps {step}"


def possible(odds: Odds, who: str) -> bool:
    """Whether it could have been this one."""
    part = odds.get(who, 0.0)
    return part is None or part > 0


def _with_nobody(said: Explanation) -> Odds:
    return {**said.answers, "": said.nobody}


def _shares(what: str, seen: list[str], odds: Odds) -> Iterator[str]:
    """By a binomial test of each share."""
    if any(part is None for part in odds.values()):
        return
    counts = Counter(seen)
    for who in dict.fromkeys([*odds, *counts]):
        part = odds.get(who) or 0.0
        p = tail(counts[who], len(seen), part)
        if p < UNLIKELY:
            yield (
                f"{who or 'nobody'} {what} in {counts[who]} of {len(seen)}, "
                f"explained was a share of {part} (p = {p:.1g})"
            )


def tail(count: int, of: int, part: float) -> float:
    """How likely a count is at most as likely as this one: the smaller tail, doubled."""
    if part <= 0 or part >= 1:
        return 1.0 if count == round(of * part) else 0.0
    below = math.fsum(_binomial(k, of, part) for k in range(count + 1))
    above = math.fsum(_binomial(k, of, part) for k in range(count, of + 1))
    return min(1.0, 2 * min(below, above))


def _binomial(k: int, of: int, part: float) -> float:
    choose = math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
    return math.exp(choose + k * math.log(part) + (of - k) * math.log1p(-part))


def over_a_limit(names: dict[str, Explanation], id_: str, rpm: int, seen: Seen) -> list[str]:
    """A limit of one deployment, asked for in turn by names that begin with it.

    `names`: what is said of each while the deployment's provider is down. Beyond the limit it is
    as if it were that, but it is not even asked.
    """
    found = []
    used = 0
    for one in seen:
        beyond = names[one["model"]]
        asked_it = id_ in one["asked"]
        if asked_it and one["asked"][0] != id_:
            found.append(f"{one['model']!r}: {id_} was asked, but not first")
        if not asked_it and used < rpm:
            found.append(f"{one['model']!r}: {id_} was not asked after {used} of {rpm} requests")
        used += one["asked"].count(id_)
        others = [target for key, target in beyond.targets.items() if key != id_]
        if not asked_it and all(target.up and not target.limited for target in others):
            if not possible(_with_nobody(beyond), one["who"]):
                found.append(f"{one['model']!r}, limit reached: {one['who'] or 'nobody'} answered, "
                             f"explained was {_with_nobody(beyond)}")  # fmt: skip
            if not one["who"] and one["status"] != 429:
                found.append(f"{one['model']!r}, limit reached: {one['status']} instead of 429")
    if used != rpm:
        found.append(f"{id_} was asked {used} times, its limit is {rpm}")
    return found
