# ruff: noqa: E402 - DOCUMENTATION stands before the imports, as Ansible wants it
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback for tests and benchmarks: what each host was asked to do, into $LAB_LLM_COUNTED.

{host: {"tasks": results of any kind, skipped ones too, "modules": those that ran something on the
host, "seconds": from the run's begin to the host's last result}}
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: count_tasks
type: notification
short_description: Counts tasks by host
description: Counts tasks by host.
author: lab.llm contributors (@lab-llm)
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

# What runs in ansible-playbook itself and reaches no host.
HERE = ("include_", "import_", "set_fact", "assert", "fail", "debug", "meta", "validate_argument")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "count_tasks"

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, dict[str, Any]] = {}
        self.begun = time.monotonic()

    def _count(self, result: Any, *_rest: Any, **_more: Any) -> None:
        host = getattr(result, "host", None) or result._host
        task = getattr(result, "task", None) or result._task
        values = getattr(result, "result", None)
        values = values if isinstance(values, dict) else result._result
        one = self.seen.setdefault(host.get_name(), {"tasks": 0, "modules": 0, "seconds": 0.0})
        one["tasks"] += 1
        name = task.action.split(".")[-1]
        one["modules"] += not name.startswith(HERE) and not values.get("skipped", False)
        one["seconds"] = round(time.monotonic() - self.begun, 2)

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _count

    def v2_playbook_on_stats(self, _stats: Any) -> None:
        Path(os.environ["LAB_LLM_COUNTED"]).write_text(json.dumps(self.seen))
