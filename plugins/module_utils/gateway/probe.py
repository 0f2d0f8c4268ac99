# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof: what a gateway is asked, what is expected, and what it answered."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from .asking import Answer, Asker
from .deployments import Deployments, declared, loaded
from .performance import judged, measured, misses
from .probe_checks import CHAINS, HEALTH, LISTING, NEW, ROUTING, Check, check, names_of
from .questions import (
    MOST_TOKENS,
    PATHS,
    Questions,
    answered,
    question,
    streamed,
    tokens_of,
)
from .streaming import pace, whole

MOCK = "This is a mock exception"  # what LiteLLM answers when a forced fallback had nowhere to go
Asks = Iterable[Callable[[], Check]]


class Proof:
    """Asks one gateway. Every question is bounded by the asker's own limit."""

    def __init__(self, gateway: Asker, questions: Questions) -> None:
        self.gateway, self.questions, self.spared = gateway, questions, questions.spared
        self.providers: Mapping[str, Any] = questions.probes.get("providers", {})
        self.deployments = Deployments(declared(questions.probes), self.providers)
        self.checks: list[Check] = []
        self.performance: list[dict[str, Any]] = []
        # Whoever is to be fast has one question at a time: not how long it queues is declared.
        bound = [name for name, row in self.providers.items() if row.get("performance")]
        self.turns = {name: threading.Lock() for name in bound}

    @property
    def ok(self) -> bool:
        """Whether every check came out right."""
        return all(row["ok"] for row in self.checks)

    @property
    def judging(self) -> bool:
        """Whoever asks again and again would judge what a busy hour does."""
        return self.questions.only is None and not self.questions.frugal

    def run(self) -> list[Check]:
        """All checks, in the order of the registry. Each is a mapping with `line` (one of five),
        `check`, `asked`, `expected`, `seen`, `ok`, `milliseconds` and, if not ok, `fix`; those of
        a completion also with `providers` (who may answer), `by` (who did), `requests` and
        `tokens` (what it took)."""
        listing = [self.listing()] if self.questions.asks(LISTING, "models") else []
        silent = any(row["status"] == 0 for row in listing)  # then each question takes its bound
        if self.questions.probes.get("completions") and not silent:
            self.learn()
        with ThreadPoolExecutor(self.questions.side_by_side) as pool:

            def answers(asked: Asks) -> list[Check]:
                return list(pool.map(lambda question: question(), list(asked)))

            models = [] if silent else [*self.routes(), *self.chains()]
            asked = answers([*self.health(), *models])
            self.checks = [*listing, *asked, *(() if silent else answers(self.reached(asked)))]
        self.performance = measured(self.checks, self.deployments)
        if self.judging:
            self.checks += judged(self.performance, self.providers)
        return self.checks

    def listing(self) -> Check:
        """/v1/models lists what is declared, no more and no less.

        In place of some wildcards LiteLLM lists all names that it has heard of.
        """
        expected = set(self.questions.probes.get("models", ()))
        answer = self.gateway.ask("/v1/models")
        data = answer.json()
        rows = data.get("data", []) if isinstance(data, dict) else []
        listed = {row["id"] for row in rows if isinstance(row, dict) and "id" in row}
        seen = names_of(listed) if answer.status == 200 else answer.message()
        wildcards = self.questions.probes.get("wildcards", ())
        more = set() if any("/" in w or w == "*" for w in wildcards) else listed - expected
        for word, names in (("missing", expected - listed), ("undeclared", more)):
            seen += (
                f", {word}: {', '.join(sorted(names))}" if answer.status == 200 and names else ""
            )
        ok = answer.status == 200 and expected <= listed and not more
        fix = "see the gateway's log: LiteLLM drops a deployment that it does not understand"
        wish = f"{names_of(expected)}, as declared"
        told = check(LISTING, "models", "GET /v1/models", wish, seen, ok, answer, fix)
        return told | {"missing": sorted(expected - listed)}

    def learn(self) -> Deployments:
        """The deployments; where nothing declares them, as the gateway tells; asked once."""
        if not self.deployments.rows:
            rows = loaded(self.gateway.ask("/v1/model/info").json())
            self.deployments = Deployments(rows, self.providers)
        return self.deployments

    def health(self) -> Asks:
        """Each provider's own health endpoint, asked from the gateway's host."""
        for row in self.questions.probes.get("health", ()):
            if self.questions.asks(HEALTH, health_name(row), row["provider"]):
                yield partial(self.ask_health, row)

    def ask_health(self, row: Mapping[str, Any]) -> Check:
        key = self.questions.secrets.get(row.get("key_variable") or "", "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        asker = Asker(row["url"], headers, float(row.get("timeout_seconds") or 10))
        for _attempt in range(max(1, int(row.get("attempts") or 1))):
            answer = asker.ask("")
            if answer.status == 200:
                break
        ok, seen = answer.status == 200, answer.message()
        told = check(HEALTH, health_name(row), f"GET {row['url']}", "200", seen, ok, answer)
        return told | {"target": row["provider"]}

    def routes(self) -> Asks:
        """A small question to each name; a fallback may not answer for it.

        Where some of a name's providers must not be asked, one of the others answers by its id.
        """
        for row in self.questions.probes.get("completions", ()):
            name, mode = row["model"], row.get("mode", "chat")
            if not self.questions.wants(row["route"]) or not self.questions.asks(ROUTING, name):
                continue
            behind = self.deployments.behind(name)
            free = [one for one in behind if one["provider"] not in self.spared]
            by_id = [one["id"] for one in free if not one.get("by_name")]
            if len(free) == len(behind):
                yield partial(self.ask, ROUTING, name, mode)
            elif by_id:
                yield partial(self.ask, ROUTING, name, mode, by_id[0])

    def chains(self) -> Asks:
        """The first hop of each chain is forced, without touching what it is the chain of; each
        target is asked by itself."""
        completions = self.questions.probes.get("completions", ())
        modes = {row["model"]: row.get("mode", "chat") for row in completions}
        seen = set(modes)
        for row in self.questions.probes.get("fallbacks", ()):
            if not self.questions.wants(row["route"]):
                continue
            name, mode = row["model"], modes.get(row["model"], "chat")
            both = [*row.get("target_ids", ()), *row.get("target_names", ())]
            targets = row.get("targets") or both
            if targets and self.forces(name, targets[0]):
                yield partial(self.force, name, mode, targets)
            for target in targets:
                free = target not in seen and not self.deployments.costs(target, self.spared)
                if free and self.questions.asks(CHAINS, target):
                    seen.add(target)
                    yield partial(self.ask, CHAINS, target, mode, target)

    def forces(self, name: str, first: str) -> bool:
        wished = self.questions.forced and self.questions.asks(CHAINS, name, first)
        return wished and not self.deployments.costs(first, self.spared)

    def reached(self, asked: Sequence[Check]) -> Asks:
        """Each deployment by its id, so that nobody else can answer for it: the new provider's, or
        without one all. What is known of one by now is not asked again, unless it was slower than
        it should be: the first answers of a gateway, or of a model, take longer."""
        known = {row["check"]: row for row in asked if row["line"] == CHAINS}
        known |= {row["by"]: row for row in asked if row["ok"] and row.get("by")}
        new, seen = self.questions.new_provider, set[str]()
        for row in self.deployments.rows:
            identity = row["id"]
            if row.get("by_name"):
                continue
            mine = row["provider"] == new if new else self.questions.wants(row["name"])
            free = row["provider"] not in self.spared and identity not in seen
            if not mine or not free or not self.questions.asks(NEW, identity):
                continue
            seen.add(identity)
            if identity in known and not new and not self.too_slow(row, known[identity]):
                same = {"line": NEW, "check": identity, "target": identity, "requests": 0}
                yield partial(dict, known[identity], **same, tokens=0)
            else:
                yield partial(self.ask, NEW, identity, row["mode"], identity)

    def ask(self, line: str, name: str, mode: str, identity: str = "") -> Check:
        """One small question without fallbacks; with `identity` this one must answer it."""
        model = identity or name
        most = self.questions.tokens_for(self.deployments.whose(model))
        body = question(model, mode, most)
        with self.turn(model):
            came = self.gateway.ask(PATHS.get(mode, PATHS["chat"]), streamed(body, mode))
        answer = whole(came)
        by, good = answer.headers.get("x-litellm-model-id", ""), answered(answer, mode)
        # An id may be a name as well, and then have more than one behind it.
        right = not identity.startswith("~") or by == identity
        seen = f"answered by {by}" if good else answer.message()
        want = f"an answer by {identity}" if identity else "an answer, no fallback"
        told = check(line, name, f"{mode} of {model}", want, seen, good and right, answer)
        timed = pace(came) if good else {}
        return told | spent(answer, by, most) | timed | self.deployments.about(model)

    def too_slow(self, row: Mapping[str, str], answer: Check) -> bool:
        bounds = self.providers.get(row["provider"], {}).get("performance")
        return bool(bounds) and self.judging and misses(answer, bounds)

    def turn(self, model: str) -> contextlib.AbstractContextManager[object]:
        """What to wait for before this name or id is asked."""
        first = next(iter(self.deployments.whose(model)), "")
        return self.turns.get(first) or contextlib.nullcontext()

    def force(self, name: str, mode: str, targets: Sequence[str]) -> Check:
        """Let the gateway believe that the name's own deployments failed."""
        body = question(name, mode) | {"mock_testing_fallbacks": True, "disable_fallbacks": False}
        answer = self.gateway.ask(PATHS.get(mode, PATHS["chat"]), body)
        by, hops = (answer.headers.get(f"x-litellm-{word}", "") for word in HOP)
        first = targets[0]
        right = by == first if first.startswith("~") else bool(by)
        ok = answered(answer, mode) and hops not in ("", "0") and right
        failed = "no fallback answered" if MOCK in answer.message() else answer.message()
        seen = f"answered by {by}" if answered(answer, mode) else failed
        asked = f"{mode} of {name}, its own deployments taken for failed"
        fix = f"see why {first} does not answer"
        want = f"an answer by {first}"
        told = check(CHAINS, name, asked, want, seen, ok, answer, fix)
        told |= spent(answer, by) | self.deployments.about(name, *targets[1:], first)
        return told | {"target": first}


HOP = ("model-id", "attempted-fallbacks")


def health_name(row: Mapping[str, Any]) -> str:
    """What the health check of a provider on a host is called."""
    host = row.get("host")
    return str(row["provider"]) + (f" on {host}" if host else "")


def spent(answer: Answer, by: str, most: int = MOST_TOKENS) -> dict[str, Any]:
    """Who answered, and what it took; LiteLLM says how often it tried again."""
    again = answer.headers.get("x-litellm-attempted-retries", "0")
    requests = 1 + (int(again) if again.isdecimal() else 0)
    took = {"tokens": tokens_of(answer), "answer_tokens_at_most": most * requests}
    return {"by": by, "requests": requests, **took}
