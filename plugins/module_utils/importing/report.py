# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import says, to people: findings by what becomes of them, then the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .effects import EFFECTS
from .importer import Imported, as_dict
from .kinds import KINDS
from .notes import Finding

_MOST_NAMES = 12


def as_json(result: Imported, to: str) -> str:
    """One JSON document; no secret is in it."""
    text = json.dumps(as_dict(result, to), indent=2, ensure_ascii=False)
    return result.secrets.scrubbed(text)


def as_text(result: Imported, to: str, next_step: str = "") -> str:
    """Lines; no secret is in them."""
    return result.secrets.scrubbed("\n".join(_lines(result, to, next_step)))


def _lines(result: Imported, to: str, next_step: str) -> Iterator[str]:
    for effect, title in EFFECTS.items():
        found = [one for one in result.findings if one.effect == effect]
        if found:
            yield f"{title}:"
            yield from _findings(found)
    if result.left:
        yield "Not carried over:"
        for one in result.left:
            place = f"{one.place}: " if one.place.file else ""
            yield f"    - {place}{one.what}: {one.why}."
    if result.new_names:
        yield f"Names that are new: {_listed(result.new_names)}."
    if result.gone_names:
        yield f"Names that are gone: {_listed(result.gone_names)}."
    if result.todo:
        yield "To do by hand:"
        yield from (f"    - {sentence}" for sentence in result.todo)
    yield from result.errors
    yield summary(result, to)
    if next_step and not result.errors:
        yield next_step


def _findings(found: list[Finding]) -> Iterator[str]:
    """What happens today and what the registry says, once; then each place."""
    by_kind: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        by_kind.setdefault((one.code, one.instead), []).append(one)
    for (code, instead), same in by_kind.items():
        kind = KINDS[code]
        yield f"  {code}: {kind.today}. In the registry: {instead or kind.instead}."
        for one in same:
            near = f" Did you mean '{one.suggestion}'?" if one.suggestion else ""
            yield f"    - {one.place}: {one.what}.{near}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def summary(result: Imported, to: str) -> str:
    """`litellm.yaml: 3 providers, 5 names; 7 mistakes found, 2 things not carried over.`"""
    read = ", ".join(result.sources) or "nothing"
    said = f"{counted(len(result.findings), 'finding')}, {len(result.left)} not carried over"
    if result.errors or result.compiled is None:
        return f"{read}: not imported; {said}. Nothing was written."
    counts = result.compiled.counts()
    made = f"{counted(counts['provider'], 'provider')}, {counted(len(result.names), 'name')}"
    return f"{read}: {made} in {to}; {said}."


def counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
