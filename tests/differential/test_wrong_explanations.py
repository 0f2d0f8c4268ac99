"""The judge of the differential tests catches explanations that are wrong: one fault a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation
from differential.harness import compile_parts
from differential.judge import disagreements, over_a_limit, tail
from differential.questions import Question, provider_of
from tools.real_litellm import real_litellm

REGISTRY = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, n]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
  c: {type: vllm, base_url: "http://c:8000", models: [m, other], default_model: other}
  t: {type: vllm, base_url: "http://t:8000", models: [m], status: testing, traffic: 20%}
  u: {type: vllm, base_url: "http://u:8000", models: [limited]}
exact_matches:
  e: {provider: a, backend_model: n, fallback: [c, f]}
  f: {provider: b, backend_model: m}
redundant_models:
  r:
    providers: [{provider: a, weight: 3, model: m}, {provider: b, weight: 1, model: m}]
    fallback: c
patterns:
  - {pattern: "^px/long/.*", provider: b, backend_model: m}
  - {pattern: "^px/.*", provider: a, backend_model: n, fallback: b}
capabilities:
  code: {preferred_models: [n, other], routing_strategy: fastest_response, fallback: b}
rate_limit_settings: {limits: {u: {rpm: 3}}}
"""
Wrong = Callable[[Explanation], Explanation]


def way(*tries: str) -> Wrong:
    return lambda said: replace(said, tries=list(tries))


def answered(**answers: float) -> Wrong:
    return lambda said: replace(said, answers={f"~{k}": v for k, v in answers.items()}, nobody=0.0)


def share(part: float) -> Wrong:
    """Another share for the first two who are asked first."""

    def wrong(said: Explanation) -> Explanation:
        one, other, *_rest = said.first
        return replace(said, first={**said.first, one: part, other: 1 - part})

    return wrong


def without(id_: str) -> Wrong:
    """A step forgotten."""

    def wrong(said: Explanation) -> Explanation:
        steps = [s for s in said.steps if id_ not in [target.id for target in s.targets]]
        return replace(said, steps=steps)

    return wrong


def sends(model: str) -> Wrong:
    """Another model than is asked for."""

    def wrong(said: Explanation) -> Explanation:
        steps = [
            replace(step, targets=[replace(target, model=model) for target in step.targets])
            for step in said.steps
        ]
        return replace(said, steps=steps)

    return wrong


def turned(said: Explanation) -> Explanation:
    return replace(said, steps=said.steps[::-1], certain=False)


def fails(said: Explanation) -> Explanation:
    return replace(said, answers={}, nobody=1.0, client_gets="the client gets 500")


def other_status(said: Explanation) -> Explanation:
    return replace(said, client_gets="the client gets 429: No deployments available")


# what is wrong; the name; who is down; the wrong explanation, made of the right one
FAULTS: list[tuple[str, str, tuple[str, ...], Wrong]] = [
    ("swapped order", "e", ("a",), way("~c/other", "~a/n#e")),
    ("swapped steps", "e", ("a", "c"), turned),
    ("another one first", "n", (), lambda said: replace(said, first={"~b/m": 1.0})),
    ("forgotten fallback", "e", ("a",), fails),
    ("forgotten step", "e", ("a",), without("~c/other")),
    ("fallback that is none", "n", ("a",), answered(**{"b/m": 1.0})),
    ("wrong fallback", "e", ("a",), answered(**{"b/m#f": 1.0})),
    ("forgotten retry", "n", ("a",), way("~a/n")),
    ("one retry too many", "e", ("a",), way("~a/n#e", "~a/n#e", "~c/other")),
    ("shares swapped", "r", (), share(0.25)),
    ("share a little wrong", "r", (), share(0.55)),
    ("no shares", "r", (), share(1.0)),
    ("canary forgotten", "m", (), lambda said: replace(said, first={"~a/m": 1.0})),
    ("canary's share", "m", (), share(0.5)),
    ("canary answers for a dead one", "m", ("a",), answered(**{"t/m": 1.0})),
    ("shorter wildcard", "px/long/x", (), answered(**{"a/n#px/*": 1.0})),
    ("wildcard for an exact name", "e", (), answered(**{"a/n#px/*": 1.0})),
    ("another model sent", "px/x", (), sends("px/x")),
    ("capability without a member", "code", (), lambda s: replace(s, answers={"~a/n#code": 1.0})),
    ("capability by another's model", "code", (), answered(**{"b/m": 1.0})),
    ("capability that does not fail over", "code", ("a", "c"), fails),
    ("an unknown name answered", "PX/x", (), answered(**{"a/n#px/*": 1.0})),
    ("another status", "n", ("a",), other_status),
]


@pytest.fixture(scope="module")
def explainer(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    parts = {"lab": yaml.safe_load(REGISTRY)}
    compiled = compile_parts(parts, Path(tmp_path_factory.mktemp("registry")))
    assert compiled.gateway_config, "\n".join(map(str, compiled.problems))
    return Explainer(compiled.gateway_config, compiled.rules)


def seen(explainer: Explainer, said: Explanation, how: str, times: int) -> list[dict[str, Any]]:
    ask = Question(said, how, times).ask(dict(explainer.config))
    return real_litellm().many(dict(explainer.config), [ask])[0]


@pytest.mark.litellm
@pytest.mark.parametrize(("about", "name", "down", "wrong"), FAULTS, ids=[r[0] for r in FAULTS])
def test_a_wrong_explanation_is_caught(
    about: str, name: str, down: tuple[str, ...], wrong: Wrong, explainer: Explainer
) -> None:
    right = explainer.explain(name, down=down)
    answers = seen(explainer, right, "chosen", 400)
    assert disagreements(right, "chosen", answers) == []
    assert disagreements(wrong(right), "chosen", answers) != []


@pytest.mark.litellm
@pytest.mark.parametrize("rpm", [2, 4])
def test_a_wrong_limit_is_caught(rpm: int, explainer: Explainer) -> None:
    said = explainer.explain("limited")
    beyond = {"limited": explainer.explain("limited", down=("u",))}
    answers = seen(explainer, said, "counted", 6)
    assert [one["status"] for one in answers] == [200, 200, 200, 429, 429, 429]
    assert over_a_limit(beyond, "~u/limited", 3, answers) == []
    assert over_a_limit(beyond, "~u/limited", rpm, answers) != []


@pytest.mark.parametrize(
    ("count", "of", "part", "low", "high"),
    [
        (200, 400, 0.5, 0.9, 1.0),
        (250, 400, 0.5, 1e-7, 1e-6),
        (0, 400, 0.05, 1e-9, 1e-8),
        (400, 400, 1.0, 1.0, 1.0),
        (399, 400, 1.0, 0.0, 0.0),
        (1, 400, 0.0, 0.0, 0.0),
    ],
)
def test_the_binomial_test(count: int, of: int, part: float, low: float, high: float) -> None:
    assert low <= tail(count, of, part) <= high


def test_a_provider_is_told_from_an_id() -> None:
    assert provider_of("~p.1@host/meta/llama#name") == "p.1"
