# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry that the registry's schema refuses: what can be asked all the same.

That it is refused is the cause of whatever people look for. What they may have had before goes on
serving; and where the entry has an address that can be read, it is told whether that is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..compile import Compiled
from ..registry.problems import Problem
from ..routing.resolve import Inventory
from .rows import row


def questions(compiled: Compiled, inventory: Inventory, name: str, why: Problem) -> dict[str, Any]:
    """As of `questions.questions`; `why` is the first problem of the entry."""
    entry = _entry(compiled, name)
    seen, place = str(why), f"{why.place}"
    asked = {
        "provider": name,
        "variables": [],
        "key_variable": "",
        "deployments": None,
        "targets": [_target(address) for address in _address(entry)],
        "completion": False,
    }
    return {
        "problem": "",
        "provider": name,
        "rows": [row("entry", "the registry", "no error", seen, "unsound", place=place)],
        "about": {
            "provider": name,
            "type": str(entry.get("type") or "of no type"),
            "status": "refused by the registry's rules",
            "place": place,
            "deployed": False,
            "cloud": False,
            "variable": "",
            "gateways": list(inventory.gateways),
            "hosts": [],
        },
        "hosts": {host: {"gateway": asked, "instance": {}} for host in inventory.gateways},
    }


def _entry(compiled: Compiled, name: str) -> Mapping[str, Any]:
    providers = compiled.sections.get("providers")
    found = providers.get(name) if isinstance(providers, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _address(entry: Mapping[str, Any]) -> list[str]:
    """Its base URL, where it has one that can be asked."""
    given = str(entry.get("base_url") or "")
    try:
        where = urlsplit(given)
        port = where.port or 80  # one that is no number is told here
    except ValueError:
        return []
    return [given] if where.scheme in ("http", "https") and where.hostname and port else []


def _target(address: str) -> dict[str, Any]:
    """Whether it is reached, and no more: how it is to be asked is not known."""
    return {
        "host": "",
        "url": address,
        "health": "",
        "own_health": False,
        "models_url": "",
        "way": "openai",
        "region": "",
        "models": [],
        "headers": {},
    }
