# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof: what a gateway is asked, what is expected, and what it answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from .asking import Answer, Asker
from .questions import PATHS, Questions, answered, question

HEALTH, LISTING, NEW, ROUTING, CHAINS = "health", "listing", "new", "routing", "chains"
FIXES = {
    0: "see that it runs and that the gateway's host reaches it",
    401: "check the value of its key",
    403: "check the value of its key, and what the key may do",
    404: "check the base URL and the model's name at the provider",
    429: "the provider's limit is reached: wait, or ask it for less",
}
# What LiteLLM says of a provider behind an answer of its own, and which of the above it means.
WORDS = (("Connection error", 0), ("AuthenticationError", 401), ("NotFoundError", 404))
MOCK = "This is a mock exception"  # what LiteLLM answers when a forced fallback had nowhere to go
Check = dict[str, Any]


class Proof:
    """Asks one gateway. Every question is bounded by the asker's own limit."""

    def __init__(self, gateway: Asker, questions: Questions) -> None:
        self.gateway, self.questions = gateway, questions
        self.deployments: list[dict[str, str]] = []
        self.checks: list[Check] = []

    @property
    def ok(self) -> bool:
        """Whether every check came out right."""
        return all(row["ok"] for row in self.checks)

    def run(self) -> list[Check]:
        """All checks, in the order of the registry. Each is a mapping with `line` (one of five),
        `check`, `asked`, `expected`, `seen`, `ok`, `milliseconds` and, if not ok, `fix`."""
        listing = self.listing()
        if self.questions.probes.get("completions"):
            self.learn()
        with ThreadPoolExecutor(self.questions.side_by_side) as pool:

            def answers(asked: Iterable[Callable[[], Check]]) -> list[Check]:
                return list(pool.map(lambda question: question(), list(asked)))

            asked = answers([*self.health(), *self.routes(), *self.chains()])
            self.checks = [listing, *asked, *answers(self.reached(asked))]
        return self.checks

    def listing(self) -> Check:
        """/v1/models lists what is declared, no more and no less."""
        declared = set(self.questions.probes.get("models", ()))
        answer = self.gateway.ask("/v1/models")
        data = answer.json()
        rows = data.get("data", []) if isinstance(data, dict) else []
        listed = {row["id"] for row in rows if isinstance(row, dict) and "id" in row}
        seen = names_of(listed) if answer.status == 200 else answer.message()
        for word, names in (("missing", declared - listed), ("undeclared", listed - declared)):
            seen += (
                f", {word}: {', '.join(sorted(names))}" if answer.status == 200 and names else ""
            )
        ok = answer.status == 200 and listed == declared
        fix = "see the gateway's log: LiteLLM drops a deployment that it does not understand"
        expected = f"{names_of(declared)}, as declared"
        return check(LISTING, "models", "GET /v1/models", expected, seen, ok, answer, fix)

    def learn(self) -> list[dict[str, str]]:
        """{id, name, mode, provider} of every deployment, as the gateway tells; asked once."""
        if not self.deployments:
            data = self.gateway.ask("/v1/model/info").json() or {}
            self.deployments = [deployment(row) for row in data.get("data", [])]
        return self.deployments

    def health(self) -> Iterable[Callable[[], Check]]:
        """Each provider's own health endpoint, asked from the gateway's host."""
        for row in self.questions.probes.get("health", ()):
            yield partial(self.ask_health, row)

    def ask_health(self, row: Mapping[str, Any]) -> Check:
        key = self.questions.secrets.get(row.get("key_variable") or "", "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        asker = Asker(row["url"], headers, float(row.get("timeout_seconds") or 10))
        for _attempt in range(max(1, int(row.get("attempts") or 1))):
            answer = asker.ask("")
            if answer.status == 200:
                break
        host = row.get("host")
        name = row["provider"] + (f" on {host}" if host else "")
        ok, seen = answer.status == 200, answer.message()
        told = check(HEALTH, name, f"GET {row['url']}", "200", seen, ok, answer)
        return told | {"target": row["provider"]}

    def reached(self, asked: Sequence[Check]) -> Iterable[Callable[[], Check]]:
        """Each deployment by its id, so that nobody else can answer for it: the new provider's, or
        without one all. What is known of one by now is not asked again."""
        known = {row["check"]: row for row in asked if row["line"] == CHAINS}
        known |= {row["by"]: row for row in asked if row["ok"] and row.get("by")}
        new, seen = self.questions.new_provider, set(self.spare())
        for row in self.deployments:
            identity, mode = row["id"], row["mode"]
            mine = row["provider"] == new if new else self.questions.wants(row["name"])
            if not mine or identity in seen:
                continue
            seen.add(identity)
            if identity in known and not new:
                yield partial(dict, known[identity], line=NEW, check=identity, target=identity)
            else:
                yield partial(self.ask, NEW, identity, mode, (identity,))

    def spare(self) -> Iterable[str]:
        """Ids of the deployments whose providers must not be asked."""
        rows = self.deployments
        return [row["id"] for row in rows if row["provider"] in self.questions.no_completions]

    def routes(self) -> Iterable[Callable[[], Check]]:
        """A small question to each name. A fallback may not answer for it."""
        for row in self.questions.probes.get("completions", ()):
            if self.questions.wants(row["route"]) and not self.spared(row["model"]):
                yield partial(self.ask, ROUTING, row["model"], row.get("mode", "chat"))

    def chains(self) -> Iterable[Callable[[], Check]]:
        """The first hop of each chain is forced; each target is asked by itself."""
        modes = {
            r["model"]: r.get("mode", "chat") for r in self.questions.probes.get("completions", ())
        }
        asked = set(modes)
        for row in self.questions.probes.get("fallbacks", ()):
            if not self.questions.wants(row["route"]) or self.spared(row["model"]):
                continue
            mode = modes.get(row["model"], "chat")
            targets = row.get("targets") or [
                *row.get("target_ids", ()),
                *row.get("target_names", ()),
            ]
            if self.questions.forced:
                yield partial(self.force, row["model"], mode, targets)
            for target in targets:
                if target not in asked and provider_of(target) not in self.questions.no_completions:
                    asked.add(target)
                    yield partial(self.ask, CHAINS, target, mode, (target,))

    def spared(self, name: str) -> bool:
        """Whether all that serve a name are providers that must not be asked."""
        by = {row["provider"] for row in self.deployments if row["name"] == name}
        return bool(by) and by <= set(self.questions.no_completions)

    def ask(self, line: str, model: str, mode: str, expected: Sequence[str] = ()) -> Check:
        """One small question without fallbacks."""
        answer = self.gateway.ask(PATHS.get(mode, PATHS["chat"]), question(model, mode))
        by = answer.headers.get("x-litellm-model-id", "")
        ok = answered(answer, mode) and (not expected or by in expected)
        seen = f"answered by {by}" if answered(answer, mode) else answer.message()
        want = f"an answer by {' or '.join(expected)}" if expected else "an answer, no fallback"
        return check(line, model, f"{mode} of {model}", want, seen, ok, answer) | {"by": by}

    def force(self, model: str, mode: str, targets: Sequence[str]) -> Check:
        """Let the gateway believe that the name's own deployments failed."""
        body = question(model, mode) | {"mock_testing_fallbacks": True, "disable_fallbacks": False}
        answer = self.gateway.ask(PATHS.get(mode, PATHS["chat"]), body)
        by, hops = (answer.headers.get(f"x-litellm-{name}", "") for name in HOP)
        first = targets[0]
        right = by == first if first.startswith("~") else bool(by)
        ok = answered(answer, mode) and hops not in ("", "0") and right
        failed = "no fallback answered" if MOCK in answer.message() else answer.message()
        seen = f"answered by {by}" if answered(answer, mode) else failed
        asked = f"{mode} of {model}, its own deployments taken for failed"
        fix = f"see why {first} does not answer"
        want = f"an answer by {first}"
        told = check(CHAINS, model, asked, want, seen, ok, answer, fix)
        return told | {"target": first, "by": by}


HOP = ("model-id", "attempted-fallbacks")


def names_of(names: Collection[str]) -> str:
    """How many there are, in words."""
    return f"{len(names)} name{'' if len(names) == 1 else 's'}"


def provider_of(identity: str) -> str:
    """The provider in an id of the form ~provider[@host]/model, "" if it is another word."""
    return identity[1:].split("/", 1)[0].split("@", 1)[0] if identity.startswith("~") else ""


def deployment(row: Mapping[str, Any]) -> dict[str, str]:
    """What matters of one entry of /v1/model/info."""
    info = row.get("model_info", {})
    identity, mode = str(info.get("id", "")), str(info.get("mode") or "chat")
    name = str(row.get("model_name", ""))
    return {"id": identity, "name": name, "mode": mode, "provider": provider_of(identity)}


def check(
    line: str,
    name: str,
    asked: str,
    expected: str,
    seen: str,
    ok: bool,
    answer: Answer,
    fix: str = "",
) -> Check:
    found = {"line": line, "check": name, "asked": asked, "expected": expected, "seen": seen}
    found["target"] = name
    told = next((number for word, number in WORDS if word in seen), answer.status)
    hint = {} if ok else {"fix": fix or FIXES.get(told) or "see the gateway's log"}
    measured = {"status": answer.status, "milliseconds": answer.milliseconds}
    return {**found, **measured, "ok": ok, **hint}
