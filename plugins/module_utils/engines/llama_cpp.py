# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""llama-server: what one host needs for its instances, artefacts and units, from service specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .common import Settings, Spec, local_base, long_options, one_port_each, unit, with_key
from .models import model_file
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
        file = model_file(spec["models"][0], settings, artifacts)
        made = _unit(spec, settings, binary, [*marks, file])
        units.append(with_key(made, spec, settings, secrets, KEY))
    one_port_each(services)
    return {"artifacts": list(artifacts.values()), "units": units}


def _unit(spec: Spec, settings: Settings, binary: str, watch: list[str]) -> dict[str, Any]:
    name, base = spec["models"][0]["name"], local_base(spec)
    argv = [binary, "--host", spec["bind"], "--port", str(spec["port"])]
    argv += ["--model", watch[-1], "--alias", name, *long_options(spec, OURS)]
    return unit(
        spec,
        settings,
        title="llama-server",
        argv=argv,
        stop_seconds=STOP_SECONDS,
        ready=[{"url": f"{base}/health"}, {"url": f"{base}/v1/models", "model": name}],
        watch=watch,
    )
