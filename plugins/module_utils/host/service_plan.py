# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would have to be done on one host for its services: files, units, states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import artifacts as files
from . import python_venv
from .fetch import FetchError
from .python_venv import Venv
from .unit_work import run
from .venvs import VenvError
from .wishes import Artifact, Outcome

Found = dict[str, Any]


def look(wishes: Iterable[Artifact | Venv], params: Mapping[str, Any], home: str | None) -> Found:
    """{artifacts, units, texts, leftover, problems}, JSON-ready and without any secret.

    `units`: name -> what would be done, as lab.llm.user_units says it; `texts`: file -> [the unit
    as it is, as it would be]; `problems`: what would end the run. `params` are the options of that
    module. Changes nothing.
    """
    found = run(params, home, check=True)
    problems = [found["msg"]] if found["failed"] else []
    artifacts = []
    for wish in wishes:
        try:
            artifacts.append(asdict(_seen(wish)))
        except (FetchError, VenvError, OSError) as problem:
            problems.append(f"{wish.name}: {problem}")
    texts = {Path(one["after_header"]).name: [one["before"], one["after"]] for one in found["diff"]}
    return {
        "artifacts": [one for one in artifacts if one["changed"]],
        "units": found["units"],
        "texts": texts,
        "leftover": found["leftover"],
        "problems": problems,
    }


def _seen(wish: Artifact | Venv) -> Outcome:
    if isinstance(wish, Venv):
        return python_venv.ensure(wish, check=True)
    return files.ensure(wish, check=True)
