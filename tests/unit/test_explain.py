"""Who answers a name, by what LiteLLM is given: each row is a configuration's one point.

tests/golden/test_explained.py and the differential tests hold the same to the real Router.
"""

from __future__ import annotations

import pytest
from ansible_collections.lab.llm.plugins.module_utils.routing.conditions import agent_expression
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer, explain
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_report import (
    MistakeError,
    report,
)
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_words import agents
from tools.explain_cases import (
    ANSWERS,
    NAMES,
    RANKED,
    SHARED,
    TAGGED,
    TAGS,
    WILD,
    Config,
    chain,
    config,
    entry,
)


@pytest.mark.parametrize(
    ("given", "name", "down", "answers", "nobody"),
    [row[1:] for row in ANSWERS],
    ids=[row[0] for row in ANSWERS],
)
def test_who_answers(
    given: Config,
    name: str,
    down: tuple[str, ...],
    answers: dict[str, float | None],
    nobody: float,
) -> None:
    found = explain(given, name, down=down)
    assert found.answers == answers
    assert found.nobody == nobody


@pytest.mark.parametrize(
    ("name", "kind", "matched", "model"),
    NAMES,
)
def test_what_a_name_leads_to(name: str, kind: str, matched: str, model: str) -> None:
    found = explain(WILD, name)
    assert (found.matched.kind, found.matched.entry) == (kind, matched)
    assert [step.targets[0].model for step in found.steps[:1]] == ([model] if model else [])


def test_what_is_sent_is_a_name_as_well() -> None:
    found = explain(config(entry("x", "a/m", "hosted_vllm/llama")), "hosted_vllm/llama")
    assert (found.matched.kind, found.answers) == ("sent", {"~a/m": 1.0})


@pytest.mark.parametrize(
    ("tags", "agent", "who"),
    TAGS,
)
def test_tags_and_user_agents(tags: tuple[str, ...], agent: str, who: str) -> None:
    found = explain(TAGGED, "m", tags=tags, agent=agent)
    assert found.answers == ({who: 1.0} if who else {})
    assert ("401" in found.client_gets) == (not who)


@pytest.mark.parametrize(("before", "who"), [(252, "~late/m"), (253, "~rest/m")])
def test_of_a_user_agent_its_beginning_counts(before: int, who: str) -> None:
    """As roles/gateway/files/program/doors.py gives LiteLLM no more of it."""
    given = config(
        entry("m", "late/m", tag_regex=["late"], enable_tag_filtering=True),
        entry("m", "rest/m", tags=["default"]),
    )
    assert explain(given, "m", agent="x" * before + "late").answers == {who: 1.0}


def test_tags_say_nothing_where_they_are_not_looked_at() -> None:
    found = explain(config(entry("m", "a/m", tags=["gold"])), "m", tags=("silver",))
    assert found.answers == {"~a/m": 1.0}


def test_the_steps_are_the_order_of_asking() -> None:
    given = config(
        entry("x", "a/m", rpm=60, tpm=1000, max_parallel_requests=2),
        *RANKED,
        fallbacks=[{"x": ["~c/m", "o"]}],
    )
    rules = {"x": "r.yaml:3", "~a/m@x": "r.yaml:4", "x->~c/m": "r.yaml:5", "~b/m@o": "r.yaml:9"}
    found = explain(given, "x", rules=rules)
    steps = [(step.how, step.name, step.rule, [t.id for t in step.targets]) for step in found.steps]
    assert steps == [
        ("share", "x", "r.yaml:3", ["~a/m"]),
        ("fallback", "~c/m", "r.yaml:5", ["~c/m"]),
        ("fallback", "o", "r.yaml:9", ["~a/m"]),
        ("fallback", "o", "r.yaml:9", ["~b/m"]),
        ("fallback", "o", "r.yaml:9", ["~c/m"]),
    ]
    target = found.steps[0].targets[0]
    assert (target.rpm, target.tpm, target.parallel, target.rule) == (60, 1000, 2, "r.yaml:4")
    assert found.tries == ["~a/m"]


