# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the timer does about canaries: count, remember, and say when a promotion is to be undone."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..host import atomic
from . import change_journal
from .asking import Answer, Asker
from .canary import UNDO, Margin, Verdict, Window, judge_canary
from .generation import Store
from .installed import Installed
from .lock import LockedError
from .metrics import Counts, Look, between, count, look
from .sealed import GenerationError
from .secrets_file import MASTER_KEY, MissingVariablesError

FILE = "canary.json"
METRICS_PATH = "/metrics/"
MOST_LOOKS = 120  # beyond, the older ones become fewer
LONGEST = 24 * 3600.0  # seconds that are remembered
ANSWER_SECONDS = 30.0
Ask = Callable[[str], Answer]
TakeBack = Callable[[Installed, int, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Decision:
    """`undo`: the generation to go back to, or None. `lines`: one a canary, for the journal; the
    first one is the reason where something is undone."""

    undo: int | None = None
    lines: tuple[str, ...] = ()


def tick(store: Store, ask: Ask, now: float) -> Decision:
    """One look at the canaries of the generation that serves.

    Its promotion is to be undone if a canary is worse than its peers, in what has happened since,
    and this generation has given it more than the one before had. `ask` asks the gateway through
    its private door, with its key. Writes canary.json; does nothing else.
    """
    number = store.current()
    canaries = canaries_of(store, number)
    if number is None or not canaries:
        return Decision()
    seen = see(canaries, number, ask, now)
    if isinstance(seen, str):
        return Decision(lines=(f"canaries: {seen}",))
    looks, margin = remember(store, seen), margin_of(store, number)
    before = store.outcome(number).get("before")
    shares = {one["provider"]: one["share"] for one in canaries_of(store, before)}
    undo: int | None = None
    lines: list[str] = []
    for one in canaries:
        name, share = one["provider"], one["share"]
        since = [at for at in looks if at.generation == number]
        verdict = judged(since, name, now - LONGEST, began(store, number), margin)
        line = f"canary {name} at {_percent(share)}: {verdict.why}"
        raised = share > shares.get(name, 0.0)
        if verdict.worse and raised and before is not None:
            had = f"it had {_percent(shares[name])}" if name in shares else "it had none"
            lines.insert(0, f"{line}; back to generation {before}, where {had}")
            undo = before
        elif verdict.worse:
            lines.append(f"{line}; generation {number} did not promote it, so it stays")
        else:
            lines.append(line)
    return Decision(undo, tuple(lines))


def watch(
    gateway: Installed,
    take_back: TakeBack,
    say: Callable[[str], None],
    now: Callable[[], float] = time.time,
) -> bool:
    """One look by a timer, and what follows from it. Returns whether something was undone."""
    store, number = gateway.store, gateway.store.current()
    change = change_journal.read(store.base)
    if number is None or not canaries_of(store, number) or (change is not None and not change.over):
        return False
    decision = tick(store, asker(gateway, number), now())
    for line in decision.lines:
        say(line)
    if decision.undo is None:
        return False
    try:
        result = take_back(gateway, decision.undo, decision.lines[0])
    except (LockedError, GenerationError, MissingVariablesError) as error:
        say(f"generation {number} stays for now: {error}")
        return False
    done = not result.get("failed")
    serves = f"generation {decision.undo} serves again"
    say(serves if done else f"generation {number} stays: {result.get('msg', '')}")
    return done


def asker(gateway: Installed, number: int) -> Ask:
    """Asks a generation through its private door, with its key."""
    key = gateway.held.values_of(number).get(MASTER_KEY, "")
    door = str(gateway.manager.private_socket(number))
    return Asker(door, {"Authorization": f"Bearer {key}"}, ANSWER_SECONDS).ask


def may_have(
    gateway: Installed, provider: str, share: float, now: float, seconds: float, margin: Margin
) -> dict[str, Any]:
    """{allowed, why, rises, share, numbers}: whether a provider may get this share, by what it did
    in the last `seconds`.

    `share` in the result is what it has. Only more than that, of one that has some, is judged.
    """
    store, number = gateway.store, gateway.store.current()
    canaries = canaries_of(store, number)
    had = next((one["share"] for one in canaries if one["provider"] == provider), 0.0)
    said: dict[str, Any] = {"allowed": True, "rises": share > had, "share": had, "numbers": {}}
    if number is None or not had:
        return {**said, "why": f"{provider} has no share yet: there is nothing to judge it by"}
    if share <= had:
        return {**said, "why": f"{provider} has {_percent(had)}: less of it needs no proof"}
    seen = see(canaries, number, asker(gateway, number), now)
    if isinstance(seen, str):
        return {**said, "allowed": False, "why": seen}
    looks = [*remembered(store), seen]
    verdict = judged(looks, provider, now - seconds, began(store, number), margin)
    allowed = verdict.enough and not verdict.worse
    why = f"{provider} at {_percent(had)}: {verdict.why}"
    return {**said, "allowed": allowed, "why": why, "numbers": verdict.numbers}


def margin_of(store: Store, number: int) -> Margin:
    """What a generation's canaries are allowed, as it was when it was made."""
    said = store.probes(number).get("margin", {})
    errors, latency = (float(said.get(x, getattr(UNDO, x))) for x in ("errors", "latency"))
    return replace(UNDO, errors=errors, latency=latency)


def canaries_of(store: Store, number: int | None) -> list[dict[str, Any]]:
    """The canaries of a generation, as the registry's compiler told them."""
    probes = {} if number is None else store.probes(number)
    return list(probes.get("canaries", ()))


def see(canaries: Sequence[Mapping[str, Any]], number: int, ask: Ask, now: float) -> Look | str:
    """What has been counted; why that cannot be told, in words."""
    answer = ask(METRICS_PATH)
    if answer.status != 200:
        return f"the gateway does not tell its counters: {answer.message()}"
    text = answer.body.decode(errors="replace")
    found: dict[str, tuple[Counts, Counts]] = {}
    for one in canaries:
        own, peers = (
            count(text, {name: route[who] for name, route in one["routes"].items()})
            for who in ("canary", "peers")
        )
        found[one["provider"]] = (own, peers)
    return Look(now, number, found)


def judged(
    looks: Sequence[Look], provider: str, since: float, began: float, margin: Margin
) -> Verdict:
    """The verdict on what these looks, the last of which is of now, have seen after `since`.

    Counters begin at 0 with a process: where no look is old enough, they are taken from there, and
    the last generation's process `began` at that time.
    """
    older = [one for one in looks[:-1] if one.at <= since]
    recent = looks[len(older) :]
    first = older[-1] if older else Look(min(recent[0].at, max(began, since)), -1, {})
    own, peers = between([first, *recent], provider)
    return judge_canary(Window(own, peers, recent[-1].at - first.at), margin)


def began(store: Store, number: int) -> float:
    """When a generation came to serve, in seconds since 1970; 0 if nobody has noted it."""
    return float(store.outcome(number).get("at") or 0.0)


def remembered(store: Store) -> list[Look]:
    """The looks of before, oldest first; none if the file is not there or not ours."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return [look(said) for said in json.loads((store.base / FILE).read_text())["looks"]]
    return []


def remember(store: Store, seen: Look) -> list[Look]:
    """Keep this look with those of before, as many as are worth it. Returns them all."""
    looks = [one for one in remembered(store) if seen.at - LONGEST * 1.1 <= one.at <= seen.at]
    looks = thinned([*looks, seen])
    text = json.dumps({"looks": [one.as_dict() for one in looks]})
    atomic.write(store.base / FILE, text.encode(), 0o600)
    return looks


def thinned(looks: list[Look]) -> list[Look]:
    """No more than MOST_LOOKS: of the older half every other one goes, but never the last one of a
    generation, which is all that is known of its end."""
    if len(looks) <= MOST_LOOKS:
        return looks
    half = len(looks) // 2
    ends = {at for at in range(half) if looks[at].generation != looks[at + 1].generation}
    return [one for at, one in enumerate(looks) if at >= half or at % 2 == 0 or at in ends]


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
