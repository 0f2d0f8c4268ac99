# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A venv from the options of a module."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .python_venv import Venv

SUBOPTIONS = {
    "name": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "requirements": {"type": "str", "default": ""},
    "packages": {"type": "list", "elements": "str", "default": []},
    "python": {"type": "str", "default": "/usr/bin/python3"},
    "uv": {"type": "str", "required": True},
    "torch_backend": {"type": "str", "default": ""},
    "environment": {"type": "dict", "default": {}, "no_log": True},
}


def venv_of(given: Mapping[str, Any]) -> Venv:
    """A venv from the module's options; ValueError names what is wrong with it."""
    if bool(given["requirements"]) == bool(given["packages"]):
        raise ValueError(f"{given['name']}: give either requirements or packages")
    if not Path(given["path"]).is_absolute():
        raise ValueError(f"{given['name']}: '{given['path']}' must be an absolute path")
    environment = {str(key): str(value) for key, value in given["environment"].items()}
    values = {**given, "path": Path(given["path"]), "packages": tuple(given["packages"])}
    return Venv(**{**values, "environment": environment})
