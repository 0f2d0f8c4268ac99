# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shlex
import time
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.host.ollama_progress import FILE

Found = dict[str, Any]
POLL = 5.0  # seconds between two looks
LIMIT = 7 * 24 * 3600  # seconds, for a model of hundreds of gigabytes on a slow line
SILENT = 3600.0  # seconds without a word, after which nobody is at work any more


class ActionModule(ActionBase):
    """Runs the module of its name. Where models are to be pulled or made, it works in the
    background on the host, and how far it is is shown meanwhile."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: Found | None = None) -> Found:
        """The module's result."""
        super().run(tmp, task_vars)
        given, check = dict(self._task.args), self._task.check_mode
        self._task.check_mode = True
        try:
            found: Found = self._execute_module(module_args=given, task_vars=task_vars)
        finally:
            self._task.check_mode = check
        if check or found.get("failed") or not found.get("changed"):
            return found
        return self._watched(given, task_vars or {})

    def _watched(self, given: Found, task_vars: Found) -> Found:
        limit, self._task.async_val = self._task.async_val, LIMIT
        try:
            job: Found = self._execute_module(
                module_args=given, task_vars=task_vars, wrap_async=True
            )
        finally:
            self._task.async_val = limit
        if job.get("failed") or not job.get("results_file"):
            return job
        result = shlex.quote(str(job["results_file"]))
        stores = dict.fromkeys(f"{one['store']}/{FILE}" for one in given.get("instances") or ())
        told = " ".join(map(shlex.quote, stores))
        look = f"cat {result}; printf '\\n'; cat {told} 2>/dev/null; true"
        said, since = "", time.monotonic()
        while time.monotonic() - since < SILENT:
            text, _newline, news = self._said_by(look).partition("\n")
            ended = _result(text)
            if ended is not None:
                self._said_by(f"rm -f {result}")
                return ended
            if news.strip() and news != said:
                said, since = news, time.monotonic()
                for line in news.strip().splitlines():
                    self._display.display(f"{task_vars.get('inventory_hostname')}: {line}")
            time.sleep(POLL)  # between two looks, bounded by SILENT
        return {"failed": True, "msg": f"nothing was heard of the models for {SILENT:.0f} s"}

    def _said_by(self, command: str) -> str:
        return str(self._low_level_execute_command(command, sudoable=True)["stdout"]).strip()


def _result(text: str) -> Found | None:
    """The module's result, once its job has come to its end."""
    try:
        found: Found = json.loads(text)
    except ValueError:
        return None  # it is just being written
    if found.get("started"):
        return None
    for key in ("ansible_job_id", "invocation"):
        found.pop(key, None)
    return found
