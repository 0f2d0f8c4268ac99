# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handing wheels of a bundle to a module that makes venvs on a host."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.bundling.manifest import BundleError, read, wheels_for
from ..module_utils.bundling.wheels import hashes_of


class BundledAction(ActionBase):
    """Runs the module of its name; where the task names a `bundle`, as `from_bundle` says."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The module's result; what is wrong with the bundle ends the task."""
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        bundle = given.pop("bundle", None)
        if not bundle:
            return dict(self._execute_module(module_args=given, task_vars=task_vars))
        try:
            return self.from_bundle(Path(bundle).expanduser().absolute(), given, task_vars)
        except (BundleError, OSError) as problem:
            return {"failed": True, "msg": str(problem)}

    def from_bundle(
        self, bundle: Path, given: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The module's result, with what the host lacks from the bundle. Raises BundleError."""
        raise NotImplementedError


def with_wheels(
    action: ActionBase,
    given: dict[str, Any],
    bundle: Path,
    locks: Sequence[str],
    task_vars: dict[str, Any] | None,
) -> dict[str, Any]:
    """Run the action's module; if a venv is to be made, with the wheels of its lock files beside.

    The module takes them as `wheels`, the path of a tar on the host. Raises BundleError, OSError.
    """
    manifest = read(bundle)
    play = action._task.check_mode
    action._task.check_mode = True
    try:
        found: dict[str, Any] = action._execute_module(module_args=given, task_vars=task_vars)
    finally:
        action._task.check_mode = play
    if play or found.get("failed") or not found.get("changed"):
        return found
    hashes = [one for lock in locks for one in hashes_of(lock)]
    wheels = wheels_for(manifest, hashes, found.get("python_minor"))
    if not wheels:
        raise BundleError(
            f"the bundle {bundle} has no wheel of this lock file: run bundle.yml again"
        )
    place = action._make_tmp_path()
    try:
        with tempfile.NamedTemporaryFile(suffix=".tar") as packed:
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for one in wheels:
                    tar.add(bundle / one["at"], arcname=Path(one["at"]).name)
            packed.flush()
            there = action._connection._shell.join_path(place, "wheels.tar")
            given["wheels"] = action._transfer_file(packed.name, there)
        return dict(action._execute_module(module_args=given, task_vars=task_vars))
    finally:
        action._remove_tmp_path(place)
