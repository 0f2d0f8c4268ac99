"""From a drawn registry to what is wrong with its explanations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import ERROR
from tools.real_litellm import real_litellm

from .judge import disagreements, over_a_limit
from .questions import Question, questions
from .registries import Parts

INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["g1", "g2"]},
    {"gw": "10.0.0.1", "g1": "10.0.0.11", "g2": "10.0.0.12"},
)
# What a run must have asked about, so and so often.
WANTED = (
    "a model in several capabilities",
    "weights with a fallback",
    "a pattern with a fallback",
    "a limit reached",
    "a canary",
    "two providers down",
)


@dataclass(slots=True)
class Result:
    """Of one registry: `parts` as they compiled, and what was covered by requests."""

    parts: Parts
    disagreements: list[str] = field(default_factory=list)
    covered: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    @property
    def text(self) -> str:
        """The registry, in the form of tests/differential/cases."""
        return yaml.safe_dump(self.parts, sort_keys=False, allow_unicode=True)


def examined(parts: Parts, directory: Path) -> Result:
    """Compiles a registry, asks the real Router, and judges what was explained by what happened."""
    kept, compiled = compiling(parts, directory)
    result = Result(kept)
    config = compiled.gateway_config
    if config is None:
        result.covered["refused"] = 1
        return result
    asked = questions(config, compiled.rules)
    answers = real_litellm().many(config, [one.ask(config) for one in asked])
    for question, seen in zip(asked, answers, strict=True):
        result.requests += len(seen)
        result.disagreements += judged(question, seen)
    result.covered = covered(compiled, asked)
    return result


def judged(question: Question, seen: list[dict[str, Any]]) -> list[str]:
    """What is wrong with one explanation."""
    if question.how == "counted":
        return over_a_limit(question.beyond, *question.limit, seen)
    return disagreements(question.said, question.how, seen)


def compiling(parts: Parts, directory: Path) -> tuple[Parts, Compiled]:
    """The parts without those of which the compiler complains."""
    kept = dict(parts)
    while True:
        compiled = compile_parts(kept, directory)
        bad = {Path(one.place.file).stem for one in compiled.problems if one.severity == ERROR}
        if not bad & set(kept):
            return kept, compiled
        kept = {name: part for name, part in kept.items() if name not in bad}


def compile_parts(parts: Parts, directory: Path) -> Compiled:
    """Each part in a file of its own."""
    for old in directory.glob("*.yaml"):
        old.unlink()
    for name, part in parts.items():
        text = yaml.safe_dump(part, sort_keys=False, allow_unicode=True)
        (directory / f"{name}.yaml").write_text(text)
    return compile_registry(str(directory), INVENTORY)


def covered(compiled: Compiled, asked: list[Question]) -> Counter[str]:
    """Which of what is wanted, and of what else there is, was asked about: 1 a registry."""
    found: set[str] = set()
    members: Counter[str] = Counter()
    for route in compiled.routes.routes.values():
        mine = [one for one in asked if one.said.matched.entry == route.name]
        if not mine:
            continue
        found.add(route.kind + (f" by {route.strategy}" if route.strategy else ""))
        down = any(one.said.down for one in mine)
        if route.kind == "capability":
            members.update({t.deployment.id for t in route.targets})
        if route.shared and route.fallbacks and down and route.kind == "redundant_model":
            found.add("weights with a fallback")
        if route.wildcard and route.fallbacks and down:
            found.add("a pattern with a fallback")
        if route.canaries and any(one.times > 100 for one in mine):
            found.add("a canary")
        found |= {name for name, there in {
            "retries declared": route.retries is not None,
            "conditions": any(target.conditional for target in route.targets),
            "several hosts": any(target.deployment.host for target in route.targets),
            "fallbacks": bool(route.fallbacks),
        }.items() if there}  # fmt: skip
    if any(count > 1 for count in members.values()):
        found.add("a model in several capabilities")
    if any(one.how == "counted" for one in asked):
        found.add("a limit reached")
    if any(len(one.said.down) == 2 for one in asked):
        found.add("two providers down")
    return Counter(found)