def test_a_prompt_too_long_goes_its_own_way() -> None:
    given = config(
        *SHARED,
        entry("long", "l/m"),
        entry("spare", "s/m"),
        fallbacks=[{"r": ["spare"]}],
        context_window_fallbacks=[{"r": ["long"]}],
    )
    found = explain(given, "r")
    assert [step.name for step in found.steps] == ["r", "spare"]
    assert [step.name for step in found.special["long_prompt"]] == ["r", "long"]
    assert found.special["refused"] == []
    # The others of the name are not asked, and neither is the ordinary fallback.
    assert Explainer(given).explain("r", down=("a", "b"), kind="long_prompt").answers == {"~l/m": 1}


def test_retries_are_tries() -> None:
    found = explain(config(entry("x", "a/m", num_retries=2)), "x", down=("a",))
    assert found.tries == ["~a/m"] * 3
    assert found.certain


@pytest.mark.parametrize(("most", "asked"), [(5, 6), (2, 3), (7, 8)])
def test_chains_end_where_litellm_ends_them(most: int, asked: int) -> None:
    found = explain(chain("abcdefgh", most), "a", down=tuple("abcdefgh"))
    assert len(dict.fromkeys(found.tries)) == asked


def test_one_host_of_a_provider_may_be_down() -> None:
    given = config(entry("m", "fleet@g1/m"), entry("m", "fleet@g2/m"))
    assert explain(given, "m", down=("fleet@g1",)).answers == {"~fleet@g2/m": 1.0}
    assert explain(given, "m", down=("fleet",)).nobody == 1.0


