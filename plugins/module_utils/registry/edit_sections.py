# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A section that no file of a registry has yet, put behind all that one of them holds."""

from __future__ import annotations

from collections.abc import Mapping

from .edit_checks import Path, is_proven, unproven
from .edit_scalars import written


def with_section(
    files: Mapping[str, str], name: str, path: tuple[str, str], value: str
) -> dict[str, str]:
    """{name: new text} of the file that gets the section path[0] with one entry.

    Nothing of its own text changes. Raises EditError where the result would mean anything else.
    """
    text = files[name]
    end = "\r\n" if "\r\n" in text else "\n"
    apart = "" if text.endswith("\n") else end
    section, key = path
    new = f"{text}{apart}{end}{section}:{end}  {written(key)}: {written(value)}{end}"
    whole: Path = path
    if not is_proven(text, new, whole, value):
        raise unproven(name, whole)
    return {name: new}
