"""What explain says of every golden registry, beside what the real Router does: for each name, with
everything up and with each single provider down.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation
from tools.explain_cases import ANSWERS, NAMES, TAGGED, TAGS, WILD, chain
from tools.real_litellm import real_litellm

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/config.yaml"))
TIMES = 2  # each answer must be a possible one; shares are judged where registries are drawn


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


def asked_of(of: Explainer, name: str, down: tuple[str, ...]) -> list[dict[str, Any]]:
    return real_litellm().ask(of.config, name, TIMES, ids_of(of, down))


def judge(said: Explanation, answers: list[dict[str, Any]]) -> None:
    about = (said.name, said.down, answers)
    # The second request may find somebody cooling down. Explain does not look at that, and it
    # changes no answer but this one: when all others of a name do, LiteLLM forgets conditions.
    conditional = any(one.tags or one.agents for one in said.targets.values())
    for answer in answers[: 1 if conditional else None]:
        assert possible({**said.answers, "": said.nobody}, answer["who"]), about
    asked = answers[0]["asked"]
    assert not asked or possible(said.first, asked[0]), about
    if said.certain:
        assert asked == said.tries, about


def cold(config: dict[str, Any]) -> dict[str, Any]:
    """Each request as if it were the first one: nobody cools down, nothing is counted."""
    settings = {**config["router_settings"], "disable_cooldowns": True}
    settings.pop("optional_pre_call_checks", None)
    return {**config, "router_settings": settings}


@pytest.mark.litellm
@pytest.mark.parametrize("case", CASES)
def test_the_real_router_does_what_is_explained(case: str) -> None:
    of = explainer(case)
    providers = [name for name in of.providers if "@" not in name]
    config = cold(of.config)
    for down in [(), *((one,) for one in providers), tuple(providers)]:
        gone = ids_of(of, down)
        for mode in ("chat", "embedding"):
            names = [name for name in named(of, mode) if not down or concerns(of, name, gone)]
            answers = real_litellm().ask(config, names, 1, gone, mode=mode) if names else []
            for name in names:
                mine = [one for one in answers if one["model"] == name]
                judge(of.explain(name, down=down), mine)


def named(of: Explainer, mode: str) -> list[str]:
    groups = of.names.by_name.items()
    return [name for name, group in groups if "*" not in name and group[0].mode == mode]


def concerns(of: Explainer, name: str, ids: tuple[str, ...]) -> bool:
    return bool({*of.explain(name).targets} & {*ids})


@pytest.mark.litellm
@pytest.mark.parametrize("row", ANSWERS, ids=[row[0] for row in ANSWERS])
def test_the_real_router_does_what_each_row_says(row: tuple[Any, ...]) -> None:
    _about, config, name, down, *_answers = row
    of = Explainer(config)
    for gone in dict.fromkeys([(), down]):
        judge(of.explain(name, down=gone), asked_of(of, name, gone))


@pytest.mark.litellm
@pytest.mark.parametrize("name", [row[0] for row in NAMES if row[1] != "none"])
def test_the_real_router_matches_names_as_explained(name: str) -> None:
    said = Explainer(WILD).explain(name)
    [answer] = real_litellm().ask(WILD, name)
    assert answer["who"] in said.answers
    assert answer["asked_for"] == [said.targets[answer["who"]].model]


@pytest.mark.litellm
@pytest.mark.parametrize(("tags", "agent", "_who"), TAGS)
def test_the_real_router_looks_at_tags_as_explained(
    tags: tuple[str, ...], agent: str, _who: str
) -> None:
    said = Explainer(TAGGED).explain("m", tags=tags, agent=agent)
    metadata = {"tags": list(tags), "user_agent": agent}
    judge(said, real_litellm().ask(TAGGED, "m", metadata=metadata))


@pytest.mark.litellm
@pytest.mark.parametrize("most", [1, 2, 5, 7])
def test_the_real_router_ends_chains_as_explained(most: int) -> None:
    config = chain("abcdefgh", most)
    for down in ("abcdefg", "abcdefgh"):
        said = Explainer(config).explain("a", down=down)
        judge(said, real_litellm().ask(config, "a", 1, tuple(f"~{one}/m" for one in down)))


@pytest.mark.litellm
def test_the_words_of_the_real_litellm_are_known() -> None:
    """tests/tools/litellm_known.py writes them anew where LiteLLM's have changed."""
    tool = HERE.parent / "tools/litellm_known.py"
    python = real_litellm()._process.args[0]
    assert (
        subprocess.run([python, tool, "--check"], capture_output=True, check=False).returncode == 0
    )
