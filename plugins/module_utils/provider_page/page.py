# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The providers as one page of Markdown: written from the registry, its routes and the last proof.

The same registry, inventory and figures give the same page, byte by byte: nothing in it says when
or by whom it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..compile import Compiled
from ..registry.load import shown
from ..registry.model import Registry
from ..registry.problems import WARNING, Place, Problem
from ..registry.slots import parked
from ..registry.yaml_tree import Mapping as Node
from ..registry.yaml_tree import Sequence
from ..routing.resolve import Inventory
from ..routing.route_table import ROUTE, Fallback, Route, RouteTable
from ..routing.waiting import unanswered
from .escape import code, link, text, texts
from .measured import new_rows, rows_in
from .parts import Parts, further
from .picture import Picture, hosts_of, shares_of
from .sections import KINDS, Section

NAME = "providers.md"
OURS = "<!-- Written by lab.llm"
MARK = OURS + " (playbooks/docs.yml). Change the registry, and write it anew. -->"
ABOUT = ("version", "environment", "owner", "maintainer", "author", "contact")


def page(
    compiled: Compiled,
    inventory: Inventory,
    *,
    before: str = "",
    performance: list[dict[str, Any]] | None = None,
    at: str = "",
) -> str:
    """The text. `before` is the page as it was, whose figures stay unless `performance`, measured
    `at`, has others. `compiled` must be without errors."""
    registry, table, sections = compiled.registry, compiled.routes, compiled.sections
    rows = {**rows_in(before), **new_rows(performance or (), at)}
    about = sections.get("metadata") or {}
    lines = [MARK, *_head(registry, table, about), *_picture(registry, table, inventory)]
    lines += [*_names(table, _descriptions(sections)), *_waiting(compiled)]
    lines += _providers(registry, inventory)
    places = Parts(table, compiled.waiting)
    for provider in registry.providers.values():
        lines += ["", *Section(provider, registry, places, inventory, rows).lines()]
    return "\n".join(lines) + "\n"


def place_of(directory: str, given: str | None = None) -> Path | None:
    """Where the page stands: in the registry's directory, if nothing else is `given`; a relative
    path begins where the command is run, and an empty one is no page."""
    if given is None:
        return Path(directory) / NAME
    return Path(given).expanduser().absolute() if given else None


def read(path: Path) -> str | None:
    """The page that is there, None where there is none. Raises OSError, and ValueError for one
    that somebody else has written."""
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        found = ""
    if not found.startswith(OURS):
        raise ValueError(f"{path} was not written by lab.llm, so it stays as it is")
    return found


def stale(compiled: Compiled, inventory: Inventory, path: Path | None) -> list[Problem]:
    """A warning where a page is there that is not as it would be written now.

    Where there is none, or one of somebody else's, nobody wants one.
    """
    try:
        found = read(path) if path else None
    except (OSError, ValueError):
        return []
    if path is None or found is None or found == page(compiled, inventory, before=found):
        return []
    said = "the page of providers does not say what the registry says now"
    wish = "Write it anew: `ansible-playbook playbooks/docs.yml`."
    return [Problem(Place(shown(path), 1, 1), "stale-page", said, wish, "", WARNING)]


def _head(registry: Registry, table: RouteTable, about: Mapping[str, Any]) -> Iterator[str]:
    name = about.get("name")
    yield f"# Providers of {text(name)}" if name else "# Providers"
    if about.get("description"):
        yield from ("", text(about["description"]))
    told = [f"{key}: {texts(about[key])}" for key in ABOUT if about.get(key)]
    told += [f"docs: {link(about['docs'])}"] if about.get("docs") else []
    if told:
        yield from ("", "; ".join(told))
    models = sum(len(one.models) for one in registry.providers.values())
    counts = ((len(registry.providers), "provider"), (models, "model"), (len(table.routes), "name"))
    said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    yield from ("", f"{said}. Figures are those of a gateway's proof, which asks small questions.")


def _picture(registry: Registry, table: RouteTable, inventory: Inventory) -> Iterator[str]:
    picture = Picture(registry, inventory)
    picture.add(table.routes.values(), table)
    if lines := picture.lines():
        yield from ("", "## Who answers", "", "```mermaid", *lines, "```")
        yield from ("", "A whole line is who answers, a dotted one who is asked when that fails.")
    if picture.left_out:
        yield from ("", f"{picture.left_out} more names stand in the table alone.")


def _descriptions(sections: Mapping[str, Any]) -> dict[Place, str]:
    """What the rules say of themselves, by where they stand."""
    found = {}
    for section in sections.values():
        if isinstance(section, Node):
            rows = [(section.key_place(key), value) for key, value in section.items()]
        elif isinstance(section, Sequence):
            rows = [(section.item_place(at), value) for at, value in enumerate(section)]
        else:
            rows = []
        for place, value in rows:
            if isinstance(value, Node) and isinstance(value.get("description"), str):
                found[place] = value["description"]
    return found


def _names(table: RouteTable, descriptions: Mapping[Place, str]) -> Iterator[str]:
    if table.routes:
        yield from ("", "| name | what it is | answered by | then | declared in |")
        yield "|---|---|---|---|---|"
    for route in table.routes.values():
        kind = KINDS.get(route.kind, "model")
        if route.kind in KINDS and route.place in descriptions:
            kind += f": {text(descriptions[route.place])}"
        then = [_fallback(one) for one in further(route)]
        then += [f"{_fallback(one)} (too long a prompt)" for one in route.long_prompt]
        then += [f"{_fallback(one)} (content refused)" for one in route.refused]
        file = text(Path(route.place.file).name)
        cells = (code(route.name), kind, _answers(route), ", ".join(then) or "–", file)
        yield f"| {' | '.join(cells)} |"


def _waiting(compiled: Compiled) -> Iterator[str]:
    """The names that nobody answers while those who have them wait, as rows behind the others."""
    for one in compiled.waiting:
        for name in unanswered(one["names"], compiled.routes.routes):
            told = one["names"][name]
            who = f"nobody: {code(one['provider'])} with {code(told['model'])} waits"
            file = text(Path(told["rule"].rpartition(":")[0]).name)
            yield f"| {code(name)} | not served now | {who} | – | {file} |"


def _fallback(fallback: Fallback) -> str:
    models = dict.fromkeys(one.model for one in fallback.deployments)
    if fallback.kind == ROUTE or not models:
        return code(fallback.name)
    return f"{code(fallback.name)} with {', '.join(map(code, models))}"


def _answers(route: Route) -> str:
    shares = shares_of(route)
    found: dict[str, None] = {}
    for target in route.targets:
        one = target.deployment
        said = f"{code(one.provider)} with {code(one.model)}"
        if target.traffic:
            said += f" ({target.traffic * 100:.4g} % on trial)"
        elif one.provider in shares and len(shares) > 1:
            said += f" ({shares[one.provider] * 100:.4g} %)"
        if target.tags:
            said += f" (if tagged {' or '.join(map(text, target.tags))})"
        found[said] = None
    joined = ", or ".join(found) if shares or route.strategy else ", then ".join(found)
    return f"{joined}, by {text(route.strategy)}" if route.strategy else joined


def _providers(registry: Registry, inventory: Inventory) -> Iterator[str]:
    yield from ("", "| provider | type | status | hosts | models |", "|---|---|---|---|---|")
    waits = parked(registry)
    for one in registry.providers.values():
        hosts = ", ".join(map(code, hosts_of(one, inventory)))
        status = f"{one.status}, waits" if one.name in waits else one.status
        models = str(len(one.models))
        yield f"| {code(one.name)} | {code(one.type.name)} | {status} | {hosts} | {models} |"
