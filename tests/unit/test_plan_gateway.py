# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of the gateway would come to, foreseen on the model of a host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.gateway import install
from ansible_collections.lab.llm.plugins.module_utils.gateway.foresight import foresee
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import Handover
from ansible_collections.lab.llm.plugins.module_utils.gateway.held import Held
from ansible_collections.lab.llm.plugins.module_utils.gateway.installed import Installed
from ansible_collections.lab.llm.plugins.module_utils.gateway.staging import Staging
from ansible_collections.lab.llm.plugins.module_utils.gateway.unit_set import UnitSet
from ansible_collections.lab.llm.plugins.module_utils.gateway.wanted import wanted_of
from ansible_collections.lab.llm.plugins.module_utils.planning.gateway import plan_gateway
from tools.gateway_model import Host, Manager

LOCK = "litellm==1.106.2 \\\n  --hash=sha256:1\n"
PROGRAM = {"__main__.py": "pass\n"}
Args = dict[str, Any]


class Model(Installed):
    """A gateway that serves what it was given last."""

    def __init__(self, base: Path) -> None:
        self.store = Store(base)
        self.host = Host(self.store, listens=True)
        self.manager: Any = Manager(self.host)
        self.handover = Handover(self.store, self.manager, 0.1)
        self.held, self.units = Held(self.store), UnitSet(self.manager)

    def serve(self, args: Args) -> int:
        """As if it had been deployed and proven."""
        venv = self.store.base / "venvs" / wanted_of(args).venv
        venv.mkdir(parents=True, exist_ok=True)
        (venv / "lab-llm.json").write_text('{"litellm": "1.106.2"}')
        (venv.parent / f"{venv.name}.txt").write_text(args["lock"])
        self.store.prepare()
        number = Staging(self, wanted_of(args)).stage()
        self.held.settle(number)
        self.store.switch(number)
        self.store.record(number, "live")
        self.host.units.mkdir(exist_ok=True)
        for name, text in self.store.units(number).items():
            (self.host.units / name).write_text(text)
        self.host.states = {number: "serving"}
        (self.store.base / "programs").mkdir(exist_ok=True)
        install.install(self, PROGRAM, "/usr/bin/python3")
        return number

    def plan(self, args: Args) -> dict[str, Any]:
        """As the module and its action plugin do it."""
        found = foresee(self, wanted_of(args), PROGRAM, args)
        return plan_gateway({**json.loads(json.dumps(found)), "account": []}, args, yaml.safe_load)


def config(fallback: str = "llama3.1", rpm: int = 3) -> dict[str, Any]:
    entries = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "rpm": rpm},
            "model_info": {"id": f"~{provider}/{name}", "mode": "chat"},
        }
        for name, provider in (("gpt-4", "cloud"), ("llama3.1", "lab@b1"), ("mistral", "lab@b1"))
    ]
    return {"model_list": entries, "router_settings": {"fallbacks": [{"gpt-4": [fallback]}]}}


def args(wanted: dict[str, Any] | None = None, **more: Any) -> Args:
    wanted = wanted or config()
    rows = [{"id": one["model_info"]["id"]} for one in wanted["model_list"]]
    probes = {"models": [one["model_name"] for one in wanted["model_list"]], "deployments": rows}
    files = {"config.yaml": yaml.safe_dump(wanted), "probes.json": json.dumps(probes)}
    files |= {"program/launcher.py": "pass\n", **more.pop("files", {})}
    return {
        "files": files,
        "registry": {"a.yaml": "providers: {}\n"},
        "lock": LOCK,
        "units": {"litellm.socket": "[Socket]\nListenStream=127.0.0.1:4000\n"},
        "variables": ["A_KEY"],
        "composed": {},
        "secrets": {"A_KEY": "a-value-of-a-key"},
        "address": "",
        "python": "/usr/bin/python3",
        **more,
    }