def test_the_cheapest_is_known_where_prices_are() -> None:
    cheap = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    dear = {"input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6}
    group = [{"group_name": "m", "models": ["m"], "routing_strategy": "cost-based-routing"}]
    given = config(entry("m", "a/m", **dear), entry("m", "b/m", **cheap), routing_groups=group)
    assert explain(given, "m").answers == {"~b/m": 1.0}
    given["model_list"][0]["litellm_params"].pop("input_cost_per_token")
    assert explain(given, "m").answers == {"~a/m": None, "~b/m": None}


@pytest.mark.parametrize(
    ("name", "wild", "words", "near"),
    [
        ("gtp-4", False, "400: Invalid model name passed in model=gtp-4", ["gpt-4"]),
        ("GPT4", False, "400: Invalid model name", ["gpt-4"]),
        ("openai/gpt-4", False, "400: Invalid model name", ["gpt-4"]),
        ("zzz", False, "400: Invalid model name", []),
        ("zzz", True, "400: You passed in model=zzz. There are no healthy", []),
    ],
)
def test_what_a_client_gets_for_an_unknown_name(
    name: str, wild: bool, words: str, near: list[str]
) -> None:
    entries = [entry("gpt-4", "a/m"), entry("~b/m", "b/m")]
    entries += [entry("claude-*", "c/*")] if wild else []
    found = explain(config(*entries), name)
    assert words in found.client_gets
    assert found.nearest == near
    assert (found.nobody, found.answers) == (1.0, {})


def test_what_a_client_gets_when_all_fail() -> None:
    found = explain(config(entry("x", "a/m"), entry("y", "b/m"), fallbacks=[{"x": ["y"]}]), "x")
    assert found.client_gets == ""
    assert found.at_worst == "the client gets the error of m at a (500 if it cannot be reached)"


@pytest.mark.parametrize(
    ("down", "words"),
    [
        (["b"], ""),
        (["fleet@g1"], ""),
        (["flet"], "down names 'flet'; no such provider is routed to. Did you mean 'fleet'?"),
        (["b", "x", "y"], "'x'; no such provider is routed to. down names 'y'"),
    ],
)
def test_who_is_down_must_be_known(down: list[str], words: str) -> None:
    explainer = Explainer(config(entry("x", "b/m"), entry("y", "fleet@g1/m")))
    if not words:
        assert report(explainer, "x", down)["lines"]
        return
    with pytest.raises(MistakeError) as mistake:
        report(explainer, "x", down)
    assert words in str(mistake.value)
    assert "There are b, fleet and fleet@g1." in str(mistake.value)


def test_everything_is_json() -> None:
    import json

    found = explain(TAGGED, "m", down=("fast",), tags=("gold",)).as_dict()
    assert json.loads(json.dumps(found)) == {**found}
    assert found["steps"][0]["targets"][0]["up"] is False


def test_what_goes_another_way_is_told() -> None:
    given = config(
        entry("m", "a/m", weight=1e-9, tags=["default", "gold"], enable_tag_filtering=True),
        entry("m", "b/m", weight=1, tags=["gold"], tag_regex=["^User-Agent: .*(?:aider)"]),
        entry("long", "l/long", "openai/long"),
        fallbacks=[{"m": ["~l/long"]}],
        context_window_fallbacks=[{"m": ["long"]}],
    )
    assert explain(given, "m").lines() == [
        "name           m",
        "rule           none that is known",
        "asked first    a  m",
        "if that fails  l  long",
        "another way    is taken by requests with tag gold (-e tagged=gold) and from aider "
        "(-e agent=...)",
        "if all fail    the client gets the error of m at a (500 if it cannot be reached)",
        "",
        "When a prompt is too long for the one who is asked first:",
        "asked next     l  long",
    ]
    assert explain(given, "m", tags=("gold",)).lines()[2:4] == [
        "asked first    b  m     for tag gold; for User-Agent aider",
        "if that fails  a  m",
    ]


@pytest.mark.parametrize("written", ["aider", "^aider/", "(?i)^aider", "(?i)aider", ".*"])
def test_a_user_agent_is_told_as_it_was_written(written: str) -> None:
    assert agents([agent_expression(written)]) == [written]


@pytest.mark.parametrize(
    ("down", "lines"),
    [
        ((), ["asked first    a  m  75 %", "               b  m  25 %"]),
        (("a",), ["asked first    a  m  down", "               b  m  25 %", "answered by    b"]),
        (("a", "b"), ["               b  m  down", "answered by    nobody"]),
    ],
)
def test_shares_and_those_who_are_down(down: tuple[str, ...], lines: list[str]) -> None:
    told = explain(config(*SHARED), "r", down=down).lines()
    assert [line for line in lines if line not in told] == []


def test_all_names_are_lines_of_a_table() -> None:
    given = config(*SHARED, entry("x", "a/m"), entry("~c/m", "c/m"), fallbacks=[{"x": ["~c/m"]}])
    assert report(Explainer(given, {"x": "lab/r.yaml:3"}))["lines"] == [
        "name  asked first     then  rule",
        "r     a 75 %, b 25 %",
        "x     a               c     r.yaml:3",
        "",
        "2 names; each has more than one to answer it.",
        "Rules in lab.",
    ]
    assert report(Explainer(given), down=["a", "c"])["lines"] == [
        "name  answered with a and c down  asked first otherwise  rule",
        "r     b                           a 75 %, b 25 %",
        "x     nobody                      a",
        "",
        "2 names; not always answered any more: x.",
    ]


def test_embeddings_go_on_by_ids_only() -> None:
    members = (entry("e", "a/m", weight=1), entry("e", "b/m", weight=1))
    for one in members:
        one["model_info"]["mode"] = "embedding"
        one["litellm_params"]["num_retries"] = 2
    found = explain(config(*members), "e", down=("a",))
    assert (found.answers, found.nobody) == ({"~b/m": 0.875}, 0.125)  # three tries
    given = config(*members, fallbacks=[{"e": ["~a/m", "~b/m"]}])
    found = explain(given, "e", down=("a",))
    assert (found.answers, found.nobody) == ({"~b/m": 1.0}, 0.0)
    assert found.lines()[2:5] == [
        "asked first    a  m  down",
        "               b  m  50 %",
        "if that fails  the others of these, in this order",
    ]


def test_who_was_left_out_may_be_asked_once_more() -> None:
    """PYTHONHASHSEED decides in which order LiteLLM lists the two it left out; 60 shows it."""
    price = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    given = config(
        entry("m", "a/m", **price),
        entry("m", "b/m", **price),
        entry("*", "z/m"),
        fallbacks=[{"m": ["~a/m", "~b/m"]}],
        routing_groups=[
            {"group_name": "m", "models": ["m"], "routing_strategy": "cost-based-routing"}
        ],
        enable_weighted_failover=True,
    )
    found = explain(given, "m", down=("a", "b"))
    assert (found.tries, found.certain) == (["~a/m"] * 3 + ["~b/m"] * 2, False)
    assert found.nobody == 1.0
