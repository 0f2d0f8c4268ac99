# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ollama: what one host needs: artefacts, units, folders and models, from service specs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from .common import EngineError, Settings, Spec, local_base, one_port_each, safe
from .common import unit as unit_of
from .models import model_file
from .releases import program

# deploy.options, each the variable OLLAMA_<KEY> of `ollama serve`.
_OPTIONS = """
    context_length debug debug_log_requests flash_attention go_template gpu_overhead igpu_enable
    keep_alive kv_cache_type llm_library load_timeout max_loaded_models max_queue
    max_transfer_streams multiuser_cache new_engine no_cloud nohistory noprune num_parallel origins
    remotes sched_spread vulkan
"""
OPTIONS = frozenset(_OPTIONS.split())
# What we set ourselves, from elsewhere in the registry.
OURS = {"host": "deploy.bind and deploy.port", "models": "the role (ollama_shared_models)"}
OUR_VARIABLES = {**{f"OLLAMA_{key.upper()}": by for key, by in OURS.items()}, "HOME": "the role"}
# No GPU has this number: that is how Ollama is told to take none.
NO_GPU = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES")
STOP_SECONDS = 30


def host_plan(
    services: Sequence[Spec], settings: Settings, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """{artifacts, units, instances, folders, stores}: options for lab.llm.artifact,
    lab.llm.user_units and lab.llm.ollama_models; the folders that must be there before a unit
    starts; and of these the ones that go with the instances, their models in them.

    `services` are specs of the registry with engine ollama; `settings` are those of `program` with
    rocm_url, rocm_sha256, sandbox, ready_timeout (seconds) and shared_models. Ollama knows no keys,
    so that `secrets` are for nobody. Raises EngineError.
    """
    artifacts: dict[str, dict[str, Any]] = {}
    units, instances, stores, folders = [], [], [], []
    for spec in services:
        _no_key(spec)
        binary, marks = _program(spec, settings, artifacts)
        home, store = _home(spec, settings), _store(spec, settings)
        units.append(_unit(spec, settings, binary, marks, home, store))
        instances.append(
            {
                "provider": spec["provider"],
                "base": local_base(spec),
                "store": store,
                "runs": spec.get("runs", True) is True,
                "models": [_model(one, settings, artifacts) for one in spec["models"]],
            }
        )
        stores += [home] if store.startswith(f"{home}/") else [home, store]
        folders += [home, store]
    one_port_each(services)
    return {
        "artifacts": list(artifacts.values()),
        "units": units,
        "instances": instances,
        "folders": list(dict.fromkeys(folders)),
        "stores": list(dict.fromkeys(stores)),
    }


def _program(
    spec: Spec, settings: Settings, artifacts: dict[str, dict[str, Any]]
) -> tuple[str, list[str]]:
    """See program; a release with an archive for ROCm is a folder of its own, of both archives."""
    binary, marks = program(spec, settings, artifacts, "ollama", "ollama")
    url, sha256 = _rocm(spec, settings)
    if settings["install"] != "archive" or not url:
        return binary, marks
    if not sha256:
        raise EngineError(f"ollama_rocm_sha256 is missing: pin the archive for ROCm, {url}")
    base = str(PurePosixPath(marks[0]).parent)
    place = f"{base}-rocm-{safe(sha256[:8])}"
    name = f"{artifacts[base]['name']} for ROCm"
    artifacts[place] = {"name": name, "url": url, "sha256": sha256, "unpack": place, "over": base}
    return binary.replace(base, place, 1), [mark.replace(base, place, 1) for mark in marks]


def _rocm(spec: Spec, settings: Settings) -> tuple[str, str]:
    """The archive for ROCm of the release that the spec names, or of the default one."""
    version = str(spec["version"] or settings["version"] or "")
    known = {str(key): value for key, value in (settings["releases"] or {}).items()}
    found = known.get(version, settings)
    return str(found.get("rocm_url") or ""), str(found.get("rocm_sha256") or "")


def variables(spec: Spec) -> dict[str, str]:
    """deploy.options as variables. Raises EngineError for what Ollama does not know."""
    made = {}
    for key, value in spec["options"].items():
        if key in OURS:
            raise EngineError(
                f"provider {spec['provider']}: options.{key} is set by {OURS[key]}; leave it out"
            )
        if key not in OPTIONS:
            close = difflib.get_close_matches(key, sorted(OPTIONS), 1)
            hint = f"did you mean {close[0]}?" if close else "see `ollama serve --help`."
            raise EngineError(
                f"provider {spec['provider']}: Ollama knows no option '{key}': {hint} A variable "
                "that is not among deploy.options may stand in deploy.environment"
            )
        if value is not None:
            made[f"OLLAMA_{key.upper()}"] = _text(value)
    return made


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _no_key(spec: Spec) -> None:
    if spec["key_variable"]:
        raise EngineError(
            f"provider {spec['provider']}: Ollama cannot demand a key ({spec['key_variable']}): "
            "leave env_var out, or put a reverse proxy before it and give its base_url"
        )


def _home(spec: Spec, settings: Settings) -> str:
    """Its own, as Ollama keeps a pair of keys there, and the sandbox closes the user's."""
    return str(PurePosixPath(settings["home"]) / "ollama" / "stores" / safe(spec["provider"]))


def _store(spec: Spec, settings: Settings) -> str:
    if settings["shared_models"]:
        return str(PurePosixPath(settings["home"]) / "ollama" / "models")
    return f"{_home(spec, settings)}/models"


def _unit(
    spec: Spec, settings: Settings, binary: str, marks: Sequence[str], home: str, store: str
) -> dict[str, Any]:
    bind = f"[{spec['bind']}]" if ":" in str(spec["bind"]) else spec["bind"]
    environment = {
        **(dict.fromkeys(NO_GPU, "-1") if spec["gpus"] == [] else {}),
        "HOME": home,
        "OLLAMA_HOST": f"{bind}:{spec['port']}",
        "OLLAMA_MODELS": store,
        # At its start each would remove what another is just fetching into the same store.
        **({"OLLAMA_NOPRUNE": "1"} if settings["shared_models"] else {}),
        **variables(spec),
    }
    made = unit_of(
        spec,
        settings,
        title="Ollama",
        argv=[binary, "serve"],
        stop_seconds=STOP_SECONDS,
        # Its models are brought through itself: lab.llm.ollama_models sees to them afterwards.
        ready=[{"url": f"{local_base(spec)}/api/version"}],
        watch=marks,
        environment=environment,
        writable=list(dict.fromkeys([home, store])),
        # It ends the processes of its models itself, and goes on where one took too much memory.
        service={"KillMode": "mixed", "OOMPolicy": "continue", "LimitNOFILE": 65536},
    )
    # Without the names of its models: one more is no reason to restart it.
    made["sections"]["Unit"]["Description"] = f"Ollama for {spec['provider']}"
    return made


def _model(
    model: Mapping[str, Any], settings: Settings, artifacts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """{name, tag, file, modelfile, adapters}, as lab.llm.ollama_models takes it."""
    source = dict(model["source"])
    block = dict(source.get("modelfile") or {})
    adapters = [
        model_file({"name": f"{model['name']}-adapter", "source": one}, settings, artifacts)
        for one in block.pop("adapters", ())
    ]
    tag = source.get("ollama") or ""
    return {
        "name": model["name"],
        "tag": tag,
        "file": "" if tag else model_file(model, settings, artifacts),
        "modelfile": block,
        "adapters": adapters,
    }
