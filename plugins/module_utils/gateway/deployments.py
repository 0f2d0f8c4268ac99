# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which deployments stand behind a name, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any

from .probe_checks import provider_of

Row = dict[str, str]  # id, name, mode, provider, configured


def declared(probes: Mapping[str, Any]) -> list[Row]:
    """Those that a generation was staged with; none where nothing says so."""
    rows = probes.get("deployments", ())
    return [{**row, "provider": provider_of(row["id"])} for row in rows]


def loaded(answer: object) -> list[Row]:
    """Those that /v1/model/info tells of."""
    data = answer.get("data", []) if isinstance(answer, dict) else []
    found = []
    for row in data:
        info = row.get("model_info", {})
        identity, mode = str(info.get("id", "")), str(info.get("mode") or "chat")
        known = {"id": identity, "name": str(row.get("model_name", "")), "mode": mode}
        found.append({**known, "provider": provider_of(identity), "configured": ""})
    return found


class Deployments:
    """The deployments by name and by id. Every question here is about a name or an id."""

    def __init__(self, rows: Iterable[Row], providers: Mapping[str, Any]) -> None:
        self.rows, self.providers = list(rows), providers
        self.known: dict[str, list[Row]] = {}
        for row in self.rows:
            for word in dict.fromkeys((row["name"], row["id"])):
                self.known.setdefault(word, []).append(row)

    def behind(self, word: str) -> list[Row]:
        """What may answer for a name, in order; for an id that one alone."""
        return self.known.get(word, [])

    def whose(self, word: str) -> list[str]:
        """The providers behind it."""
        found = [row["provider"] for row in self.behind(word)]
        return list(dict.fromkeys(found or filter(None, [provider_of(word)])))

    def costs(self, word: str, spared: Collection[str]) -> bool:
        """Whether one of its providers must not be asked."""
        return any(provider in spared for provider in self.whose(word))

    def about(self, *words: str) -> dict[str, Any]:
        """What a check of these is marked with: who may answer (of the last word), a hash that is
        the same as long as the configuration of all is, and the variables that they need."""
        rows = [sorted({row["configured"] for row in self.behind(word)}) for word in words]
        digest = sha256(repr((words[1:], rows)).encode()).hexdigest()[:16] if any(rows) else ""
        owners = self.whose(words[-1])
        all_owners = {owner for word in words for owner in self.whose(word)}
        needed = {v for p in all_owners for v in self.providers.get(p, {}).get("variables", ())}
        return {"providers": owners, "configured": digest, "variables": sorted(needed)}
