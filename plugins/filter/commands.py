# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin views of the core for single playbooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils import removal_report as removal
from ..module_utils import verdicts
from ..module_utils.rotation import RotationError, announcement, report, rotation


def removal_report(told: Mapping[str, Any], removed: Mapping[str, Any]) -> str:
    """See report: what became of a removal."""
    return removal.report(told, removed)


def key_rotation(
    check: Mapping[str, Any], variable: str = "", provider: str = ""
) -> dict[str, Any]:
    """See rotation: which key is meant, and what it concerns; or only the problem."""
    try:
        told = rotation(check, variable, provider)
    except RotationError as problem:
        return {"problem": str(problem)}  # an error of a filter would be told in Ansible's words
    return {**told, "lines": announcement(told), "problem": ""}


def noted(hosts: verdicts.Hosts, name: str = "llm_failure") -> list[Any]:
    """See verdicts.noted: what plays have noted on all hosts."""
    return verdicts.noted(hosts, name)


def noted_by(
    hosts: verdicts.Hosts, names: Iterable[str], name: str, default: object = None
) -> dict[str, Any]:
    """What plays have noted on each of some hosts: {host: value}; {} where there is no default."""
    missing = {} if default is None else default
    return {host: hosts[host].get(name, missing) for host in names}


def verdict(
    hosts: verdicts.Hosts, kind: str, format: str = "text", **facts: object
) -> dict[str, Any]:
    """See verdicts.verdict: how a command ended, {ok, report, why}."""
    return verdicts.verdict(kind, hosts, facts).as_dict(format)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {
            "key_rotation": key_rotation,
            "noted": noted,
            "noted_by": noted_by,
            "removal_report": removal_report,
            "rotation_report": report,
            "verdict": verdict,
        }
