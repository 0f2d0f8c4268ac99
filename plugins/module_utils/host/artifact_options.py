# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An artefact from the options of a module."""

from __future__ import annotations

from collections.abc import Mapping

from .artifacts import Artifact, problem_with

SOURCE = {"url": {"type": "str"}, "path": {"type": "path"}, "pypi": {"type": "str"}}
SUBOPTIONS = {
    **SOURCE,
    "name": {"type": "str"},
    "member": {"type": "str"},
    "sha256": {"type": "str"},
    "dest": {"type": "path"},
    "unpack": {"type": "path"},
    "mode": {"type": "str", "default": "0644"},
    "link": {"type": "bool", "default": False},
}


def wish_of(given: Mapping[str, object]) -> Artifact:
    """An artefact from the module's options; ValueError names what is wrong with it."""
    values = {key: value for key, value in given.items() if value is not None}
    name = str(values.pop("name", given["dest"] or given["unpack"] or "an artefact"))
    try:
        values["mode"] = int(str(values["mode"]), 8)
    except ValueError:
        raise ValueError(f"{name}: mode '{values['mode']}' is not octal, such as 0644") from None
    wish = Artifact(name=name, **values)  # type: ignore[arg-type] # as the options say
    if problem := problem_with(wish):
        raise ValueError(f"{name}: {problem}")
    return wish
