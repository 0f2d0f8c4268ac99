# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""llama-server with several models on one port: the router, which has a process for each.

What is on its command line reaches every model and wins over the models' own options. So only what
is the router's stands there; the rest is in its file of presets, where a model's own section wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .common import EngineError, Spec, not_ours

PRESETS = "presets.ini"
# How many models it has at once, unless models_max says otherwise (0: any number).
USUAL_MAX = 4
# Options of the one server that clients speak to, not of a model behind it.
_ROUTERS = re.compile(
    r"(no_)?models_\w+|threads_http|timeout|reuse_port|api_prefix|ssl_\w+|cors_\w+|path|static_path"
    r"|(no_)?(webui|ui)\w*|metrics|log_\w+|verbose|verbosity|offline"
)
# ":" begins a tag, whose letters it makes capitals: qwen:7b would be listed as qwen:7B.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/ +-]*")


def split_options(spec: Spec) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the router's, those for all of its models) of the options of a provider."""
    ours = {key: value for key, value in spec["options"].items() if _ROUTERS.fullmatch(key)}
    return ours, {key: value for key, value in spec["options"].items() if key not in ours}


def presets(spec: Spec, files: Sequence[str], ours: Mapping[str, str]) -> str:
    """The file of presets: a section a model, whose file is that of `files` at its place; `ours` as
    in long_options. Raises EngineError for what such a file cannot hold."""
    router, shared = split_options(spec)
    most = router.get("models_max", USUAL_MAX)
    lines = ["version = 1", "", "[*]", *_options(spec, "options", shared, ours)]
    sections: dict[str, str] = {}
    for number, (model, file) in enumerate(zip(spec["models"], files, strict=True)):
        name = model["name"]
        section = _section(spec, name)
        other = sections.setdefault(section, name)
        if other != name:
            raise EngineError(
                f"provider {spec['provider']}: llama-server takes the names '{other}' and '{name}' "
                "for one: give one of them another name"
            )
        lines += ["", f"[{section}]", *([f"alias = {name}"] if section != name else [])]
        lines += [f"model = {_value(spec, 'the path of a model', file)}"]
        if not most or number < int(most):
            # Asked for at once, so that one that cannot be loaded is known now. It refuses more
            # of them than it may have.
            lines.append("load-on-startup = true")
        where = f"models.[name={name}].options"
        for key in model.get("options") or {}:
            if _ROUTERS.fullmatch(key):
                raise EngineError(
                    f"provider {spec['provider']}: {where}.{key} is for all of its models: write "
                    "it under deploy.options"
                )
        lines += _options(spec, where, model.get("options") or {}, ours)
    return "\n".join([*lines, ""])


def _section(spec: Spec, name: str) -> str:
    if _PLAIN.fullmatch(name):
        return str(name)
    if "," in name or name != name.strip():
        # Its aliases are separated by commas.
        raise EngineError(f"provider {spec['provider']}: llama-server cannot call a model '{name}'")
    _value(spec, "a model's name", name)
    return re.sub(r"[^A-Za-z0-9._/ +-]", "-", name)


def _options(
    spec: Spec, where: str, options: Mapping[str, Any], ours: Mapping[str, str]
) -> list[str]:
    """As in long_options: true is a bare option, false leaves it out."""
    lines = []
    for key, value in options.items():
        not_ours(spec, key, ours)
        if value is False or value is None:
            continue
        if isinstance(value, (list, tuple)):
            raise EngineError(
                f"provider {spec['provider']}: {where}.{key} has several values, which only a "
                "llama-server with one model takes: give that model a provider of its own"
            )
        text = "true" if value is True else _value(spec, f"{where}.{key}", str(value))
        lines.append(f"{key.replace('_', '-')} = {text}")
    return lines


def _value(spec: Spec, where: str, value: str) -> str:
    # '#' and ';' begin a comment, in quotes as well: what is behind them would be lost, unsaid.
    if re.search(r"[#;\x00-\x1f\x7f]", value) or value != value.strip():
        raise EngineError(
            f"provider {spec['provider']}: {where} is {value!r}, and a llama-server with several "
            "models takes no '#', ';', line break or outer space there: give that model a provider "
            "of its own"
        )
    return value
