"""What explain says of every golden registry, beside what the real Router does: for each name, with
everything up and with each single provider down.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation
from tools.real_litellm import real_litellm

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/config.yaml"))
TIMES = 2  # each answer must be a possible one; shares are judged where hypothesis makes registries


def explainer(case: str) -> Explainer:
    config = yaml.safe_load((HERE / case / "config.yaml").read_text())
    rules = json.loads((HERE / case / "compiled.json").read_text())["rules"]
    return Explainer(config, rules)


def ids_of(of: Explainer, down: tuple[str, ...]) -> tuple[str, ...]:
    found = (one.id for one in of.names.entries if any(one.belongs_to(who) for who in down))
    return tuple(dict.fromkeys(found))


def possible(odds: dict[str, float | None], who: str) -> bool:
    part = odds.get(who, 0.0)
    return part is None or part > 0


def judge(said: Explanation, answers: list[dict[str, Any]]) -> None:
    about = (said.name, said.down, answers)
    for answer in answers:
        assert possible({**said.answers, "": said.nobody}, answer["who"]), about
    # The second request may find somebody cooling down, which explain does not look at.
    asked = answers[0]["asked"]
    assert not asked or possible(said.first, asked[0]), about
    if said.certain:
        assert asked == said.tries, about


@pytest.mark.litellm
@pytest.mark.parametrize("case", CASES)
def test_the_real_router_does_what_is_explained(case: str) -> None:
    of = explainer(case)
    providers = [name for name in of.providers if "@" not in name]
    for name in of.names.by_name:
        if "*" in name:
            continue
        everybody = of.explain(name).targets.values()
        concerned = [one for one in providers if any(t.provider == one for t in everybody)]
        for down in [(), *((one,) for one in concerned), tuple(concerned)]:
            said = of.explain(name, down=down)
            judge(said, real_litellm().ask(of.config, name, TIMES, ids_of(of, down)))
