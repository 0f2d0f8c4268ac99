# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry with other values at some of its places, as if they had been written there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

from .compile import Compiled, Inventory, compile_registry
from .registry.edit import EditError, with_value
from .registry.edit_scalars import Scalar
from .registry.load import registry_files, shown
from .registry.problems import Place, Problem, has_errors, nearest

Value = tuple[tuple[str, ...], Optional[Scalar]]  # noqa: UP045 - ansible-test knows no other way


def revalue(
    directory: str, inventory: Inventory, values: Iterable[Value]
) -> tuple[Compiled, list[Problem], dict[str, str | None]]:
    """(what the registry is then, its problems, name -> new text of each file that changes).

    `values`: path and new value, None to take it out. The mapping around it must exist. Never
    raises for what is in the files: that is a problem, and nothing is changed then.
    """
    before = compile_registry(directory, inventory)
    if has_errors(before.problems):
        return before, before.problems, {}
    files = registry_files(directory)
    changed: dict[str, str | None] = {}
    for path, value in values:
        try:
            new = with_value(files, path, value)
        except KeyError:
            return before, [_unknown(before, directory, path)], {}
        except EditError as error:
            file = shown(Path(directory) / error.problem.place.file)
            place = error.problem.place._replace(file=file)
            return before, [dataclasses.replace(error.problem, place=place)], {}
        files |= new
        changed |= new
    after = compile_registry(directory, inventory, edits=changed)
    return after, after.problems, changed


def _unknown(before: Compiled, directory: str, path: tuple[str, ...]) -> Problem:
    here = Place(shown(Path(directory)), 1, 1)
    if path[0] != "providers" or len(path) < 3 or path[1] in before.registry.providers:
        message = f"the registry has no {'.'.join(path[:-1])}"
        return Problem(here, "cannot-edit", message, "a path that it has")
    names = list(before.registry.providers)
    near = nearest(path[1], names)
    message = f"no provider is called '{path[1]}'"
    expected = "" if near else f"one of {', '.join(names)}"
    return Problem(here, "unknown-provider", message, expected, near)
