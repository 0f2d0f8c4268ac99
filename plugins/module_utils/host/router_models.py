# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What llama-server says of its models where it has several.

Its /health is 200 although a model could not be loaded, and /v1/models lists that one like the
others: only the `status` in /models tells.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from .diagnosis import said
from .user_manager import Manager, State

LINES = 2000  # each model writes into the one journal
SHOWN = 6


class FailedModelsError(Exception):
    """Models that could not be loaded: name -> the port of the process that tried, "" if unknown.
    That process begins its lines in the journal with it."""

    def __init__(self, ports: Mapping[str, str]) -> None:
        super().__init__(", ".join(ports))
        self.ports = dict(ports)


def models_problem(body: bytes, names: Collection[str]) -> str:
    """What is still wrong with the answer of /models, "" if each of these can be asked.

    One that is not loaded is fine: it may have made room for another, and comes when it is asked
    for. Raises FailedModelsError for those that could not be loaded.
    """
    try:
        listed = [one for one in json.loads(body)["data"] if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError):
        return "the answer is no list of models"
    known = {name: one for one in listed for name in (one.get("id"), *(one.get("aliases") or ()))}
    missing = [name for name in names if name not in known]
    if missing:
        return f"{', '.join(missing)} is not listed"
    states = {name: known[name].get("status") or {} for name in names}
    failed = {name: _port(state) for name, state in states.items() if state.get("failed")}
    if failed:
        raise FailedModelsError(failed)
    busy = [name for name, one in states.items() if one.get("value") in ("loading", "downloading")]
    return f"{', '.join(busy)} is still loading" if busy else ""


def why_failed(manager: Manager, state: State, failed: FailedModelsError) -> str:
    """A sentence for each model that could not be loaded, with its own last lines."""
    written = manager.journal(state.name, state.invocation, LINES)
    told = []
    for name, port in failed.ports.items():
        lines = [one.removeprefix(f"[{port}] ") for one in written if one.startswith(f"[{port}] ")]
        reason = said(lines) or "its process ended"
        end = "\n  ".join(["", *_telling(lines)[-SHOWN:]]) if lines else " nothing"
        told.append(
            f"{state.name} runs, but its model '{name}' could not be loaded: {reason}; "
            f"it wrote:{end}"
        )
    return "\n".join(told)


def _telling(lines: list[str]) -> list[str]:
    errors = [line for line in lines if " E " in line or line.startswith("error")]
    return errors or lines


def _port(status: Mapping[str, Any]) -> str:
    words = [str(word) for word in status.get("args") or ()]
    return words[words.index("--port") + 1] if "--port" in words[:-1] else ""
