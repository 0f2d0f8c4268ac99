# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..module_utils.bundling.manifest import BundleError, find, read
from ..plugin_utils.bundle import BundledAction

Entry = dict[str, Any]


class ActionModule(BundledAction):
    """The module brings the artefacts; with a bundle, what it lacks is copied to the host first.

    One after the other, so that a host needs room for the largest of them twice and no more.
    """

    _supports_diff = True

    def from_bundle(
        self, bundle: Path, given: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        manifest = read(bundle)
        wishes = {one.get("dest") or one["unpack"]: one for one in given.get("artifacts") or []}
        entries = {place: find(manifest, one) for place, one in wishes.items()}
        given["waiting"] = {place: one["size"] for place, one in entries.items() if one}
        brought: list[str] = []
        shown: list[Entry] = []
        found: dict[str, Any] = self._execute_module(module_args=given, task_vars=task_vars)
        for place in found.get("lacking", ()):
            only = {**given, "artifacts": [wishes[place]], "unneeded": []}
            done = self._hand_over(bundle, entries[place] or {}, place, only, task_vars)
            if done.get("failed"):
                return {**done, "changed": bool(brought) or bool(done.get("changed"))}
            brought.append(place)
            shown += done.get("diff", [])
        if not brought:
            return found
        found = self._execute_module(module_args=given, task_vars=task_vars)
        for one in found.get("artifacts", ()):
            one["changed"] = one["changed"] or one["path"] in brought
        return {**found, "changed": True, "diff": shown + found.get("diff", [])}

    def _hand_over(
        self,
        bundle: Path,
        entry: Entry,
        place: str,
        given: dict[str, Any],
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Copy one artefact to the host, and have the module take it from there."""
        folder = self._make_tmp_path()
        try:
            if entry["kind"] == "repository":
                copies = [
                    {**one, "file": self._copy(bundle / entry["at"] / one["path"], folder, number)}
                    for number, one in enumerate(entry["files"])
                ]
                handed: Entry = {"commit": entry["commit"], "files": copies}
            else:
                handed = {"file": self._copy(bundle / entry["at"], folder, 0)}
            arguments = {**given, "handed": {place: handed}}
            return self._execute_module(module_args=arguments, task_vars=task_vars)
        finally:
            self._remove_tmp_path(folder)

    def _copy(self, file: Path, folder: str, number: int) -> str:
        if not file.is_file():
            raise BundleError(
                f"the bundle lacks {file}: run bundle.yml again where there is a network"
            )
        there = self._connection._shell.join_path(folder, f"copy{number}")
        return str(self._transfer_file(str(file), there))
