"""LiteLLM's counters: its text, what is added up of it, and what two looks differ in."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.metrics import (
    Counts,
    Look,
    between,
    count,
    look,
    samples,
)

# What LiteLLM 1.106.2 answered at /metrics/, shortened: two names, a canary with one id under both.
TEXT = r"""
# HELP litellm_deployment_success_responses_total Total number of successful LLM API calls
# TYPE litellm_deployment_success_responses_total counter
litellm_deployment_success_responses_total{model_group="m",model_id="~a/m"} 772.0
litellm_deployment_success_responses_total{model_group="m",model_id="~c/m"} 17.0
litellm_deployment_success_responses_total{model_group="r",model_id="~c/m"} 3.0
litellm_deployment_success_responses_total{model_group="testing/m",model_id="~c/m"} 100.0
litellm_deployment_success_responses_created{model_group="m",model_id="~a/m"} 1.795378953025894e+09
litellm_deployment_failure_responses_total{exception_status="500",model_group="m",model_id="~c/m"} 9.0
litellm_deployment_failure_responses_total{exception_status="429",model_group="m",model_id="~c/m"} 1.0
litellm_deployment_failure_responses_total{exception_status="401",model_group="None",model_id=""} 5.0
litellm_llm_api_latency_metric_bucket{le="0.05",model_group="m",model_id="~c/m"} 10.0
litellm_llm_api_latency_metric_bucket{le="0.1",model_group="m",model_id="~c/m"} 16.0
litellm_llm_api_latency_metric_bucket{le="+Inf",model_group="m",model_id="~c/m"} 17.0
litellm_llm_api_latency_metric_count{model_group="m",model_id="~c/m"} 17.0
litellm_llm_api_latency_metric_sum{model_group="m",model_id="~c/m"} 0.75
litellm_llm_api_latency_metric_sum{model_group="r",model_id="~c/m"} 0.25
"""  # noqa: E501


def test_a_deployment_is_counted_under_the_names_that_are_asked_for() -> None:
    own = count(TEXT, {"m": ["~c/m"], "r": ["~c/m"]})
    assert own == Counts(
        answered=20,
        failed=10,
        seconds=1.0,
        statuses={"500": 9, "429": 1},
        buckets={"0.05": 10, "0.1": 16, "+Inf": 17},
    )
    assert own.requests == 30
    assert count(TEXT, {"m": ["~a/m", "~b/m"]}) == Counts(answered=772)
    assert count(TEXT, {"n": ["~a/m"]}) == count("", {"m": ["~a/m"]}) == Counts()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up 1", ({}, 1.0)),
        ("up 1 1395066363000", ({}, 1.0)),
        ('up{a="b"} 2e3', ({"a": "b"}, 2000.0)),
        ('up{a="b",c="d",} 2', ({"a": "b", "c": "d"}, 2.0)),
        (r'up{a="say \"}\" and \\ and\nso"} 2', ({"a": 'say "}" and \\ and\nso'}, 2.0)),
        ('up{a="x y",b="{}"} 0', ({"a": "x y", "b": "{}"}, 0.0)),
        ('up{a="ä"} 1', ({"a": "ä"}, 1.0)),
        ("up NaN", None),
        ("up +Inf", None),
        ("up soon", None),
        ("up", None),
        ("upper 1", None),
        ("# up 1", None),
        ('up{a="b" 1', None),
    ],
)
def test_a_line_of_the_text_format(
    line: str, expected: tuple[dict[str, str], float] | None
) -> None:
    found = [(labels, value) for _name, labels, value in samples(line, {"up"})]
    assert found == ([] if expected is None else [expected])


def counts(answered: int, failed: int = 0) -> Counts:
    statuses = {"500": failed} if failed else {}
    return Counts(answered, failed, answered / 10, statuses, {"0.1": answered})


def seen(at: float, own: Counts, peers: Counts, generation: int = 3) -> Look:
    return Look(at, generation, {"c": (own, peers)})


# Each: looks, and what the canary and its peers did from the first to the last.
HISTORIES = [
    ("nothing", [seen(0, counts(5), counts(50))], (0, 0, 0, 0)),
    (
        "grows",
        [seen(0, counts(5), counts(50)), seen(1, counts(9, 2), counts(90, 1))],
        (4, 2, 40, 1),
    ),
    (
        "a new generation counts from 0, even where it has counted further already",
        [seen(0, counts(5, 1), counts(50)), seen(1, counts(6, 2), counts(60), 4)],
        (6, 2, 60, 0),
    ),
    (
        "so does a process that was started anew: something went down",
        [seen(0, counts(5), counts(50)), seen(1, counts(3), counts(60))],
        (3, 0, 60, 0),
    ),
    (
        "of three looks all that lies between them",
        [
            seen(0, counts(10), counts(100)),
            seen(1, counts(20), counts(200)),
            seen(2, counts(2), counts(20)),
            seen(3, counts(3, 1), counts(30)),
        ],
        (10 + 2 + 1, 1, 100 + 20 + 10, 0),
    ),
    (
        "one that was no canary before",
        [Look(0, 3, {}), seen(1, counts(2), counts(20))],
        (2, 0, 20, 0),
    ),
    ("one that is none any more", [seen(0, counts(2), counts(20)), Look(1, 4, {})], (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("what", "looks", "expected"), HISTORIES)
def test_what_was_done_between_looks(
    what: str, looks: list[Look], expected: tuple[int, int, int, int]
) -> None:
    own, peers = between(looks, "c")
    assert (own.answered, own.failed, peers.answered, peers.failed) == expected, what
    assert own.seconds == pytest.approx(own.answered / 10)
    assert sum(own.statuses.values()) == own.failed
    assert own.buckets.get("0.1", 0) == own.answered


def test_a_look_is_written_and_read_again() -> None:
    one = seen(12.5, counts(9, 2), counts(90))
    assert look(json.loads(json.dumps(one.as_dict()))) == one


@pytest.mark.parametrize("said", [{}, {"at": 1}, {"at": 1, "generation": 1, "seen": {"c": [1, 2]}}])
def test_what_is_no_look_is_refused(said: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        look(said)
