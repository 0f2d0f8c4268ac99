# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of an engine's instances nothing needs any more once some of them are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .common import Settings, Spec

Specs = Sequence[Spec]
HostPlan = Callable[[Specs, Settings, Mapping[str, str]], dict[str, Any]]


def unneeded(
    host_plan: HostPlan, gone: Specs, kept: Specs, settings: Settings, models: bool, engines: bool
) -> list[str]:
    """Paths of the model files and unpacked releases that only the instances in `gone` use.

    `gone` and `kept` are specs of one host and one engine, `settings` as in its host_plan. A file
    that is linked from elsewhere on the host is not ours: its link goes. Raises EngineError as
    host_plan does.
    """
    used = _files(host_plan, kept, settings)
    return [
        path
        for path, is_release in _files(host_plan, gone, settings).items()
        if path not in used and (engines if is_release else models)
    ]


def _files(host_plan: HostPlan, specs: Specs, settings: Settings) -> dict[str, bool]:
    """Path -> whether it is a release of the engine, in order."""
    # Keys make no file here, and two instances of different times may have had one port.
    bare = [{**spec, "key_variable": None, "port": number} for number, spec in enumerate(specs)]
    plan = host_plan(bare, {**settings, "ray_token": "of no file"}, {})
    found = {one.get("dest") or one["unpack"]: "unpack" in one for one in plan["artifacts"]}
    return {**found, **{one["path"]: True for one in plan.get("venvs", ())}}
