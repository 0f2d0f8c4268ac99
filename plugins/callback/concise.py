# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: concise
type: stdout
short_description: Prints what changed, what failed and the reports, nothing else
version_added: 0.1.0
author:
  - lab.llm contributors (@lab-llm)
description:
  - A stdout callback for people who read the output. A task that changed nothing prints nothing, a
    report is printed as it is, a failure is its message rather than a dump of the result.
  - A play on hosts is named when it begins, one on the controller only when it has something to
    say.
  - With C(-e format=json) only the report is on standard output, one JSON document for another
    program. What fails without a report is on standard error.
  - With C(-v) it is C(ansible.builtin.default).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import json
from collections.abc import Callable
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.color import stringc


def _short(hook: str, show: str) -> Callable[..., None]:
    """A hook that is the default's with -v, and ours without."""

    def called(self: CallbackModule, result: Any, *args: Any, **kwargs: Any) -> None:
        if self._verbose:
            getattr(Default, hook)(self, result, *args, **kwargs)
        else:
            getattr(self, show)(result)

    return called


def _only_with_v(hook: str) -> Callable[..., None]:
    """A hook that is the default's with -v, and silent without."""

    def called(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if self._verbose:
            getattr(Default, hook)(self, *args, **kwargs)

    return called


class CallbackModule(Default):
    """C(default) with everything left out that a reader would skip."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lab.llm.concise"

    def __init__(self) -> None:
        super().__init__()
        self._for_machines = False
        self._heading = ""
        self._silent_hosts = False
        self._ran = False

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity) and not self._for_machines

    def v2_playbook_on_play_start(self, play: Any) -> None:
        extra_vars = play.get_variable_manager().extra_vars
        self._for_machines = extra_vars.get("format") == "json"
        if self._verbose:
            super().v2_playbook_on_play_start(play)
            return
        self._end_play()
        self._heading = play.get_name().strip()
        looks = (play.vars or {}).get("llm_looks")  # and says what it has seen later
        if list(play.hosts) not in (["localhost"], ["!all"]) and not looks:
            self._head()
            self._silent_hosts, self._ran = True, False

    v2_playbook_on_task_start = _only_with_v("v2_playbook_on_task_start")
    v2_playbook_on_handler_task_start = _only_with_v("v2_playbook_on_handler_task_start")
    v2_playbook_on_include = _only_with_v("v2_playbook_on_include")
    v2_playbook_on_no_hosts_matched = _only_with_v("v2_playbook_on_no_hosts_matched")
    v2_runner_on_skipped = _only_with_v("v2_runner_on_skipped")
    v2_runner_item_on_skipped = _only_with_v("v2_runner_item_on_skipped")
    v2_runner_retry = _only_with_v("v2_runner_retry")
    v2_runner_on_ok = _short("v2_runner_on_ok", "_show_ok")
    v2_runner_item_on_ok = _short("v2_runner_item_on_ok", "_show_ok")
    v2_runner_on_failed = _short("v2_runner_on_failed", "_show_failed")
    v2_runner_item_on_failed = _short("v2_runner_item_on_failed", "_show_failed")
    v2_runner_on_unreachable = _short("v2_runner_on_unreachable", "_show_unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._verbose:
            super().v2_playbook_on_stats(stats)
        else:
            self._end_play()

    def _head(self) -> None:
        """The play's name, once, before the first thing that it has to say."""
        if self._heading and not self._for_machines:
            self._display.display(stringc(self._heading, "bright blue"))
        self._heading = ""

    def _end_play(self) -> None:
        if self._silent_hosts and not self._for_machines:
            self._display.display("  nothing to change" if self._ran else "  nothing to do")
        self._silent_hosts = False

    def _say(self, text: str, colour: str | None = None) -> None:
        self._head()
        self._silent_hosts = False
        self._display.display(stringc(text, colour) if colour else text)

    def _show_ok(self, result: Any) -> None:
        self._ran = True
        values = _values(result)
        if values.get("_ansible_verbose_always"):
            self._report(values.get("msg", ""))
        if values.get("changed") and not self._for_machines:
            self._say(f"  changed  {_who(result)}", "yellow")

    def _show_failed(self, result: Any, word: str = "failed") -> None:
        values = _values(result)
        message = values.get("msg") or values.get("censored") or ""
        if "results" in values and all(_failed_item_was_shown(item) for item in values["results"]):
            return
        if self._for_machines:
            # A report that says what failed is JSON; anything else is for whoever reads the log.
            text = _text(message)
            self._display.display(text, stderr=not text.startswith("{"))
            return
        self._say(f"  {word:7}  {_who(result)}", "red")
        self._report(message)
        for key in ("stdout", "stderr", "module_stdout", "module_stderr"):
            if values.get(key):
                self._say(str(values[key]).rstrip())

    def _show_unreachable(self, result: Any) -> None:
        if not _task(result).ignore_unreachable:  # else the task that acts on it tells it
            self._show_failed(result, "unreachable")

    def _report(self, message: Any) -> None:
        lines = message if isinstance(message, list) else [message]
        for line in lines:
            self._say(_text(line))


def _text(message: Any) -> str:
    """A message as text: ansible-core 2.18 makes a dictionary of a text that is JSON."""
    if isinstance(message, dict):
        return json.dumps(message, indent=2, ensure_ascii=False)
    return str(message).strip("\n").rstrip()


def _values(result: Any) -> dict[str, Any]:
    """The result's dictionary, under the name that this release of ansible-core gives it."""
    values = getattr(result, "result", None)
    return values if isinstance(values, dict) else result._result


def _task(result: Any) -> Any:
    """The result's task, under the name that this release of ansible-core gives it."""
    return getattr(result, "task", None) or result._task


def _who(result: Any) -> str:
    host = getattr(result, "host", None) or result._host
    item = _values(result).get("_ansible_item_label")
    label = f" ({item})" if isinstance(item, str) else ""
    return f"{host.get_name()}: {_task(result).get_name().split(' : ')[-1]}{label}"


def _failed_item_was_shown(item: Any) -> bool:
    return isinstance(item, dict) and "_ansible_item_result" in item