@pytest.fixture
def gateway(tmp_path: Path) -> Model:
    model = Model(tmp_path / "gateway")
    model.serve(args())
    return model


def texts(told: dict[str, Any]) -> list[str]:
    return [one["text"] for one in told["items"]]


def test_what_serves_already_is_no_change(gateway: Model) -> None:
    told = gateway.plan(args())
    assert (told["items"], told["refused"], told["missing"]) == ([], [], [])
    assert (told["current"], told["next"], told["hosts"]) == (1, 1, ["b1"])


def test_a_comment_in_the_registry_is_no_change(gateway: Model) -> None:
    assert gateway.plan(args(registry={"a.yaml": "# more\nproviders: {}\n"}))["items"] == []


def new_model() -> dict[str, Any]:
    wanted = config()
    entry = {
        "model_name": "qwen",
        "litellm_params": {"model": "openai/qwen"},
        "model_info": {"id": "~fresh/qwen", "mode": "chat"},
    }
    return {**wanted, "model_list": [*wanted["model_list"], entry]}


def without(name: str) -> dict[str, Any]:
    wanted = config()
    left = [one for one in wanted["model_list"] if one["model_name"] != name]
    return {**wanted, "model_list": left}


@pytest.mark.parametrize(
    ("wanted", "verb", "said"),
    [
        (
            args(config("mistral")),
            "change",
            "gpt-4: the fallback changes from llama3.1 to mistral",
        ),
        (args(config(rpm=9)), "change", "limit of cloud, lab: 3 -> 9 requests a minute"),
        (args(new_model()), "add", "provider fresh is new: 1 deployment, called qwen"),
        (args(without("mistral")), "remove", "mistral is gone"),
        (args(lock=LOCK.replace("1.106.2", "1.106.9")), "change", "LiteLLM 1.106.2 -> 1.106.9"),
        (
            args(files={"environment": 'JITTER="0"\n'}),
            "change",
            "JITTER of the gateway's process: none -> 0",
        ),
        (
            args(units={"litellm.socket": "[Socket]\nListenStream=127.0.0.1:4001\n"}),
            "change",
            "unit litellm.socket: ListenStream=127.0.0.1:4000 -> ListenStream=127.0.0.1:4001",
        ),
        (args(files={"program/launcher.py": "1\n"}), "change", "the launcher is another one"),
        (args(secrets={"A_KEY": "another-value"}), "change", "the value of A_KEY changes"),
        (
            args(variables=["A_KEY", "B_KEY"], secrets={"A_KEY": "a-value-of-a-key", "B_KEY": "b"}),
            "add",
            "the variable B_KEY is needed now",
        ),
        (args(variables=[]), "remove", "the variable A_KEY is not needed any more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_of_change_has_its_sentence(
    gateway: Model, wanted: Args, verb: str, said: str
) -> None:
    told = gateway.plan(wanted)
    assert (verb, said) in [(one["verb"], one["text"]) for one in told["items"]]
    assert told["next"] == 2
    assert "something changed that nobody has words for" not in str(told)


def test_no_value_of_a_secret_is_in_it(gateway: Model) -> None:
    told = gateway.plan(args(secrets={"A_KEY": "another-value"}))
    assert "value-of-a-key" not in str(told)
    assert "another-value" not in str(told)
    assert texts(told) == ["the value of A_KEY changes"]


def test_what_has_no_value_anywhere_is_told_and_the_rest_is_planned(gateway: Model) -> None:
    wanted = args(config("mistral"), variables=["A_KEY", "B_KEY"])
    told = gateway.plan(wanted)
    assert told["missing"] == ["B_KEY"]
    assert "gpt-4: the fallback changes from llama3.1 to mistral" in texts(told)


def test_the_first_generation_is_told_without_its_parts(tmp_path: Path) -> None:
    said = texts(Model(tmp_path / "gateway").plan(args()))
    assert said[:2] == [
        "the program that changes the gateway is installed",
        "the gateway serves for the first time, with LiteLLM 1.106.2",
    ]
    assert "gpt-4 is new: answered by gpt-4 at cloud, with llama3.1 as the fallback" in said
    assert "the gateway's own key is made" in said
    assert not [text for text in said if "unit" in text]


def damaged(gateway: Model) -> None:
    folder = gateway.store.folder / "1"
    folder.chmod(0o700)
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").write_text(yaml.safe_dump(config("mistral")))


def edited(gateway: Model) -> None:
    path = gateway.host.units / "litellm.socket"
    path.write_text(f"{path.read_text()}NoDelay=no\n")


def stopped(gateway: Model) -> None:
    gateway.host.listens = False


def stuck(gateway: Model) -> None:
    gateway.host.states = {1: "private: not the current generation"}


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (damaged, "generation 1 was changed on the host: it is written anew, as another one"),
        (edited, "unit litellm.socket was changed on the host: it is put back"),
        (stopped, "litellm.socket does not run, or not from boot on: it does again"),
        (stuck, "what serves is not what `current` names: that serves again"),
    ],
)
def test_what_a_run_would_put_right_on_the_host_is_told(
    gateway: Model, tamper: Callable[[Model], None], said: str
) -> None:
    tamper(gateway)
    assert said in texts(gateway.plan(args()))


