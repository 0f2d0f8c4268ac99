# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM: what one host needs for its instances, venvs, models and units, from service specs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from . import vllm_keys, vllm_ray
from .common import (
    EngineError,
    Settings,
    Spec,
    beside,
    local_base,
    not_ours,
    one_port_each,
    with_key,
)
from .common import unit as unit_of
from .models import model_folder, seen_by_its_service
from .releases import INSTALLED
from .vllm_venv import venv_of

KEY = vllm_keys.KEY
CONFIG = "yaml"
# What we set ourselves, from elsewhere in the registry.
OURS = {
    "host": "deploy.bind",
    "port": "deploy.port",
    "model": "source",
    "served_model_name": "the model's name",
    "api_key": "env_var",
    "hf_token": "source.token_env",
    "config": "the role",
    "distributed_executor_backend": "deploy.distributed",
}
# With a request in flight vLLM takes 89 s to obey SIGTERM, whatever it is told to take.
STOP_SECONDS = 120


def host_plan(
    services: Sequence[Spec], settings: Settings, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """{artifacts, venvs, units}: options for lab.llm.artifact, lab.llm.venv and lab.llm.user_units.

    `services` are specs of the registry with engine vllm; `settings` are those of `venv_of` with
    home, command (words behind the venv's python), binary, environment, sandbox, ready_timeout
    (seconds), keep_keys, secrets_name, ray_token and ray_ready_timeout. Raises EngineError.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    venvs: dict[str, dict[str, Any]] = {}
    units = []
    for spec in services:
        python, marks = venv_of(spec, settings, venvs)
        _one_model(spec)
        seen_by_its_service(spec["models"][0], settings)
        place = model_folder(spec["models"][0], settings, artifacts)
        marks = [*marks, f"{place}/{INSTALLED if place in artifacts else 'config.json'}"]
        if spec.get("ray"):
            units += vllm_ray.node(spec, settings, python, marks)
        if not vllm_ray.is_worker(spec):
            made = _with_key(_unit(spec, settings, python, marks, place), spec, settings, secrets)
            units.append(vllm_ray.on_ray(made, spec, settings))
    one_port_each(services)
    return {"artifacts": [*artifacts.values()], "venvs": [*venvs.values()], "units": units}


def config(spec: Spec, place: str) -> str:
    """The instance's configuration: long options with their values, as vLLM reads them.

    A value is written as JSON, which is YAML too: true is the option, false its `no-` form, a list
    gives it several values, a mapping goes to it as JSON.
    """
    model = spec["models"][0]
    options = {**spec["options"], **(model.get("options") or {})}
    for key in options:
        not_ours(spec, key, OURS)
    own = {
        "model": place,
        "served-model-name": [model["name"]],
        "host": spec["bind"],
        "port": spec["port"],
        **({"distributed-executor-backend": "ray"} if spec.get("ray") else {}),
    }
    if model.get("context_length") and "max_model_len" not in options:
        own["max-model-len"] = model["context_length"]
    given = {key.replace("_", "-"): value for key, value in options.items()}
    lines = [f"{key}: {json.dumps(value)}\n" for key, value in {**own, **given}.items()]
    return "".join(lines)


def _unit(
    spec: Spec, settings: Settings, python: str, marks: Sequence[str], place: str
) -> dict[str, Any]:
    base, file = local_base(spec), beside(spec, settings, CONFIG)
    return unit_of(
        spec,
        settings,
        title="vLLM",
        argv=[python, *settings["command"], "--config", file],
        stop_seconds=STOP_SECONDS,
        ready=[
            {"url": f"{base}/health"},
            {"url": f"{base}/v1/models", "model": spec["models"][0]["name"]},
        ],
        watch=[*marks, file],
        environment=variables(settings, python),
        files={CONFIG: config(spec, place)},
        # It ends its own processes in order; what is left of them goes with the unit. Its cache is
        # made before the sandbox closes all else.
        service={"KillMode": "mixed", "LimitNOFILE": 65536, "CacheDirectory": "vllm"},
    )


def _with_key(
    made: dict[str, Any], spec: Spec, settings: Settings, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """The unit with its key; while one is rotated, started such that it takes both."""
    several = settings.get("keep_keys") and vllm_keys.takes_several(settings["command"])
    made = with_key(made, spec, {**settings, "keep_keys": several}, secrets, KEY)
    if not made["beside"]:
        return made
    sections = made["sections"]
    argv = vllm_keys.with_several(sections["Service"]["ExecStart"])
    return {
        **made,
        "sections": {**sections, "Service": {**sections["Service"], "ExecStart": argv}},
    }


def variables(settings: Settings, python: str) -> dict[str, str]:
    """What each of its processes has in its environment. `{venv}` stands for the venv's folder."""
    venv = str(PurePosixPath(python).parent.parent)
    given = {key: str(one).replace("{venv}", venv) for key, one in settings["environment"].items()}
    return {
        "HF_HOME": f"{settings['home']}/.cache/huggingface",
        # The model is here already: nothing is to be asked of the hub, nor told to anybody.
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        **given,
    }


def _one_model(spec: Spec) -> None:
    if len(spec["models"]) != 1:
        raise EngineError(f"provider {spec['provider']}: vLLM serves one model")
    source = spec["models"][0]["source"]
    if "path" not in source and ("huggingface" not in source or source.get("file")):
        raise EngineError(
            f"provider {spec['provider']}: vLLM serves a folder, a path or a repository of Hugging "
            "Face, and no single file"
        )
