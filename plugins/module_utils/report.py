# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check found, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .compile import Compiled
from .registry.load import shown
from .registry.problems import ERROR, Problem


def as_text(problems: Sequence[Problem], compiled: Compiled, path: str) -> str:
    """A line a problem, then one that sums up."""
    return "\n".join([*map(str, problems), _summary(problems, compiled, path)])


def as_json(problems: Sequence[Problem], compiled: Compiled, path: str) -> str:
    """One JSON document: `ok`, `registry`, `problems`, `routes`, `variables`, `services`."""
    failed = any(problem.severity == ERROR for problem in problems)
    document = {
        "ok": not failed,
        "registry": path,
        "problems": [problem.as_dict() for problem in problems],
    }
    if not failed:
        everything = compiled.as_dict()
        document |= {key: everything[key] for key in ("routes", "variables", "services")}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _summary(problems: Sequence[Problem], compiled: Compiled, path: str) -> str:
    errors = sum(problem.severity == ERROR for problem in problems)
    warnings = len(problems) - errors
    found = " and ".join(
        _counted(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count
    )
    path = shown(Path(path))
    if errors:
        return f"{path}: {found}. No host was touched."
    what = ", ".join(_counted(count, word) for word, count in compiled.counts().items())
    return f"{path}: ok, {what}{'; ' + found if found else ''}."


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
