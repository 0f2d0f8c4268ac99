# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a removal, for people: what is gone, or how it stands and how it is ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .registry.load import shown

Services = Mapping[str, Sequence[Mapping[str, Any]]]


def report(told: Mapping[str, Any], removed: Mapping[str, Any]) -> str:
    """Lines of text. `told` has providers, names, files, failures, left (hosts), check (mode)
    and user; `removed`
    is what Removal.as_dict gives."""
    what = ", ".join(told["providers"]) or "what the file declares"
    if told["failures"]:
        return f"{what} was not removed: the registry, the gateway and all instances are as before."
    files = ", ".join(shown(Path(file)) for file in told["files"])
    lines = ["Nothing was done, in check mode. After a run:"] if told["check"] else []
    lines += [
        f"The gateway does without {what}, and the registry ({files}) does not name it any more."
    ]
    if told["names"]:
        lines.append(f"Nobody answers to: {', '.join(told['names'])}.")
    services: Services = removed["services"]
    gone = {host: specs for host, specs in services.items() if host not in told["left"]}
    lines += [f"Removed from {host}: {', '.join(units(specs))}." for host, specs in gone.items()]
    for host in told["left"]:
        lines += _left(host, units(services[host]), told["user"])
    return "\n".join(lines)


def units(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the units that run these."""
    return [spec["unit"] for spec in specs]


def _left(host: str, names: Sequence[str], user: str) -> list[str]:
    options = {"user": user, "units": [{"name": name, "state": "absent"} for name in names]}
    return [
        f"{', '.join(names)} may still be on {host}. Once it can be reached:",
        f"  ansible {host} --become -m lab.llm.user_units -a '{json.dumps(options)}'",
    ]
