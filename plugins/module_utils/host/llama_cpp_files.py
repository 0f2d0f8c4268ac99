# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of llama-server instances nothing needs any more once some of them are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .llama_cpp import host_plan

Specs = Sequence[Mapping[str, Any]]


def unneeded(
    gone: Specs, kept: Specs, settings: Mapping[str, Any], models: bool, engines: bool
) -> list[str]:
    """Paths of the model files and unpacked releases that only the instances in `gone` use.

    `gone` and `kept` are specs of one host, `settings` as in host_plan. A file that is linked from
    elsewhere on the host is not ours: its link goes. Raises LlamaCppError as host_plan does.
    """
    used = _files(kept, settings)
    return [
        path
        for path, is_release in _files(gone, settings).items()
        if path not in used and (engines if is_release else models)
    ]


def _files(specs: Specs, settings: Mapping[str, Any]) -> dict[str, bool]:
    """Path -> whether it is an unpacked release, in order."""
    # Keys make no file here, and two instances of different times may have had one port.
    bare = [{**spec, "key_variable": None, "port": number} for number, spec in enumerate(specs)]
    found = host_plan(bare, settings, {})["artifacts"]
    return {one.get("dest") or one["unpack"]: "unpack" in one for one in found}