def test_why_a_change_would_not_begin_is_told(gateway: Model) -> None:
    gateway.store.record(1, unconfirmed="new.yaml")
    told = gateway.plan(args(config("mistral")))
    assert "generation 1 serves new.yaml" in told["refused"][0]
    assert "adopt.yml" in told["refused"][0]
    assert any("Generation 1 serves new.yaml" in note for note in told["notes"])


def test_one_that_was_undone_is_not_tried_again_without_a_word(gateway: Model) -> None:
    wanted = args(config("mistral"))
    gateway.serve(wanted)
    gateway.store.record(2, "undone", "it was slow")
    gateway.store.switch(1)
    gateway.host.states = {1: "serving"}
    told = gateway.plan(wanted)
    assert "generation 2 was the same, and was undone" in told["refused"][0]
    assert "Generation 2, newer than the one that serves, is undone: it was slow." in told["notes"]
    assert gateway.plan({**wanted, "again": True})["refused"] == []


def test_a_canary_is_noted(gateway: Model) -> None:
    canary = {"provider": "fresh", "share": 0.05, "routes": {"gpt-4": {}}}
    wanted = args()
    probes = {**json.loads(wanted["files"]["probes.json"]), "canaries": [canary]}
    wanted["files"]["probes.json"] = json.dumps(probes)
    gateway.serve(wanted)
    assert gateway.plan(wanted)["notes"] == ["fresh is on trial: it gets 5 % of gpt-4."]


def test_nothing_is_written(gateway: Model) -> None:
    def all_of_it() -> dict[str, float]:
        return {str(path): path.lstat().st_mtime for path in gateway.store.base.rglob("*")}

    before = all_of_it()
    gateway.plan(args(new_model(), variables=["A_KEY", "B_KEY"]))
    assert all_of_it() == before


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"max_budget": 20.0, "budget_duration": "30d"}, "budget of cloud: none -> 20 US dollars"),
        (
            {"max_budget": 20.0, "budget_duration": "30d"},
            "time of the budget of cloud: none -> 30d",
        ),
        ({"tags": ["batch", "night"]}, "tags of cloud: none -> batch, night"),
        ({"timeout": 30}, "timeout of cloud: none -> 30 s"),
        (
            {"input_cost_per_token": 2e-06},
            "price of a token asked of cloud: none -> 2e-06 US dollars",
        ),
    ],
)
def test_what_a_deployment_may_cost_and_who_may_ask_it_is_told(
    gateway: Model, params: dict[str, Any], said: str
) -> None:
    wanted = config()
    wanted["model_list"][0]["litellm_params"] |= params
    assert said in texts(gateway.plan(args(wanted)))
