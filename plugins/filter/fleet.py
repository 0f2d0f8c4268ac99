# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin views of the core for plays on many hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..module_utils import fleet as core


def fleet(
    hosts: core.Hosts, names: Iterable[str], choice: str = core.KEEP, limit: object = "50%"
) -> dict[str, Any]:
    """See fleet; or only the problem."""
    try:
        return core.fleet(hosts, names, choice, limit)
    except core.FleetError as problem:
        return {"problem": str(problem)}  # an error of a filter would be told in Ansible's words


def goes_on(
    hosts: core.Hosts, names: Iterable[str], choice: str = core.KEEP, limit: object = "50%"
) -> bool:
    """See goes_on: whether a further batch is begun with."""
    return core.goes_on(hosts, names, choice, limit)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"fleet": fleet, "goes_on": goes_on}
