# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generation of the gateway is made of, and what its folder says about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Content:
    """What a generation is made of.

    `files`: path below the folder -> text. Those below registry/ are kept for people; all others
    are what the gateway runs, as are the venv, the units, and the values of the `variables` that
    `secrets` stands for (a keyed hash). `composed`: the variables among them that are made of text
    and others, so that a restore can make them again.
    """

    files: Mapping[str, str]
    venv: str
    units: Mapping[str, str]
    variables: tuple[str, ...]
    secrets: str
    composed: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Equal if and only if the same would be served."""
        files, units = (
            {k: sha256(v) for k, v in each.items()} for each in (self.files, self.units)
        )
        return digest_of(files, self.venv, units, self.variables, self.secrets)


@dataclass(frozen=True)
class Manifest:
    """What a generation's folder says about it. Times are seconds since 1970."""

    number: int
    digest: str
    files: Mapping[str, str]
    venv: str
    litellm: str
    lock: str
    units: Mapping[str, str]
    variables: list[str]
    secrets: str
    commit: str = ""
    by: str = ""
    at: float = 0.0
    composed: Mapping[str, str] = field(default_factory=dict)
    format: int = 1

    def agrees(self) -> bool:
        """Whether its digest is that of what it names: nobody has written another hash into it."""
        return self.digest == digest_of(
            self.files, self.venv, self.units, self.variables, self.secrets
        )


def digest_of(
    files: Mapping[str, str],
    venv: str,
    units: Mapping[str, str],
    variables: Iterable[str],
    secrets: str,
) -> str:
    """`files` and `units`: name -> hash. Those below registry/ do not count."""
    served = {name: hash_ for name, hash_ in files.items() if not name.startswith("registry/")}
    parts = [served, venv, dict(units), sorted(variables), secrets]
    return sha256(json.dumps(parts, sort_keys=True))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
