# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""llama-server with several models: its file of presets, and what it says of its models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.llama_cpp import host_plan
from ansible_collections.lab.llm.plugins.module_utils.host import router_models
from ansible_collections.lab.llm.plugins.module_utils.host.user_manager import State

SETTINGS: dict[str, Any] = {
    "home": "/var/lib/llm",
    "install": "binary",
    "binary": "/opt/llama-server",
    "packaged_binary": "/usr/bin/llama-server",
    "sandbox": True,
    "ready_timeout": 600,
    "secrets_name": "llama_cpp_secrets",
}
HOME = "/var/lib/llm/.config/lab-llm/llama-server-gpu.service.presets.ini"


def model(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "source": {"path": f"/m/{name}.gguf"}, "options": options}


def unit_of(*models: dict[str, Any], **changes: Any) -> dict[str, Any]:
    spec = {
        "provider": "gpu",
        "unit": "llama-server-gpu.service",
        "host": "h1",
        "bind": "10.0.0.1",
        "port": 8080,
        "version": None,
        "models": models,
        "options": {},
        "environment": {},
        "limits": {},
        "gpus": None,
        "key_variable": None,
        **changes,
    }
    (made,) = host_plan([spec], SETTINGS, {"GPU_KEY": "sk-secret"})["units"]
    return made


def argv(unit: dict[str, Any]) -> list[str]:
    return unit["sections"]["Service"]["ExecStart"]


def sections(unit: dict[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in unit["files"]["presets.ini"].splitlines():
        if line.startswith("["):
            found[line[1:-1]] = {}
        elif found and line:
            key, _is, value = line.partition(" = ")
            found[[*found][-1]][key] = value
    return found


def test_several_models_are_one_process_with_a_section_each() -> None:
    options = {"ctx_size": 4096, "jinja": True, "mmap": False, "models_max": 2, "timeout": 60}
    made = unit_of(model("a"), model("org/b", ctx_size=512, no_jinja=True), options=options)
    door = ("--host", "10.0.0.1", "--port", "8080")
    words = ("--models-preset", HOME, "--models-max", "2", "--timeout", "60")
    assert argv(made)[1:] == [*door, *words]
    a, b = sections(made)["a"], sections(made)["org/b"]
    assert sections(made)["*"] == {"ctx-size": "4096", "jinja": "true"}
    assert a["load-on-startup"] == "true"
    assert (b["ctx-size"], b["no-jinja"]) == ("512", "true")
    assert a["model"].endswith(".gguf")
    assert made["sections"]["Service"]["KillMode"] == "mixed"


def test_it_is_ready_when_each_model_can_be_asked_and_changes_with_each_file() -> None:
    made = unit_of(model("a"), model("b"), key_variable="GPU_KEY")
    last = made["ready"][-1]
    assert (last["url"], last["models"]) == ("http://10.0.0.1:8080/models", ["a", "b"])
    assert last["key_variable"] == "LLAMA_API_KEY"
    models = [one["model"] for name, one in sections(made).items() if name != "*"]
    assert {*models, HOME} <= set(made["watch"])
    assert "sk-secret" not in made["files"]["presets.ini"]


@pytest.mark.parametrize(("most", "asked"), [(1, 1), (2, 2), (0, 3), (None, 3)])
def test_no_more_are_loaded_at_once_than_it_may_have(most: int | None, asked: int) -> None:
    options = {} if most is None else {"models_max": most}
    made = unit_of(model("a"), model("b"), model("c"), options=options)
    assert sum("load-on-startup" in one for one in sections(made).values()) == asked


def test_a_name_with_a_tag_is_kept_as_it_is_written() -> None:
    made = sections(unit_of(model("qwen:7b"), model("b")))
    assert made["qwen-7b"]["alias"] == "qwen:7b"


@pytest.mark.parametrize(
    ("models", "options", "word"),
    [
        ((model("a", jinja_file="x;y"), model("b")), {}, "';'"),
        ((model("a"), model("b")), {"chat_template": "a # b"}, "deploy|options.chat_template"),
        ((model("a"), model("b")), {"lora": ["x", "y"]}, "several values"),
        ((model("a", models_max=1), model("b")), {}, "deploy.options"),
        ((model("a:b"), model("a-b")), {}, "another name"),
        ((model("a,b"), model("c")), {}, "cannot call"),
        ((model("a", alias="x"), model("b")), {}, "options.alias"),
    ],
)
def test_what_the_presets_cannot_hold_is_refused(models: Any, options: Any, word: str) -> None:
    with pytest.raises(EngineError, match=word):
        unit_of(*models, options=options)


def test_a_model_of_a_single_instance_has_its_options_on_the_command_line() -> None:
    made = unit_of(model("a", ctx_size=512), options={"ctx_size": 4096, "threads": 1})
    assert argv(made)[-4:] == ["--ctx-size", "512", "--threads", "1"]
    assert made["files"] == {}


# What llama-server b11669 answered; `args` shortened.
def answer(**states: dict[str, Any]) -> bytes:
    return json.dumps({"data": [{"id": n, "aliases": [], "status": s} for n, s in states.items()]})


BAD = {"value": "unloaded", "failed": True, "exit_code": 1, "args": ["x", "--port", "60543"]}


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ({"a": {"value": "loaded"}, "b": {"value": "unloaded"}}, ""),
        ({"a": {"value": "loaded"}, "b": {"value": "sleeping"}}, ""),
        ({"a": {"value": "loaded"}, "b": {"value": "loading"}}, "b is still loading"),
        ({"a": {"value": "loaded"}}, "b is not listed"),
    ],
)
def test_what_is_still_to_come(states: dict[str, Any], problem: str) -> None:
    assert router_models.models_problem(answer(**states).encode(), ["a", "b"]) == problem


def test_an_alias_is_a_name() -> None:
    body = {"data": [{"id": "qwen-7b", "aliases": ["qwen:7b"], "status": {"value": "loaded"}}]}
    assert router_models.models_problem(json.dumps(body).encode(), ["qwen:7b"]) == ""


class Journal:
    """Stands in for the user's journal, with lines that llama-server wrote."""

    def journal(self, _name: str, _invocation: str, _lines: int) -> list[str]:
        tensor = "E llama_model_load: error loading model: tensor 'token_embd.weight' data is not"
        return [
            "[40793] 0.00.787.539 I srv  llama_server: model loaded",
            f"[60543] 0.00.258.242 {tensor} within the file bounds",
            "[60543] 0.00.323.208 I srv    operator(): operator(): cleaning up before exit...",
        ]


def test_a_model_that_could_not_be_loaded_is_named_with_its_cause() -> None:
    with pytest.raises(router_models.FailedModelsError) as failed:
        router_models.models_problem(answer(a={"value": "loaded"}, b=BAD).encode(), ["a", "b"])
    state = State("x.service", {})
    told = router_models.why_failed(Journal(), state, failed.value)  # type: ignore[arg-type]
    assert told.startswith("x.service runs, but its model 'b' could not be loaded: the model file")
    assert "damaged or cut short" in told
    assert "token_embd" in told
    assert "cleaning up" not in told
