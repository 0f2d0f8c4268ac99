# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What shall be served, from the options of the modules that change the gateway or foresee it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..host.units import HEADER
from .staging import Wanted
from .venv import Lock

CARRIED = ("commit", "by", "unconfirmed", "adopt", "again")


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """`params`: files, registry, lock, units, variables, composed, secrets and what is CARRIED.
    Raises VenvError for a lock file that must not be installed."""
    files = {name: str(text) for name, text in params["files"].items()}
    files |= {f"registry/{name}": str(text) for name, text in params["registry"].items()}
    return Wanted(
        files=files,
        venv=Lock(params["lock"]).name,
        units=unit_texts(params["units"]),
        variables=tuple(params["variables"]),
        composed=params["composed"],
        given={k: str(value) for k, value in params["secrets"].items() if value is not None},
        **{name: params[name] for name in CARRIED if name in params},
    )


def unit_texts(units: Mapping[str, str]) -> dict[str, str]:
    """The units as they are written."""
    return {name: f"{HEADER}\n{text}" for name, text in units.items()}
