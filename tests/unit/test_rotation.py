"""Which key is rotated, who answers meanwhile, and several keys in one variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import key_lists
from ansible_collections.lab.llm.plugins.module_utils.host.unit_options import UNIT, unit_of
from ansible_collections.lab.llm.plugins.module_utils.host.units import environment_file
from ansible_collections.lab.llm.plugins.module_utils.rotation import (
    RotationError,
    announcement,
    report,
    rotation,
)


def target(provider: str, host: str = "") -> dict[str, str]:
    return {"provider": provider, "host": host}


OWN = {"provider": "own", "key_variable": "OWN_KEY"}
CHECK: dict[str, Any] = {
    "variables": [
        {"name": "OWN_KEY", "needed_by": ["own", "same"]},
        {"name": "AWS_ID", "needed_by": ["aws"]},
        {"name": "AWS_SECRET", "needed_by": ["aws"]},
    ],
    "services": {
        "gpu01": [OWN, {"provider": "free", "key_variable": None}],
        "gpu02": [OWN],
        "gpu03": [{"provider": "free", "key_variable": None}],
    },
    "routes": [
        {
            "name": "m",
            "targets": [target("own", "gpu01"), target("own", "gpu02"), target("aws")],
            "fallbacks": [{"name": "n"}],
        },
        {"name": "n", "targets": [target("own", "gpu01")], "fallbacks": []},
        {"name": "o", "targets": [target("free", "gpu01")], "fallbacks": []},
    ],
}


def test_what_demands_the_key_and_who_answers_meanwhile() -> None:
    told = rotation(CHECK, "OWN_KEY")
    assert told["providers"] == ["own", "same"]
    assert told["services"] == {"gpu01": [OWN], "gpu02": [OWN]}
    assert [(one["host"], one["name"], one["by"]) for one in told["meanwhile"]] == [
        ("gpu01", "m", ["own on gpu02", "aws", "n"]),
        ("gpu01", "n", []),
        ("gpu02", "m", ["own on gpu01", "aws", "n"]),
    ]
    lines = announcement(told)
    assert lines[0] == "OWN_KEY: the old key goes on until the new one is proven."
    assert "  n: nobody else answers" in lines
    assert rotation(CHECK, provider="own") == told


def test_a_host_that_only_lends_its_gpus_demands_no_key() -> None:
    head = {**OWN, "ray": {"is_head": True}}
    on_ray = {"gpu01": [head], "gpu02": [{**OWN, "ray": {"is_head": False}}]}
    assert rotation({**CHECK, "services": on_ray}, "OWN_KEY")["services"] == {"gpu01": [head]}


def test_the_gateways_own_key_concerns_no_instance() -> None:
    told = rotation(CHECK, "LITELLM_MASTER_KEY")
    assert (told["providers"], told["services"], len(announcement(told))) == ([], {}, 1)


@pytest.mark.parametrize(("variable", "provider", "said"), [
    ("OWN_KEI", "", "The gateway needs no variable OWN_KEI. Did you mean OWN_KEY?"),
    ("X", "", "needs no variable X. Those that it needs: OWN_KEY, AWS_ID, AWS_SECRET, LITELLM_"),
    ("", "aws", "aws has several: AWS_ID, AWS_SECRET. Name one: -e variable=AWS_ID"),
    ("", "owm", "No provider 'owm' needs a key. Did you mean own?"),
    ("", "zzz", "No provider 'zzz' needs a key. Those that do: own, same, aws."),
])  # fmt: skip
def test_a_key_that_cannot_be_told_is_refused(variable: str, provider: str, said: str) -> None:
    with pytest.raises(RotationError) as caught:
        rotation(CHECK, variable, provider)
    assert said in str(caught.value)


TOLD = {"ok": True, "variable": "K", "changed": True, "gateway": True, "both": [], "check": False}


@pytest.mark.parametrize(("more", "said"), [
    ({}, "K has its new value, proven. Nothing of ours uses the old one: it can be revoked."),
    ({"changed": False}, "K has this value already: nothing was changed."),
    ({"check": True}, "K would get another value. Nothing was done, in check mode."),
    ({"variable": "LITELLM_MASTER_KEY"}, "Clients need it from now on; the old one is refused."),
    ({"ok": False, "gateway": False}, "The gateway goes on with the old value of K. Mend what"),
    ({"ok": False, "both": ["a", "b"]}, "sends the new value of K. a, b takes the old and the new"),
])  # fmt: skip
def test_how_it_ended_is_said(more: dict[str, Any], said: str) -> None:
    assert said in report(TOLD | more)


# A value, what the file holds, and what it holds then
BESIDE = [
    ("new", None, "new"),
    ("new", "new", "new"),
    ("new", "old", "new,old"),
    ("new", "new,old", "new,old"),
    ("newer", "new,old", "newer,new,old"),
    ("a,b", "old", '"a,b",old'),
    ('q"q', "a b", '"q""q",a b'),
]


@pytest.mark.parametrize(("new", "held", "then"), BESIDE)
def test_what_a_file_holds_stays_beside(
    new: str, held: str | None, then: str, tmp_path: Path
) -> None:
    path = tmp_path / "unit.env"
    if held is not None:
        path.write_text(environment_file({"KEY": held, "OTHER": "x"}))
    kept = key_lists.beside({"KEY": new, "OTHER": "y"}, ["KEY", "NONE"], path)
    assert kept == {"KEY": then, "OTHER": "y"}
    assert key_lists.keys_in(then)[0] == new


def test_a_unit_has_both_keys_and_is_asked_with_the_new_one(tmp_path: Path) -> None:
    given = {name: spec.get("default") for name, spec in UNIT.items()}
    given |= {"name": "x.service", "sections": {"Service": {"ExecStart": ["/bin/true"]}}}
    given |= {"secrets": {"KEY": "new"}, "beside": ["KEY"]}
    given["ready"] = [{"url": "http://x", "status": 200, "model": "", "key_variable": "KEY"}]
    path = tmp_path / ".config/lab-llm/x.service.env"
    path.parent.mkdir(parents=True)
    path.write_text(environment_file({"KEY": "old"}))
    unit = unit_of(given, tmp_path, 252, lambda _keys: True)
    assert unit.environment_file == environment_file({"KEY": "new,old"})
    assert unit.ready[0].key_list
    alone = unit_of({**given, "beside": []}, tmp_path, 252, lambda _keys: True)
    assert alone.environment_file == environment_file({"KEY": "new"})
    assert alone.ingredients != unit.ingredients
