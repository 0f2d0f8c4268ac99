# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""llama-server: what one host needs for its instances, artefacts and units, from service specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .common import (
    Settings,
    Spec,
    beside,
    local_base,
    long_options,
    one_port_each,
    unit,
    with_key,
)
from .llama_cpp_router import PRESETS, presets, split_options
from .models import model_file, seen_by_its_service
from .releases import program

KEY = "LLAMA_API_KEY"
# What we set ourselves, from elsewhere in the registry.
OURS = {
    "host": "deploy.bind",
    "port": "deploy.port",
    "model": "source",
    "alias": "the model's name",
    "api_key": "env_var",
    "api_key_file": "env_var",
    "models_preset": "models",
    "models_dir": "models",
}
# With a request in flight llama-server takes 89 s to obey SIGTERM.
STOP_SECONDS = 15


def host_plan(
    services: Sequence[Spec], settings: Settings, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """{artifacts, units}: options for lab.llm.artifact and lab.llm.user_units.

    `services` are specs of the registry with engine llama_cpp; `settings` are those of `program`
    with sandbox, ready_timeout (seconds), keep_keys (whether the keys of now stay valid beside
    these) and secrets_name; `secrets` has the keys by variable. Raises EngineError.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    units = []
    for spec in services:
        binary, marks = program(spec, settings, artifacts, "llama_cpp", "llama.cpp")
        for model in spec["models"]:
            seen_by_its_service(model, settings)
        files = [model_file(model, settings, artifacts) for model in spec["models"]]
        make = _router if len(files) > 1 else _single
        made = make(spec, settings, binary, marks, files)
        units.append(with_key(made, spec, settings, secrets, KEY))
    one_port_each(services)
    return {"artifacts": list(artifacts.values()), "units": units}


def _single(
    spec: Spec, settings: Settings, binary: str, marks: list[str], files: list[str]
) -> dict[str, Any]:
    model, base = spec["models"][0], local_base(spec)
    whole = {**spec, "options": {**spec["options"], **(model.get("options") or {})}}
    argv = [*_door(spec, binary), "--model", files[0], "--alias", model["name"]]
    return unit(
        spec,
        settings,
        title="llama-server",
        argv=[*argv, *long_options(whole, OURS)],
        stop_seconds=STOP_SECONDS,
        ready=[{"url": f"{base}/health"}, {"url": f"{base}/v1/models", "model": model["name"]}],
        watch=[*marks, files[0]],
    )


def _router(
    spec: Spec, settings: Settings, binary: str, marks: list[str], files: list[str]
) -> dict[str, Any]:
    base, file = local_base(spec), beside(spec, settings, PRESETS)
    names = [model["name"] for model in spec["models"]]
    argv = [*_door(spec, binary), "--models-preset", file]
    return unit(
        spec,
        settings,
        title="llama-server",
        argv=[*argv, *long_options({**spec, "options": split_options(spec)[0]}, OURS)],
        stop_seconds=STOP_SECONDS,
        ready=[{"url": f"{base}/health"}, {"url": f"{base}/models", "models": names}],
        watch=[*marks, *files, file],
        files={PRESETS: presets(spec, files, OURS)},
        # It stops the models' processes itself, and goes on where one of them took too much memory.
        service={"KillMode": "mixed", "OOMPolicy": "continue"},
    )


def _door(spec: Spec, binary: str) -> list[str]:
    return [binary, "--host", spec["bind"], "--port", str(spec["port"])]
